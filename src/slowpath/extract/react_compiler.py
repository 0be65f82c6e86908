"""What a build configuration says of React Compiler: whether it is on, in which mode, and for which paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.modules import Compiler

NAME = re.compile(rb"reactCompiler\w*|babel-plugin-react-compiler")
ANNOTATION = re.compile(rb"compilationMode['\"]?\s*:\s*['\"]annotation")
FILTERS = frozenset(["sources", "test", "include", "only"])
NEGATED = re.compile(r"!(?!==?)|===?\s*-1|<\s*0")
LITERALS = frozenset(["string", "regex", "template_string"])
SPECIAL = re.compile(r"[*?\[\](){}|^$\\+]")


def compiler(root: Node, source: bytes) -> Compiler:
    """Comments and the lint plugin do not count."""
    for match in NAME.finditer(source):
        node = root.descendant_for_byte_range(match.start(), match.end())
        if node is not None and _switches_on(node):
            return Compiler("annotation" if ANNOTATION.search(source) else "on", tuple(_paths(node)))
    return Compiler()


def plain_paths(patterns: list[str]) -> list[str]:
    """Patterns as pieces of paths; nothing (which stands for all files) where one is no plain piece."""
    found = []
    for pattern in patterns:
        if pattern.startswith("/") and pattern.rstrip("gimsuy").endswith("/"):
            pattern = pattern.rstrip("gimsuy")[1:-1].replace("\\/", "/").replace("\\.", ".").strip("^$")
        piece = re.sub(r"^(\./|\*\*/)+|(/\*+)+$", "", pattern)
        if not re.search(r"\w", piece) or SPECIAL.search(piece):
            return []
        found.append(piece)
    return found


def _paths(node: Node) -> list[str]:
    """What filters beside the plugin, in its options, or in the table that holds the list of plugins say."""
    patterns: list[str] = []
    for table in _tables(node):
        for pair in table.named_children:
            if pair.type in ("pair", "method_definition"):
                key = pair.child_by_field_name("key") or pair.child_by_field_name("name")
                if text(key).strip("'\"") in FILTERS:
                    if NEGATED.search(text(pair)):
                        return []
                    patterns += [text(part).strip("'\"`") for part in _literals(pair)]
    return plain_paths(patterns)


def _tables(node: Node) -> Iterator[Node]:
    current, parent = node, node.parent
    while parent is not None and parent.type not in ("program", "statement_block"):
        if parent.type == "array" and node.type == "string_fragment":
            yield from (child for child in parent.named_children if child.type == "object" and child != current)
        if parent.type == "pair":
            value = parent.child_by_field_name("value")
            if value is not None and value.type == "object" and node.type == "property_identifier":
                yield value
            holds = text(parent.child_by_field_name("key")) in ("plugins", "presets", "babel")
            if holds and parent.parent is not None:
                yield parent.parent
        if parent.type == "call_expression" and current.type in ("identifier", "property_identifier"):
            arguments = parent.child_by_field_name("arguments")
            yield from (child for child in arguments.named_children if child.type == "object") if arguments else ()
        current, parent = parent, parent.parent


def _literals(pair: Node) -> Iterator[Node]:
    stack = [pair.child_by_field_name("value") or pair.child_by_field_name("body") or pair]
    while stack:
        node = stack.pop()
        if node.type in LITERALS:
            yield node
        else:
            stack.extend(reversed(node.named_children))


def _switches_on(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if node.type == "property_identifier" or (node.type == "string_fragment" and _is_key(parent)):
        pair = parent if parent.type == "pair" else parent.parent
        value = pair.child_by_field_name("value") if pair is not None and pair.type == "pair" else None
        return value is not None and text(value) not in ("false", "undefined", "null")
    if node.type == "string_fragment":
        return text(node) == "babel-plugin-react-compiler" and (
            parent.parent is None or "import" not in parent.parent.type
        )
    return node.type == "identifier" and parent.type == "call_expression"


def _is_key(string: Node) -> bool:
    pair = string.parent
    return pair is not None and pair.type == "pair" and pair.child_by_field_name("key") == string
