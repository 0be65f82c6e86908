"""Selectors that return another object each time, and what makes the hooks that get them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import HOOK, callee_name, owner
from slowpath.extract.react_values import LITERALS, made_anew
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.react import Freshness, Selector

CALL = re.compile(rb"\b(use(?!State\b|Effect\b|Memo\b|Callback\b|Ref\b|Context\b)[A-Z]\w*)\s*[(<]")
MAKER = re.compile(r"[\w$.]+")


def selectors(scopes: Scopes, source: bytes) -> Iterator[Selector]:
    """Calls of hooks with a function alone that returns what it makes; or with nothing, taken apart."""
    for match in CALL.finditer(source):
        node = scopes.root.descendant_for_byte_range(match.start(), match.end(1))
        while node is not None and node.type == "identifier":
            node = node.parent
        if node is None or node.type != "call_expression" or callee_name(node) != match[1].decode():
            continue
        arguments = node.child_by_field_name("arguments")
        around = owner(node)
        if arguments is None or around is None:
            continue
        given = [child for child in arguments.named_children if child.type != "comment"]
        span = (node.start_byte, node.end_byte)
        name = callee_name(node)
        if not given and _taken_apart(node):
            yield Selector(around.name, name, span, span, span, whole=True)
        elif len(given) == 1 and given[0].type == "arrow_function":
            found = _returned(given[0], scopes)
            if found is not None:
                kind, sometimes, at = found
                argument = (given[0].start_byte, given[0].end_byte)
                yield Selector(around.name, name, span, argument, (at.start_byte, at.end_byte), kind, sometimes)


def _taken_apart(call: Node) -> bool:
    parent = call.parent
    pattern = parent.child_by_field_name("name") if parent is not None else None
    return pattern is not None and pattern.type == "object_pattern"


def _returned(function: Node, scopes: Scopes) -> tuple[Freshness, bool, Node] | None:
    """What a selector returns that is new, whether only sometimes, and where."""
    body = function.child_by_field_name("body")
    values = [body] if body is not None and body.type != "statement_block" else list(_returns(body))
    found = [(made, value) for value in values if value is not None and (made := _new(value, function, scopes))]
    if not found:
        return None
    (kind, sometimes), at = found[0]
    return kind, sometimes or len(found) < len(values), at


def _returns(body: Node | None) -> Iterator[Node | None]:
    stack = [body] if body is not None else []
    while stack:
        node = stack.pop()
        if node.type == "return_statement":
            yield first(node)
        elif node.type not in FUNCTIONS:
            stack.extend(reversed(node.named_children))


def _new(value: Node, function: Node, scopes: Scopes) -> tuple[Freshness, bool] | None:
    inner = first(value)
    while value.type == "parenthesized_expression" and inner is not None:
        value, inner = inner, first(inner)
    if value.type == "binary_expression" and text(value.child_by_field_name("operator")) in ("||", "??"):
        right = value.child_by_field_name("right")
        return (LITERALS[right.type], True) if right is not None and right.type in ("array", "object") else None
    made = made_anew(value, function, scopes)
    return (made.kind, made.sometimes) if made is not None and made.kind in ("object", "array") else None


def stores(scopes: Scopes) -> Iterator[tuple[str, str]]:
    """Hooks of the top level that are no functions of the file's own, with what makes them."""
    for name, binding in scopes.names(scopes.root).items():
        if binding.kind == "variable" and binding.whole and HOOK.match(name) and binding.value is not None:
            maker = MAKER.match(text(binding.value)[:80]) if binding.value.type not in FUNCTIONS else None
            if maker is not None:
                yield name, maker[0]
