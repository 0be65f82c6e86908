"""Small questions about nodes: which names a pattern binds, which name an expression reads."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.await_calls import MAX_PARTS, TRANSPARENT, first
from slowpath.extract.await_scope import Path
from slowpath.extract.parsing import text


def names(pattern: Node | None) -> Iterator[str]:
    """The names that a pattern, a parameter list or a declaration binds."""
    stack = [pattern] if pattern is not None else []
    while stack:
        node = stack.pop()
        kind = node.type
        if kind in ("identifier", "shorthand_property_identifier_pattern"):
            yield text(node)
        elif kind in ("assignment_pattern", "object_assignment_pattern"):
            stack += [child for child in (node.child_by_field_name("left"),) if child is not None]
        elif kind == "pair_pattern":
            stack += [child for child in (node.child_by_field_name("value"),) if child is not None]
        elif kind in ("required_parameter", "optional_parameter"):
            stack += [child for child in (node.child_by_field_name("pattern"),) if child is not None]
        elif kind in ("formal_parameters", "object_pattern", "array_pattern", "rest_pattern"):
            stack += reversed(node.named_children)


def path_of(node: Node | None) -> Path | None:
    """The name that an expression reads, and the first property of it."""
    prop = ""
    for _ in range(MAX_PARTS):
        if node is None:
            return None
        kind = node.type
        if kind == "identifier" or kind == "this":
            return text(node), prop
        if kind == "member_expression":
            prop = text(node.child_by_field_name("property"))
            node = node.child_by_field_name("object")
        elif kind == "subscript_expression":
            prop = ""
            node = node.child_by_field_name("object")
        elif kind in TRANSPARENT and kind != "await_expression":
            node = first(node)
        else:
            return None
    return None


def loose_parts(node: Node, rooted: bool) -> Iterator[Node]:
    """What a chain of properties evaluates beside its root: computed indices, and the root unless it is a name."""
    at: Node | None = node
    for _ in range(MAX_PARTS):
        if at is None:
            return
        if at.type == "subscript_expression":
            index = at.child_by_field_name("index")
            if index is not None:
                yield index
        elif at.type != "member_expression" and (at.type not in TRANSPARENT or at.type == "await_expression"):
            if not rooted:
                yield at
            return
        at = at.child_by_field_name("object") or first(at)


def call_name(function: Node | None) -> str:
    """`a.b()` of a callee of names only, else nothing."""
    if function is None or function.type not in ("identifier", "member_expression"):
        return ""
    return f"{text(function)}()" if function.end_byte - function.start_byte < 40 else ""


def is_await(node: Node | None) -> bool:
    """An await, or a chain that the grammar hung around one."""
    while node is not None and node.type in ("call_expression", "member_expression", *TRANSPARENT):
        if node.type == "await_expression":
            return True
        node = (
            node.child_by_field_name("function") or node.child_by_field_name("object")
            if node.type in ("call_expression", "member_expression")
            else first(node)
        )
    return False


def first_call(node: Node) -> Node:
    """`Promise.all(…)` below its `.then(…)`."""
    at = node
    while at.type == "call_expression":
        function = at.child_by_field_name("function")
        inner = function.child_by_field_name("object") if function is not None else None
        if inner is None or inner.type != "call_expression":
            return at
        at = inner
    return at
