"""Which statements an await may change places with: what a fix needs to know of the text around it.

A statement of a simple form (`const x = await f();`, `await f();`) may move down over constants and
guards that do not use what it binds.
"""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.await_calls import describe, first, unwrap
from slowpath.extract.await_patterns import is_await, names
from slowpath.extract.await_values import EXITS, FUNCTIONS
from slowpath.extract.parsing import text
from slowpath.model.awaits import Form, Guard, Move

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
CHANGING = frozenset("current aborted cancelled canceled mounted isMounted disposed destroyed closed signal".split())
"""Properties that are asked after a wait because they change during it."""
DECLARED = ("function_declaration", "class_declaration", "enum_declaration")
NAMES = ("identifier", "shorthand_property_identifier", "this")


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
    if following is None or _described(earlier.node) or _same_line(earlier.node, following):
        return None
    at = following
    for _ in range(FAR):
        if at.id == later.id:
            operand = _from(earlier.value, earlier.start)
            return Move(operand, (earlier.node.start_byte, following.start_byte)) if operand else None
        if _crossable(at, earlier.binds) is None or at.next_named_sibling is None:
            return None
        at = at.next_named_sibling
    return None


def _from(node: Node, start: int) -> str:
    """A node's text from a byte on; nothing where it is long."""
    whole = node.text
    return whole[start - node.start_byte :].decode(errors="replace") if whole and len(whole) < LONG else ""


def _described(node: Node) -> bool:
    """A comment right above speaks of it."""
    before = node.prev_named_sibling
    return before is not None and before.type == "comment" and before.end_point[0] >= node.start_point[0] - 1


def _same_line(node: Node, following: Node) -> bool:
    return node.end_point[0] == following.start_point[0]


def _crossable(node: Node, binds: frozenset[str]) -> bool | None:
    """True where the statement can be put before an await unseen, False where it may, None where not."""
    if node.type == "comment":
        return True
    used, plain = _used(node)
    if used & binds:
        return None
    if node.type == "lexical_declaration" and node.children[0].type == "const":
        return None if _waits(node) else plain
    if node.type == "if_statement" and _exit(node):
        return None if _waits(node) else False
    return None


def _used(node: Node) -> tuple[frozenset[str], bool]:
    """Names below a node, and whether it is made of plain parts only."""
    found, plain, stack = set(), True, [node]
    while stack:
        at = stack.pop()
        if at.type in NAMES:
            found.add(text(at))
        plain = plain and at.type in PLAIN
        stack.extend(at.named_children)
    return frozenset(found), plain


def _waits(node: Node) -> bool:
    stack = [node]
    while stack:
        at = stack.pop()
        if at.type in ("await_expression", "yield_expression", "assignment_expression", "update_expression"):
            return True
        stack.extend(at.named_children)
    return False


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


def guard(earlier: Simple) -> Guard | None:
    """The guard that stands behind an await, and asks nothing that the await could have changed."""
    if earlier.form != "const" or earlier.node.next_named_sibling is None:
        return None
    at: Node | None = earlier.node.next_named_sibling
    last, pure, seen = None, True, True
    for _ in range(FAR):
        if at is None or (kind := _crossable(at, earlier.binds)) is None:
            break
        if at.type == "if_statement":
            condition = at.child_by_field_name("condition")
            if condition is None or not _settled(condition, earlier):
                break
            last, pure = at, seen and _used(condition)[1]
        elif at.type != "comment":
            seen = seen and kind
            if not _settled(at, earlier):
                break
        at = at.next_named_sibling
    if last is None:
        return None
    remarked = _described(earlier.node) or _same_line(earlier.node, earlier.node.next_named_sibling)
    condition = last.child_by_field_name("condition")
    return Guard(
        span=(condition.start_byte, condition.end_byte) if condition is not None else (0, 0),
        end=last.end_byte,
        text="" if remarked else _from(earlier.node, earlier.node.start_byte),
        cut=(earlier.node.start_byte, earlier.node.next_named_sibling.start_byte),
        indent=earlier.node.start_point[1],
        pure=pure,
    )


def _settled(node: Node, earlier: Simple) -> bool:
    """All that a test reads is fixed before the wait: parameters, constants, imports, but no state of an object."""
    receiver = _receiver(earlier)
    stack = [node]
    while stack:
        at = stack.pop()
        if at.type in ("this", "call_expression", "new_expression", "await_expression", *FUNCTIONS) and not _pure(at):
            return False
        if at.type == "property_identifier" and text(at) in CHANGING:
            return False
        if at.type in ("identifier", "shorthand_property_identifier"):
            own = text(at)
            if own == receiver or (own != "undefined" and not fixed(own, earlier.node)):
                return False
        stack.extend(at.named_children)
    return True


PURE_CALLS = frozenset("includes startsWith endsWith trim toLowerCase toUpperCase isArray isNaN has get".split())


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


def fixed(name: str, where: Node) -> bool:
    """The name is a constant, a parameter or an import, or one of the language's own."""
    at: Node | None = where
    while at is not None:
        above = at.parent
        if at.type in FUNCTIONS:
            parameters = at.child_by_field_name("parameters") or at.child_by_field_name("parameter")
            if name in names(parameters):
                return True
        if at.type in ("statement_block", "program", "switch_case"):
            kind = _declared(at, name)
            if kind:
                return kind != "let"
        if at.type == "for_in_statement" and name in names(at.child_by_field_name("left")):
            return True
        at = above
    return name[:1].isupper()


def _declared(block: Node, name: str) -> str:
    for child in block.named_children:
        node = child.child_by_field_name("declaration") or child if child.type == "export_statement" else child
        if node.type in ("lexical_declaration", "variable_declaration"):
            if any(name in names(each.child_by_field_name("name")) for each in node.named_children):
                return "const" if node.children[0].type == "const" else "let"
        elif node.type == "import_statement":
            if name in _imported(node):
                return "import"
        elif node.type in DECLARED and text(node.child_by_field_name("name")) == name:
            return "function"
    return ""


def _imported(node: Node) -> set[str]:
    found, stack = set(), [node]
    while stack:
        at = stack.pop()
        if at.type == "identifier":
            found.add(text(at))
        stack.extend(at.named_children)
    return found
