"""Which statements an await may change places with: what a fix needs to know of the text around it.

A statement of a simple form (`const x = await f();`, `await f();`) may move down over constants and
guards that do not use what it binds.
"""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.await_bindings import declared
from slowpath.extract.await_calls import describe, first, unwrap
from slowpath.extract.await_patterns import is_await, names
from slowpath.extract.await_values import EXITS, FUNCTIONS
from slowpath.extract.parsing import text, walk
from slowpath.extract.scopes import VALUES
from slowpath.model.awaits import Form, Move

LISTS = frozenset(("statement_block", "program", "switch_case", "switch_default"))
FAR = 6
"""Statements further apart belong to different thoughts."""
LONG = 2000
PLAIN = frozenset(
    "identifier shorthand_property_identifier this member_expression subscript_expression property_identifier string"
    " string_fragment escape_sequence number true false null undefined template_string template_substitution"
    " unary_expression binary_expression parenthesized_expression ternary_expression object array pair"
    " non_null_expression as_expression satisfies_expression object_pattern array_pattern"
    " shorthand_property_identifier_pattern pair_pattern rest_pattern lexical_declaration variable_declarator"
    " type_annotation comment".split()
)
"""What can neither fail in a way that anybody waits for, nor change anything."""
NAMES = VALUES | {"this"}
WAITS = ("await_expression", "yield_expression", "assignment_expression", "update_expression")
STEADY_CALLS = frozenset("trim toLowerCase toUpperCase toString join resolve basename dirname".split())
CHANGES = frozenset(
    "this new_expression assignment_expression augmented_assignment_expression update_expression yield_expression"
    " await_expression".split()
)


class Simple(NamedTuple):
    """A statement that is nothing but one await and where its result goes."""

    node: Node
    form: Form
    pattern: str
    annotation: str
    binds: frozenset[str]
    start: int
    """Of what is awaited."""
    value: Node


def simple(node: Node) -> Simple | None:
    """The statement's form, or None where it does more."""
    child = first(node)
    if node.parent is None or node.parent.type not in LISTS:
        return None
    if child is None or node.named_child_count != 1 or any(each.type == "comment" for each in child.children):
        return None
    declared = node.type == "lexical_declaration"
    if declared and node.children[0].type != "const":
        return None
    target = child.child_by_field_name("name") if declared else None
    annotation = child.child_by_field_name("type") if declared else None
    value = child.child_by_field_name("value") if declared else child
    if _names_others(target) or _names_others(annotation):
        return None
    keyword = _keyword(value)
    if keyword is None or value is None or (operand := first(keyword)) is None:
        return None
    if any(each.type == "comment" for each in keyword.children):
        return None
    kind = text(annotation).removeprefix(":").strip() if annotation is not None else ""
    pattern = text(target) if target is not None else ""
    return Simple(
        node, "const" if declared else "bare", pattern, kind, frozenset(names(target)), operand.start_byte, value
    )


def _names_others(pattern: Node | None) -> bool:
    """`{ a = b }`, `typeof b`: inside one pattern, types could not be told where that is bound by the same."""
    for node in walk(pattern) if pattern is not None else ():
        default = node.child_by_field_name("right") if node.type.endswith("assignment_pattern") else None
        if node.type in ("type_query", "computed_property_name") or (default is not None and contents(default)[0]):
            return True
    return False


def _keyword(value: Node | None) -> Node | None:
    """The `await` that starts a value; the grammar may have hung a call with type arguments around it."""
    if value is None or value.type == "await_expression":
        return value
    at: Node | None = value
    while at is not None and at.type in ("call_expression", "instantiation_expression", "non_null_expression"):
        at = at.child_by_field_name("function") or first(at)
        if at is not None and at.type == "await_expression":
            return at if value.child_by_field_name("type_arguments") is not None and is_await(value) else None
    return None


def move(earlier: Simple, later: Node) -> Move | None:
    """What it takes to put the earlier one where the later statement stands."""
    following = earlier.node.next_named_sibling
    if following is None or described(earlier.node) or same_line(earlier.node, following) or captured(earlier):
        return None
    at = following
    for _ in range(FAR):
        if at.id == later.id:
            operand = operand_from(earlier.value, earlier.start)
            return Move(operand, (earlier.node.start_byte, following.start_byte)) if operand else None
        if crossable(at, earlier.binds) is None or at.next_named_sibling is None:
            return None
        at = at.next_named_sibling
    return None


def operand_from(node: Node, start: int) -> str:
    """A node's text from a byte on; nothing where it is long."""
    whole = node.text
    return whole[start - node.start_byte :].decode(errors="replace") if whole and len(whole) < LONG else ""


def described(node: Node) -> bool:
    """A comment right above speaks of it."""
    before = node.prev_named_sibling
    return before is not None and before.type == "comment" and before.end_point[0] >= node.start_point[0] - 1


def same_line(node: Node, following: Node) -> bool:
    return node.end_point[0] == following.start_point[0]


def crossable(node: Node, binds: frozenset[str]) -> bool | None:
    """True where the statement can be put before an await unseen, False where it may, None where not."""
    if node.type == "comment":
        return True
    used, plain = contents(node)
    if used & binds:
        return None
    if node.type == "lexical_declaration" and node.children[0].type == "const":
        return None if _waits(node) else plain
    if node.type == "if_statement" and _exit(node):
        return None if _waits(node) else False
    return None


def contents(node: Node) -> tuple[frozenset[str], bool]:
    """Names below a node, and whether it is made of plain parts only."""
    found, plain = set(), True
    for at in walk(node):
        if at.type in NAMES:
            found.add(text(at))
        plain = plain and at.type in PLAIN
    return frozenset(found), plain


def _waits(node: Node) -> bool:
    return any(at.type in WAITS for at in walk(node))


def _exit(node: Node) -> bool:
    """`if (…) return;` and its like, without an else."""
    body = node.child_by_field_name("consequence")
    if body is None or node.child_by_field_name("alternative") is not None:
        return False
    last = body
    if body.type == "statement_block":
        if not body.named_children:
            return False
        last = body.named_children[-1]
    if last.type in ("return_statement", "throw_statement", "continue_statement"):
        return True
    call = unwrap(first(last)) if last.type == "expression_statement" else None
    return call is not None and call.type == "call_expression" and describe(call).name in EXITS


def captured(earlier: Simple) -> bool:
    """A function that may be called before the await's new place speaks of what it binds."""
    node = earlier.node
    return any(
        contents(child)[0] & earlier.binds
        for child in (node.parent.named_children if node.parent is not None else ())
        if child.end_byte <= node.start_byte or child.type == "function_declaration"
    )


def steady(statement: Simple) -> bool:
    """What the call is given would have been the same before the waits: it computes and reads nothing that changes."""
    call = unwrap(statement.value) or statement.value
    for node in walk(call.child_by_field_name("arguments") or call):
        if node.type == "call_expression":
            callee = node.child_by_field_name("function")
            method = callee.child_by_field_name("property") if callee is not None else None
            if text(method) not in STEADY_CALLS:
                return False
        elif (
            node.type in CHANGES
            or node.type in FUNCTIONS
            or (node.type in NAMES and declared(text(node), statement.node) == ("let", "program"))
        ):
            return False
    return True
