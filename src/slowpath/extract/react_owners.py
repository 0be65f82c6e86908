"""Which component or hook a node belongs to, and whether its code runs at render."""

from __future__ import annotations

import re
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.scopes import FUNCTIONS

TRANSPARENT = frozenset(["parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"])
HOOK = re.compile(r"^use[A-Z]\w*$|^use$")
COMPONENT = re.compile(r"^[A-Z]")
WRAPPER = re.compile(r"^(memo|forwardRef|observer|connect|with[A-Z]\w*)$")
LATER = frozenset(["setTimeout", "setInterval", "requestAnimationFrame", "addEventListener", "then", "catch"])
LOOPING = frozenset(["map", "flatMap", "forEach", "from", "reduce"])


class Owner(NamedTuple):
    """The component or hook around a node."""

    name: str
    function: Node
    at_render: bool
    """Neither inside a callback of a hook nor inside an event handler."""
    in_hook: bool
    """Inside a callback that another hook gets."""
    looped: bool
    is_hook: bool


def owner(node: Node) -> Owner | None:
    """The nearest component or custom hook whose function contains the node."""
    at_render, in_hook, looped = True, False, False
    current = node.parent
    while current is not None:
        if current.type in FUNCTIONS:
            name = function_name(current)
            if COMPONENT.match(name) or name == "default" or HOOK.match(name):
                return Owner(name, current, at_render, in_hook, looped, bool(HOOK.match(name)))
            role = _role(current)
            in_hook = in_hook or role == "hook"
            at_render = at_render and role not in ("hook", "handler")
            looped = looped or role == "loop"
        current = current.parent
    return None


def call_at(root: Node, at: int) -> Node | None:
    """The call whose callee's last name, or what it is a member of, starts here."""
    node = root.descendant_for_byte_range(at, at + 1)
    while node is not None and node.type in ("identifier", "property_identifier", "member_expression"):
        node = node.parent
    return node if node is not None and node.type == "call_expression" else None


def callee_name(call: Node) -> str:
    """The last name of what a call calls: `memo` of `React.memo(..)`."""
    callee = call.child_by_field_name("function")
    while callee is not None and callee.type in ("non_null_expression", "instantiation_expression"):
        callee = first(callee)
    if callee is not None and callee.type == "member_expression":
        callee = callee.child_by_field_name("property")
    return text(callee) if callee is not None and callee.type in ("identifier", "property_identifier") else ""


def calls(node: Node) -> Node | None:
    """The call that a node is an argument of."""
    parent = node.parent
    if parent is None or parent.type != "arguments":
        return None
    return parent.parent if parent.parent is not None and parent.parent.type == "call_expression" else None


def bound_name(node: Node) -> str:
    """The top-level or local name that an expression gets, also through wrappers; `default` for a default export."""
    current = node
    parent = current.parent
    while parent is not None:
        if parent.type in TRANSPARENT:
            current = parent
        elif parent.type == "arguments":
            call = calls(current)
            if call is None or not WRAPPER.match(callee_name(call)):
                return ""
            current = call
        elif parent.type == "call_expression":
            current = parent
        elif parent.type == "variable_declarator":
            name = parent.child_by_field_name("name")
            return text(name) if name is not None and name.type == "identifier" else ""
        elif parent.type == "export_statement":
            return "default"
        else:
            return ""
        parent = current.parent
    return ""


def function_name(function: Node) -> str:
    """The name under which a function is known; a class component's `render` counts as its class."""
    if function.type == "method_definition":
        if text(function.child_by_field_name("name")) != "render" or function.parent is None:
            return ""
        return text(function.parent.parent.child_by_field_name("name")) if function.parent.parent is not None else ""
    name = function.child_by_field_name("name")
    if function.type == "function_declaration" and name is not None:
        return text(name)
    return bound_name(function) or text(name)


def _role(function: Node) -> str:
    parent = function.parent
    if parent is None:
        return ""
    call = calls(function)
    if call is not None:
        name = callee_name(call)
        return "hook" if HOOK.match(name) else "loop" if name in LOOPING else "handler" if name in LATER else ""
    if parent.type == "jsx_expression" and parent.parent is not None and parent.parent.type == "jsx_attribute":
        return "handler" if re.match(r"on[A-Z]", text(first(parent.parent))) else ""
    return "local"
