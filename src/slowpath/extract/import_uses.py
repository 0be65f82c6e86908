"""How a file uses the names that it imports: in types alone, in code, or only in code that event handlers run.

A name is searched for in the bytes, and each place is looked up in the tree until one decides. Shadowing is not known:
a local variable of the same name counts as a use, which errs towards keeping the import.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.finding import Span
from slowpath.model.modules import Member, Use

WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
TYPES = frozenset(["nested_type_identifier", "type_query", "type_annotation", "type_arguments", "import_specifier"])
BINDINGS = frozenset(["required_parameter", "optional_parameter", "rest_pattern"])
MAX_DEPTH = 150
MAX_MEMBERS = 100
"""More are as good as all."""
FUNCTIONS = frozenset(["arrow_function", "function_expression", "function_declaration", "method_definition"])
HANDLER = re.compile(r"^(handle|on)[A-Z]")
HANDED = re.compile(rb"\bon[A-Z]\w*=\{\s*(?:\(\s*(?:\w+\s*)?\)\s*=>\s*(?:void\s+)?)?(\w+)")


class Uses:
    """The uses in one tree, outside the given import statements."""

    def __init__(self, root: Node, source: bytes, imports: list[Span]) -> None:
        self.root = root
        self.source = source
        self.imports = imports
        self.header = max((last for _, last in imports), default=0)

    def of(self, name: str, *, handlers: bool) -> Use:
        """How `name` is used; `handlers` asks for the third answer, which takes reading every use."""
        found: Use = "type"
        for node in self._values(name):
            if not handlers or not self._on_event(node):
                return "value"
            found = "handler"
        return found

    def members(self, name: str) -> tuple[tuple[Member, ...] | None, bool]:
        """What the code reads off `name`, and whether types speak of it as well.

        The first is None where that may be anything, or where another `name` hides it somewhere.
        """
        found: list[tuple[str, Span]] = []
        in_types = False
        for start, end in islice(places(self.source, name.encode()), MAX_MEMBERS + 1):
            if start < self.header and any(first <= start < last for first, last in self.imports):
                continue
            node = self.root.descendant_for_byte_range(start, end)
            if node is None or node.type not in ("identifier", "type_identifier"):
                continue
            if node.type == "type_identifier" or _in_type(node):
                in_types = True
                continue
            member = _member(node)
            if member is None or len(found) == MAX_MEMBERS:
                return None, in_types
            found.append(member)
        words = Counter(word for word, _ in found)
        counts = {word: sum(1 for _ in places(self.source, word.encode())) for word in words}
        return tuple(Member(word, span, counts[word] == words[word]) for word, span in found), in_types

    def _values(self, name: str) -> Iterator[Node]:
        for start, end in places(self.source, name.encode()):
            if start < self.header and any(first <= start < last for first, last in self.imports):
                continue
            node = self.root.descendant_for_byte_range(start, end)
            if node is not None and is_value(node):
                yield node

    def _on_event(self, node: Node) -> bool:
        """Inside a function that only an `on…` attribute of an element gets, directly or by its name."""
        for function in above(node):
            if function.type in FUNCTIONS:
                if _is_attribute(function):
                    return True
                name = _name_of(function)
                if name and name[0].islower() and self._only_handed_to_events(name):
                    return True
        return False

    def _only_handed_to_events(self, name: str) -> bool:
        handed = self._handed[name.encode()]
        return handed > 0 and handed == sum(1 for _ in places(self.source, name.encode())) - 1

    @cached_property
    def _handed(self) -> Counter[bytes]:
        """How often each name is the whole value of an `on…` attribute."""
        return Counter(match[1] for match in HANDED.finditer(self.source))


def above(node: Node) -> Iterator[Node]:
    """The nodes around a node, innermost first, as far as anybody nests by hand: each step costs the depth."""
    current = node.parent
    for _ in range(MAX_DEPTH):
        if current is None:
            return
        yield current
        current = current.parent


def places(source: bytes, name: bytes) -> Iterator[Span]:
    """Where a whole word occurs."""
    at = source.find(name) if name else -1
    while at >= 0:
        end = at + len(name)
        if (at == 0 or source[at - 1] not in WORD) and (end == len(source) or source[end] not in WORD):
            yield at, end
        at = source.find(name, end)


def is_value(node: Node) -> bool:
    """Does this node evaluate the name that it is, rather than declare it or speak of a type?"""
    if node.type == "shorthand_property_identifier":
        return True
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return False
    if parent.type == "variable_declarator":
        return parent.child_by_field_name("value") == node
    if parent.type in BINDINGS:
        return parent.child_by_field_name("value") == node
    while parent is not None and parent.type in ("member_expression", "nested_identifier"):
        parent = parent.parent
    return parent is None or parent.type not in TYPES


def _in_type(node: Node) -> bool:
    parent = node.parent
    while parent is not None and parent.type in ("member_expression", "nested_identifier"):
        parent = parent.parent
    return parent is not None and parent.type in TYPES


def _member(node: Node) -> tuple[str, Span] | None:
    """`node.name`, also as the name of an element."""
    parent = node.parent
    if parent is None or parent.type not in ("member_expression", "nested_identifier"):
        return None
    first, last = parent.named_children[0], parent.named_children[-1]
    if first != node or last.type not in ("property_identifier", "identifier"):
        return None
    return text(last), (parent.start_byte, parent.end_byte)


def _is_attribute(function: Node) -> bool:
    parent = function.parent
    if parent is None or parent.type != "jsx_expression" or parent.parent is None:
        return False
    attribute = parent.parent
    return attribute.type == "jsx_attribute" and HANDLER.match(text(attribute.named_children[0])) is not None


def _name_of(function: Node) -> str:
    """The name under which a function is declared, also through `useCallback(…)`."""
    if function.type in ("function_declaration", "method_definition"):
        return text(function.child_by_field_name("name"))
    parent = function.parent
    if parent is not None and parent.type == "arguments" and parent.parent is not None:
        parent = parent.parent.parent
    if parent is not None and parent.type == "variable_declarator":
        return text(parent.child_by_field_name("name"))
    return ""
