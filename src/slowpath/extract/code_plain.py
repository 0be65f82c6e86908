"""Closures that say of an element what a WHERE or an ORDER BY could: comparisons of its fields with what is given.

In: a closure's node. Out: the text of its body, or nothing where it does more than that.
"""

from __future__ import annotations

import re

from tree_sitter import Node

MAX_TEXT = 160
MAX_DEPTH = 12
COMPARES = frozenset(["==", "!=", "<", "<=", ">", ">="])
VIEWS = frozenset(
    "as_str as_ref as_deref as_slice clone copied cloned to_string to_owned into unwrap_or_default".split()
)
"""Methods that give the same value in another shape."""
ORDERS = frozenset(["cmp", "partial_cmp", "total_cmp"])
NULLS = frozenset(["is_some", "is_none", "is_empty"])
OPAQUE = frozenset(
    "closure_expression await_expression try_expression block if_expression match_expression macro_invocation "
    "async_block unsafe_block".split()
)
VARIANTS = re.compile(r"matches!\s*\(\s*[&*]*(\w+)\.\w+\s*,(?:[^()]|\([\w\s,.:|\"]*\))*\)$")


def plain(closure: Node) -> str:
    """The body's text if it only compares, or names, fields of the element."""
    body, parameters = closure.child_by_field_name("body"), closure.child_by_field_name("parameters")
    if body is None or parameters is None or body.end_byte - body.start_byte > MAX_TEXT:
        return ""
    element = _Element(parameters)
    if not element.rows and not element.columns:
        return ""
    return " ".join(_text(body).split()) if element.says(body, 0) else ""


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


class _Element:
    """What a closure calls its element: a row, or the columns of a tuple."""

    def __init__(self, parameters: Node) -> None:
        self.rows: set[str] = set()
        self.columns: set[str] = set()
        for child in parameters.named_children:
            self._bind(child, False)

    def _bind(self, pattern: Node, inside: bool) -> None:
        kind = pattern.type
        if kind == "identifier":
            self.rows.add(_text(pattern))
            if inside:
                self.columns.add(_text(pattern))
        elif kind in ("reference_pattern", "tuple_pattern", "parameter", "mut_pattern"):
            for child in pattern.named_children:
                if child.type in ("identifier", "reference_pattern", "tuple_pattern", "mut_pattern"):
                    self._bind(child, inside or kind == "tuple_pattern")

    def says(self, node: Node, depth: int) -> bool:
        """Whether an expression is a condition on the element's fields, or a field of it."""
        kind, inner = node.type, node.named_children
        if depth > MAX_DEPTH or not inner:
            return self.field(node, depth)
        if kind in ("parenthesized_expression", "unary_expression"):
            return self.says(inner[-1], depth + 1)
        if kind == "binary_expression":
            operator = _text(node.child_by_field_name("operator"))
            if operator in ("&&", "||"):
                return all(self.says(side, depth + 1) for side in inner)
            return operator in COMPARES and self.compares(inner[0], inner[-1], depth)
        if kind == "macro_invocation":
            found = VARIANTS.match(_text(node))
            return found is not None and found[1] in self.rows
        if kind == "call_expression" and (self.asks(node, depth) or self.orders(node, depth)):
            return True
        if kind == "tuple_expression":
            return all(self.field(part, depth + 1) for part in inner)
        return self.field(node, depth)

    def compares(self, left: Node, right: Node, depth: int) -> bool:
        given = self.is_given(left), self.is_given(right)
        return not all(given) and all(
            free or self.field(side, depth + 1) for side, free in zip((left, right), given, strict=True)
        )

    def asks(self, call: Node, depth: int) -> bool:
        """`row.field.is_none()`, `keys.contains(&row.field)`"""
        method = call.child_by_field_name("function")
        if method is None or method.type != "field_expression":
            return False
        name, value = _text(method.child_by_field_name("field")), method.child_by_field_name("value")
        arguments = call.child_by_field_name("arguments")
        args = arguments.named_children if arguments is not None else []
        if value is None:
            return False
        if name in NULLS:
            return not args and self.field(value, depth + 1)
        if name in ("contains", "eq", "ne") and len(args) == 1:
            return self.is_given(value) and self.field(args[0], depth + 1)
        return False

    def orders(self, call: Node, depth: int) -> bool:
        """`a.field.cmp(&b.field)`, `Reverse(row.field)`"""
        function, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
        args = arguments.named_children if arguments is not None else []
        if function is None or len(args) > 1:
            return False
        if function.type != "field_expression":
            return bool(args) and _text(function).rsplit("::", 1)[-1] == "Reverse" and self.field(args[0], depth + 1)
        value, name = function.child_by_field_name("value"), _text(function.child_by_field_name("field"))
        if value is None:
            return False
        if name in ORDERS:
            return bool(args) and self.field(value, depth + 1) and self.field(args[0], depth + 1)
        return (
            name in ("unwrap", "reverse")
            and not args
            and value.type == "call_expression"
            and self.orders(value, depth + 1)
        )

    def field(self, node: Node, depth: int) -> bool:
        """`row.field`, perhaps behind a reference or seen as another type; a tuple's column by its name."""
        for _ in range(MAX_DEPTH):
            kind = node.type
            if kind in ("reference_expression", "unary_expression", "parenthesized_expression") and node.named_children:
                if node.children[0].type == "!":
                    return False
                node = node.named_children[-1]
            elif kind == "call_expression":
                method = node.child_by_field_name("function")
                arguments = node.child_by_field_name("arguments")
                if method is None or method.type != "field_expression" or (arguments and arguments.named_children):
                    return False
                value = method.child_by_field_name("value")
                if _text(method.child_by_field_name("field")) not in VIEWS or value is None:
                    return False
                node = value
            elif kind == "field_expression":
                value = node.child_by_field_name("value")
                return value is not None and value.type == "identifier" and _text(value) in self.rows
            else:
                return kind == "identifier" and _text(node) in self.columns
        return False

    def is_given(self, node: Node) -> bool:
        """Whether an expression has nothing of the element in it, and nothing that waits or branches."""
        stack = [node]
        while stack:
            part = stack.pop()
            if part.type in OPAQUE or (part.type == "identifier" and _text(part) in self.rows):
                return False
            stack += part.named_children
        return True
