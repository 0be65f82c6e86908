"""Where a function names a binding: asked of those that hold what a fallible or awaited call gave.

In: the function's body and its bindings. Out: on each `Local`, the byte offsets of its uses; nothing where they are too
many to tell.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.model.code import AWAITED, TRIED, Call, Local, Scope

LISTS = frozenset(
    "len is_empty iter into_iter first last pop truncate retain sort sort_by sort_by_key sort_unstable "
    "sort_unstable_by sort_unstable_by_key swap_remove remove get".split()
)
"""Methods by which a binding shows that it is a list."""
HANDED_ON = frozenset("unwrap expect map_err context with_context unwrap_or_default".split())
MAX_USES = 12


def note_uses(
    body: Node, source: bytes, shift: int, calls: list[Call], locals_: list[Local], scopes: list[Scope]
) -> None:
    """Write the uses of the bindings in question into them."""
    lists = {call.receiver for call in calls if call.name in LISTS}
    for local in locals_:
        if local.name in lists and _is_answer(calls, local.init):
            stop = scopes[local.scope].end
            again = [o.at for o in locals_ if o.name == local.name and o.scope == local.scope and o.at > local.at]
            found = _uses(body, source, local.name, local.at - shift, min([stop, *again]) - shift)
            local.uses = tuple(at + shift for at in found) if len(found) <= MAX_USES else ()


def _is_answer(calls: list[Call], operand: str) -> bool:
    """Whether an operand is what an awaited or fallible call gave."""
    operand = operand.removesuffix("[]")
    for _ in range(MAX_USES):
        digits = operand[1:].rstrip("?")
        if not operand.startswith("#") or not digits.isdigit():
            return False
        call = calls[int(digits)]
        if call.name in HANDED_ON or operand.endswith("?") or call.flags & (AWAITED | TRIED):
            return not call.name.endswith("!") or bool(call.flags & (AWAITED | TRIED))
        operand = call.receiver
    return False


def _uses(body: Node, source: bytes, name: str, start: int, stop: int) -> list[int]:
    found = []
    word = name.encode()
    for match in re.finditer(rb"(?<![\w'])" + re.escape(word) + rb"(?!\w)", source[start:stop]):
        at = start + match.start()
        node = body.descendant_for_byte_range(at, at + len(word))
        if node is not None and _is_use(node, source, at):
            found.append(at)
            if len(found) > MAX_USES:
                break
    return found


def _is_use(node: Node, source: bytes, at: int) -> bool:
    """No field or binding of that name, no word of a comment; in a string only `{name`."""
    kind = node.type
    if "comment" in kind or kind == "field_identifier":
        return False
    if kind in ("string_content", "string_literal", "raw_string_literal"):
        return source[at - 1 : at] == b"{"
    if source[at - 1 : at] == b"." and source[at - 2 : at - 1] != b".":
        return False
    parent = node.parent
    if parent is not None and parent.type in ("let_declaration", "mut_pattern"):
        return parent.child_by_field_name("value") == node
    return True
