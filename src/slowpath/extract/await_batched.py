"""A loop of one await, rewritten so that ten rounds run at a time."""

from __future__ import annotations

from tree_sitter import Node

from slowpath.extract.await_bindings import fixed
from slowpath.extract.await_calls import first
from slowpath.extract.await_patterns import names
from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import indent, text, walk
from slowpath.extract.scopes import VALUES

SHOWN = 40
LONG = 600
COUNTERS = ("at", "start", "offset")
LISTS = ("all", "items", "elements")


def shown(node: Node) -> tuple[str, str]:
    """The list and the element of a `for … of` as a message shows them."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if node.type != "for_in_statement" or left is None or right is None or len(text(right)) > SHOWN:
        return "items", "item"
    over = text(right)
    return (
        (over, text(left)) if "\n" not in over + text(left) and over.isidentifier() else ("items", text(left)[:SHOWN])
    )


def batched(node: Node) -> str:
    """The whole loop anew; nothing where its types or the order of what it collects might not hold."""
    parts = _parts(node)
    if parts is None:
        return ""
    item, over, operand, into = parts
    used, plain = _used(operand, set(names(item)))
    used |= _used(node, set())[0]
    at = next((name for name in COUNTERS if name not in used), "")
    every = next((name for name in LISTS if name not in used), "")
    if not (plain and at and every) or _remarked(node) or node.end_byte - node.start_byte > LONG:
        return ""
    together = f"await Promise.all({every}.slice({at}, {at} + 10).map(({text(item)}) => {text(operand)}))"
    body = f"{into}(...({together}))" if into else together
    margin = indent(node)
    step = "\t" if "\t" in margin else "  "
    listed = text(over) if text(over).startswith(("Array.from(", "Object.")) else f"Array.from({text(over)})"
    head = f"for (let {at} = 0, {every} = {listed}; {at} < {every}.length; {at} += 10) {{"
    return f"{head}\n{margin}{step}{body};\n{margin}}}"


def _parts(node: Node) -> tuple[Node, Node, Node, str] | None:
    """Element, list, what is awaited, and `found.push` where that is what gets it."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    operator, body = node.child_by_field_name("operator"), node.child_by_field_name("body")
    if left is None or right is None or body is None or operator is None or operator.type != "of":
        return None
    statement = first(body) if body.type == "statement_block" and body.named_child_count == 1 else body
    value = first(statement) if statement is not None and statement.type == "expression_statement" else None
    into = ""
    if value is not None and value.type == "call_expression":
        callee, arguments = value.child_by_field_name("function"), value.child_by_field_name("arguments")
        pushes = callee is not None and callee.type == "member_expression" and text(callee).endswith(".push")
        into = text(callee) if pushes else ""
        value = first(arguments) if arguments is not None and pushes and arguments.named_child_count == 1 else None
    operand = first(value) if value is not None and value.type == "await_expression" else None
    if operand is None or operand.type != "call_expression" or left.type not in ("identifier", "array_pattern"):
        return None
    return left, right, operand, into


def _used(node: Node, item: set[str]) -> tuple[set[str], bool]:
    """Names below a node, and whether a function around it would see them with the same types."""
    found, plain = set(), True
    for at in walk(node):
        if at.type in VALUES:
            own = text(at)
            found.add(own)
            plain = plain and (own in item or fixed(own, node))
        elif at.type == "member_expression":
            root = at.child_by_field_name("object")
            above = at.parent
            called = above is not None and above.type in ("call_expression", "member_expression")
            plain = plain and (called or (root is not None and text(root) in item))
        elif at.type in FUNCTIONS:
            plain = False
    return found, plain


def _remarked(node: Node) -> bool:
    return any(at.type == "comment" for at in walk(node))
