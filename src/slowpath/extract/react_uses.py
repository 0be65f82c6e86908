"""Where a value goes: to host elements, to components, into calls, or out of sight."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import HOOK, TRANSPARENT, callee_name, calls, owner
from slowpath.extract.scopes import FUNCTIONS, Binding, Scopes

Kind = Literal["host", "prop", "call", "read", "render", "effect", "away"]

READING = frozenset(
    ["member_expression", "subscript_expression", "template_substitution", "unary_expression", "expression_statement"]
)
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


def is_dependency(node: Node) -> bool:
    """Does a name stand in the dependency array of a hook?"""
    array = node.parent
    call = calls(array) if array is not None and array.type == "array" else None
    return call is not None and bool(HOOK.match(callee_name(call)))


def reads_only(function: Node, allowed: set[str], component: Node, scopes: Scopes) -> bool:
    """Does a callback read nothing of its component but the names in `allowed`?"""
    stack = [function]
    while stack:
        node = stack.pop()
        if node.type in ("identifier", "shorthand_property_identifier"):
            name = text(node)
            binding = None if name in allowed else scopes.lookup(name, node)
            if binding is not None and _between(binding.node, component, function):
                return False
        stack.extend(node.named_children)
    return True


def _between(node: Node, component: Node, function: Node) -> bool:
    """Inside the component, outside the callback."""
    inside = component.start_byte <= node.start_byte < component.end_byte
    return inside and not function.start_byte <= node.start_byte < function.end_byte


def is_function(node: Node | None) -> bool:
    """A function written in place."""
    return node is not None and node.type in FUNCTIONS
