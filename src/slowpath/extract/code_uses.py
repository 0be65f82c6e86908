"""Where a function names a binding: asked of those that hold what a fallible or awaited call gave.

In: the function's body and its bindings. Out: on each `Local`, the byte offsets of its uses; nothing where they are too
many to tell.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict

from tree_sitter import Node

from slowpath.model.code import AWAITED, TRIED, Call, Local, Scope

LISTS = frozenset(
    "len is_empty iter into_iter first last pop truncate retain sort sort_by sort_by_key sort_unstable "
    "sort_unstable_by sort_unstable_by_key swap_remove remove get".split()
)
"""Methods by which a binding shows that it is a list."""
HANDED_ON = frozenset("unwrap expect map_err context with_context unwrap_or_default".split())
MAX_USES = 12
WORD = re.compile(rb"(?<![\w'\x80-\xff])[A-Za-z_\x80-\xff][\w\x80-\xff]*")


def note_uses(
    body: Node, source: bytes, shift: int, calls: list[Call], locals_: list[Local], scopes: list[Scope]
) -> None:
    """Write the uses of the bindings in question into them."""
    lists = {call.receiver for call in calls if call.name in LISTS}
    asked = [local for local in locals_ if local.name in lists and _is_answer(calls, local.init)]
    if not asked:
        return
    uses = _uses(body, source, {local.name.encode() for local in asked})
    bound: dict[tuple[str, int], list[int]] = defaultdict(list)
    for local in locals_:
        bound[local.name, local.scope].append(local.at)
    for starts in bound.values():
        starts.sort()
    for local in asked:
        starts, own = bound[local.name, local.scope], uses[local.name.encode()]
        again = bisect_left(starts, local.at + 1)
        stop = min([scopes[local.scope].end, *starts[again : again + 1]]) - shift
        first = bisect_left(own, local.at - shift)
        found = own[first : min(bisect_left(own, stop), first + MAX_USES + 1)]
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


def _uses(body: Node, source: bytes, names: set[bytes]) -> dict[bytes, list[int]]:
    """Name → where it is used, in order: one walk down the tree to all places where the words stand."""
    words = WORD.finditer(source, body.start_byte, body.end_byte)
    found: dict[bytes, list[int]] = {name: [] for name in names}
    stack = [(body, body.parent, [(word.start(), word[0]) for word in words if word[0] in names])]
    while stack:
        node, parent, within = stack.pop()
        at = 0
        own: list[tuple[int, bytes]] = []
        for child in node.children if within else ():
            below: list[tuple[int, bytes]] = []
            while at < len(within) and within[at][0] < child.end_byte:
                start, word = within[at]
                fits = child.start_byte <= start and start + len(word) <= child.end_byte
                (below if fits else own).append(within[at])
                at += 1
            if below:
                stack.append((child, node, below))
        for start, word in own + within[at:]:
            if _is_use(node, parent, source, start):
                found[word].append(start)
    for places in found.values():
        places.sort()
    return found


def _is_use(node: Node, parent: Node | None, source: bytes, at: int) -> bool:
    """No field or binding of that name, no word of a comment; in a string only `{name`."""
    kind = node.type
    if "comment" in kind or kind == "field_identifier":
        return False
    if kind in ("string_content", "string_literal", "raw_string_literal"):
        return source[at - 1 : at] == b"{"
    if source[at - 1 : at] == b"." and source[at - 2 : at - 1] != b".":
        return False
    if parent is not None and parent.type in ("let_declaration", "mut_pattern"):
        return parent.child_by_field_name("value") == node
    return True
