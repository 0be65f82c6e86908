"""Where a value goes: to host elements, to components, into calls, or out of sight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text, walk
from slowpath.extract.react_owners import TRANSPARENT, callee_name, owner
from slowpath.extract.scopes import FUNCTIONS, VALUES, Binding, Scopes

Kind = Literal["host", "prop", "call", "read", "render", "effect", "away"]

READING = frozenset(
    ["member_expression", "subscript_expression", "template_substitution", "unary_expression", "expression_statement"]
)
CHAIN = frozenset(["member_expression", "non_null_expression"])
LOGICAL = frozenset(["&&", "||", "??"])
HOST = re.compile(r"^[a-z][\w-]*$")


class Use(NamedTuple):
    """One use. `away` is every use whose effect on identity cannot be seen: an argument, a deps array, a return."""

    kind: Kind
    tag: str = ""
    attribute: str = ""


def uses(binding: Binding, scopes: Scopes) -> list[Use]:
    """All uses of a declared name."""
    return [_use(node) for node in scopes.uses(binding)]


def _use(node: Node) -> Use:
    found = _climb(node)
    if found.kind in ("call", "read") and _in_hook(node):
        return Use("effect")
    return found


def _in_hook(node: Node) -> bool:
    around = owner(node)
    return around is None or around.in_hook


def _climb(node: Node) -> Use:
    current = node
    parent = node.parent
    while parent is not None:
        kind = parent.type
        if kind in TRANSPARENT:
            if parent.parent is not None and parent.parent.type in ("if_statement", "while_statement"):
                return Use("read")
        elif kind == "ternary_expression":
            if parent.child_by_field_name("condition") == current:
                return Use("read")
        elif kind == "binary_expression":
            if text(parent.child_by_field_name("operator")) not in LOGICAL:
                return Use("read")
        elif kind == "jsx_expression":
            return _in_jsx(parent)
        elif kind == "call_expression":
            return Use("call") if parent.child_by_field_name("function") == current else Use("away")
        elif kind in READING:
            return Use("read") if kind != "subscript_expression" or first(parent) == current else Use("away")
        else:
            return Use("away")
        current, parent = parent, parent.parent
    return Use("away")


def _in_jsx(expression: Node) -> Use:
    attribute = expression.parent
    if attribute is None or attribute.type != "jsx_attribute":
        return Use("render")
    element = attribute.parent
    tag = text(element.child_by_field_name("name")) if element is not None else ""
    name = text(first(attribute))
    if not tag or name in ("ref", "key"):
        return Use("away")
    return Use("host" if HOST.match(tag) else "prop", tag, name)


Cover = Literal["none", "part", "exact"]
"""Of what a callback reads, its dependencies name: not all; all or what it is part of; all as it is."""


def covered(function: Node, dependencies: Node, component: Node, scopes: Scopes) -> Cover:
    """How well do the dependencies of a callback name what it reads of its component, setters and refs left out?

    `row.id` covers `row.id.length` in part, and not `row.name`.
    """
    known = {path_of(node) for node in dependencies.named_children} - {()}
    exact = True
    for path, binding in outer_reads(function, component, scopes):
        if path not in known and not never_changes(binding):
            exact = False
            if not any(path[: len(prefix)] == prefix for prefix in known):
                return "none"
    return "exact" if exact else "part"


def outer_reads(function: Node, component: Node, scopes: Scopes) -> Iterator[tuple[tuple[str, ...], Binding]]:
    """What a callback reads of its component: the path from a local name, and the name's declaration."""
    for node in walk(function):
        if node.type in VALUES:
            binding = scopes.lookup(text(node), node)
            if binding is not None and _between(binding.node, component, function):
                yield path_of(_whole(node)), binding


def _whole(node: Node) -> Node:
    """The longest chain of properties that starts with a name."""
    while node.parent is not None and node.parent.type in CHAIN and first(node.parent) == node:
        node = node.parent
    return node


def path_of(node: Node) -> tuple[str, ...]:
    """`a?.b!.c` → a, b, c; nothing for anything but names."""
    found: list[str] = []
    current: Node | None = node
    while current is not None and current.type in CHAIN:
        if current.type == "member_expression":
            found.append(text(current.child_by_field_name("property")))
        current = first(current)
    if current is None or current.type not in ("identifier", "shorthand_property_identifier"):
        return ()
    return (text(current), *reversed(found))


def never_changes(binding: Binding) -> bool:
    """A ref, or what sets a state."""
    value = binding.value
    if value is None or value.type != "call_expression" or not binding.constant:
        return False
    if binding.whole:
        return callee_name(value) == "useRef"
    pattern = binding.owner.child_by_field_name("name")
    pair = pattern.named_children if pattern is not None and pattern.type == "array_pattern" else []
    return callee_name(value) in ("useState", "useReducer") and bool(pair) and pair[-1] == binding.node != pair[0]


def _between(node: Node, component: Node, function: Node) -> bool:
    """Inside the component, outside the callback."""
    inside = component.start_byte <= node.start_byte < component.end_byte
    return inside and not function.start_byte <= node.start_byte < function.end_byte


def is_function(node: Node | None) -> bool:
    """A function written in place."""
    return node is not None and node.type in FUNCTIONS
