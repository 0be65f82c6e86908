"""Loops whose order or pace is meant: a comment says so, or the head counts attempts."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import text

ORDER = re.compile(
    rb"sequential|one (?:at a time|by one|after (?:the other|another))|in (?:\w+ )?order\b"
    rb"|order (?:matters|is important)|rate.?limit|throttl|\brac(?:e|es|ing)\b|serial(?:ly|ise|ize)"
    rb"|not (?:in )?parallel|concurren|deadlock|overload",
    re.I,
)
LINES_ABOVE = 5
BATCH = re.compile(r"^(?!.*\.)\w*(?:chunk|batch)\w*$|(?:chunk\w*|batch\w*|chunks|batches)\(", re.I)
RETRY = re.compile(r"attempt|retr(?:y|ies)|tries|backoff|poll", re.I)


def counter(start: Node | None) -> tuple[str, ...]:
    """`i` of `let i = 0`."""
    if start is None or start.type not in ("lexical_declaration", "variable_declaration"):
        return ()
    return tuple(
        text(declarator.child_by_field_name("name"))
        for declarator in start.named_children
        if declarator.type == "variable_declarator"
    )


def plain_count(condition: Node | None, step: Node | None, name: str) -> bool:
    """`i < n; i++`, and not the count of attempts."""
    if condition is None or step is None or condition.type != "binary_expression" or step.type != "update_expression":
        return False
    return not RETRY.search(text(condition)) and text(step.child_by_field_name("argument")) == name


def order_said(source: bytes, start: int) -> bool:
    """A comment just above says that the order, or the pace, is meant."""
    above = start
    for _ in range(LINES_ABOVE + 1):
        above = source.rfind(b"\n", 0, max(above, 0))
        if above < 0:
            break
    end = source.find(b"\n", start)
    lines = source[above + 1 : end if end >= 0 else len(source)].splitlines()
    return any(ORDER.search(comment) for line in lines if (comment := _comment(line)))


def _comment(line: bytes) -> bytes:
    stripped = line.strip()
    if stripped.startswith((b"//", b"/*", b"*")):
        return stripped
    at = line.find(b"// ")
    return line[at:] if at >= 0 else b""


def batches(item: str, items: str) -> bool:
    """The loop goes over batches, which bound what runs at a time."""
    return BATCH.search(item) is not None or BATCH.search(items) is not None
