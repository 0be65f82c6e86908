"""Is a value made anew by every render, and is it cheap to make?"""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import TRANSPARENT, callee_name
from slowpath.extract.scopes import Scopes
from slowpath.model.react import Freshness

LITERALS: dict[str, Freshness] = {
    "arrow_function": "function",
    "function_expression": "function",
    "object": "object",
    "array": "array",
    "jsx_element": "element",
    "jsx_self_closing_element": "element",
    "jsx_fragment": "element",
    "new_expression": "instance",
}
ARRAY_METHODS = frozenset(["map", "filter", "flatMap", "toSorted", "toReversed", "toSpliced", "split"])
OBJECT_METHODS = {"keys": "array", "values": "array", "entries": "array", "fromEntries": "object"}


class Made(NamedTuple):
    """A value that every render makes anew, and how."""

    kind: Freshness
    local: str = ""
    sometimes: bool = False


def made_anew(node: Node | None, component: Node, scopes: Scopes, depth: int = 0) -> Made | None:
    """How a value in `component` is made anew by each render; None where it is not, or nobody can tell."""
    if node is None or depth > 8:
        return None
    if node.type in TRANSPARENT:
        return made_anew(first(node), component, scopes, depth + 1)
    if node.type in LITERALS:
        return Made(LITERALS[node.type])
    if node.type == "ternary_expression":
        return _either(node, component, scopes, depth)
    if node.type == "binary_expression" and text(node.child_by_field_name("operator")) == "&&":
        made = made_anew(node.child_by_field_name("right"), component, scopes, depth + 1)
        return made and made._replace(sometimes=True)
    if node.type == "call_expression":
        return _called(node)
    if node.type == "identifier":
        return _named(node, component, scopes, depth)
    return None


def _either(node: Node, component: Node, scopes: Scopes, depth: int) -> Made | None:
    branches = [
        made_anew(node.child_by_field_name(field), component, scopes, depth + 1)
        for field in ("consequence", "alternative")
    ]
    found = [made for made in branches if made is not None]
    if not found:
        return None
    return found[0]._replace(sometimes=len(found) == 1 or any(made.sometimes for made in found))


def _called(call: Node) -> Made | None:
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "member_expression":
        return None
    name = callee_name(call)
    receiver = callee.child_by_field_name("object")
    if receiver is not None and receiver.type == "identifier" and text(receiver) == "Object":
        kind = OBJECT_METHODS.get(name)
        return Made("array" if kind == "array" else "object") if kind else None
    if name == "bind":
        return Made("function")
    return Made("array") if name in ARRAY_METHODS else None


def _named(node: Node, component: Node, scopes: Scopes, depth: int) -> Made | None:
    binding = scopes.lookup(text(node), node)
    if binding is None or not binding.whole or not binding.constant:
        return None
    inside = component.start_byte <= binding.node.start_byte < component.end_byte
    if not inside or binding.kind not in ("function", "variable"):
        return None
    if binding.kind == "function":
        return Made("function", binding.name)
    made = made_anew(binding.value, component, scopes, depth + 1)
    return made and made._replace(local=made.local or binding.name)


LEAVES = frozenset(
    ["identifier", "string", "number", "true", "false", "null", "undefined", "this", "member_expression", "super"]
)
PARTS = TRANSPARENT | {
    "ternary_expression",
    "binary_expression",
    "unary_expression",
    "subscript_expression",
    "template_string",
    "template_substitution",
    "string_fragment",
    "escape_sequence",
    "predefined_type",
}
CONTAINERS = frozenset(["object", "array", "pair", "shorthand_property_identifier", "spread_element"])
CHEAP_CALLS = frozenset(["Boolean", "Number", "String", "at", "startsWith", "endsWith", "toFixed"])
STATEMENTS = frozenset(["statement_block", "return_statement", "if_statement", "else_clause", "lexical_declaration"])


def cheap(node: Node, containers: bool) -> bool:
    """Is an expression (or a function's body) no more than reads, literals and choices between them?

    `containers` admits object and array literals, whose identity is new; without them the value is one that existed
    before, or a primitive.
    """
    stack = [node]
    size = 0
    while stack:
        part = stack.pop()
        size += 1
        if size > 60:
            return False
        if part.type in ("arrow_function", "function_expression") and containers:
            continue
        if part.type == "member_expression":
            stack.append(part.child_by_field_name("object") or part)
        elif part.type == "call_expression":
            if not _cheap_call(part):
                return False
            stack.extend(part.children_by_field_name("arguments")[0].named_children)
        elif part.type == "variable_declarator":
            if "..." in text(part.child_by_field_name("name")) and not containers:
                return False
            stack.append(part.child_by_field_name("value") or part)
        elif part.type in PARTS or part.type in STATEMENTS or (containers and part.type in CONTAINERS):
            stack.extend(_values(part))
        elif part.type not in LEAVES and part.type != "comment":
            return False
    return True


def _values(part: Node) -> list[Node]:
    if part.type == "pair":
        value = part.child_by_field_name("value")
        return [value] if value is not None else []
    if part.type in ("as_expression", "satisfies_expression"):
        return part.named_children[:1]
    return part.named_children


def _cheap_call(call: Node) -> bool:
    callee = call.child_by_field_name("function")
    if callee is None or not call.children_by_field_name("arguments"):
        return False
    if callee.type == "member_expression" and text(callee.child_by_field_name("object")) == "Math":
        return callee_name(call) != "random"
    return callee_name(call) in CHEAP_CALLS
