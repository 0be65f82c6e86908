"""The guard that an await stands before for nothing: it asks nothing that the await could have changed."""

from __future__ import annotations

from tree_sitter import Node

from slowpath.extract.await_bindings import declared, fixed
from slowpath.extract.await_calls import describe, first, unwrap
from slowpath.extract.await_moves import FAR, Simple, captured, contents, crossable, described, operand_from, same_line
from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import indent, text, walk
from slowpath.extract.scopes import VALUES
from slowpath.model.awaits import Guard

CHANGING = frozenset("current aborted cancelled canceled mounted isMounted disposed destroyed closed signal".split())
"""Properties that are asked after a wait because they change during it."""
PURE_CALLS = frozenset("includes startsWith endsWith trim toLowerCase toUpperCase isArray isNaN has get".split())


def guard(earlier: Simple) -> Guard | None:
    """The guard that stands behind an await, and asks nothing that the await could have changed."""
    if earlier.form != "const" or earlier.node.next_named_sibling is None:
        return None
    at: Node | None = earlier.node.next_named_sibling
    last, pure, seen = None, True, True
    for _ in range(FAR):
        if at is None or (kind := crossable(at, earlier.binds)) is None:
            break
        if at.type == "if_statement":
            condition = at.child_by_field_name("condition")
            if condition is None or not _settled(condition, earlier):
                break
            seen = seen and contents(condition)[1] and _own(condition, earlier.node)
            last, pure = at, seen
        elif at.type != "comment":
            seen = seen and kind
            if not _settled(at, earlier):
                break
        at = at.next_named_sibling
    if last is None or captured(earlier):
        return None
    remarked = described(earlier.node) or same_line(earlier.node, earlier.node.next_named_sibling)
    condition = last.child_by_field_name("condition")
    return Guard(
        span=(condition.start_byte, condition.end_byte) if condition is not None else (0, 0),
        end=_end(last),
        text="" if remarked else _ended(operand_from(earlier.node, earlier.node.start_byte), last),
        cut=(earlier.node.start_byte, earlier.node.next_named_sibling.start_byte),
        indent=indent(earlier.node),
        pure=pure,
    )


def _end(guard: Node) -> int:
    """Where a guard ends, with the comment on its line."""
    after = guard.next_named_sibling
    remark = after is not None and after.type == "comment" and same_line(guard, after)
    return after.end_byte if after is not None and remark else guard.end_byte


def _ended(statement: str, guard: Node) -> str:
    """A statement without its semicolon gets one where it would run into what follows the guard."""
    after = guard.next_named_sibling
    while after is not None and after.type == "comment":
        after = after.next_named_sibling
    if not statement or statement.endswith(";") or after is None:
        return statement
    return f"{statement};" if same_line(guard, after) or not text(after)[:1].isalpha() else statement


def _own(condition: Node, where: Node) -> bool:
    """It reads properties of the function's own variables only: those of others may change during a wait."""
    for node in walk(condition):
        if node.type in ("member_expression", "subscript_expression"):
            root = first(node)
            if root is not None and root.type == "identifier" and declared(text(root), where)[1] in ("", "program"):
                return False
    return True


def _settled(node: Node, earlier: Simple) -> bool:
    """All that a test reads is fixed before the wait: parameters, constants, imports, but no state of an object."""
    receiver = _receiver(earlier)
    for at in walk(node):
        if at.type in ("this", "call_expression", "new_expression", "await_expression", *FUNCTIONS) and not _pure(at):
            return False
        if at.type == "property_identifier" and text(at) in CHANGING:
            return False
        if at.type in VALUES:
            own = text(at)
            if own == receiver or (own != "undefined" and not fixed(own, earlier.node)):
                return False
    return True


def _pure(node: Node) -> bool:
    callee = node.child_by_field_name("function") if node.type == "call_expression" else None
    return (
        callee is not None
        and callee.type == "member_expression"
        and text(callee.child_by_field_name("property")) in PURE_CALLS
    )


def _receiver(earlier: Simple) -> str:
    """`store` of `await store.load()`: what the call may have changed."""
    name = describe(unwrap(earlier.value) or earlier.value).name
    return name.partition(".")[0] if "." in name else ""
