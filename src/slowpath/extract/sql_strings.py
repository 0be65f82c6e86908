"""SQL as Rust code writes it: literals, their sums, `concat!`, and constants that hold one."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.finding import Span

ESCAPES = {'\\"': '"', "\\'": "'", "\\\\": "\\"}


class Literal(NamedTuple):
    """A text, and where it stands."""

    text: str
    span: Span


def literal(node: Node) -> Literal | None:
    """The text of a literal or of `concat!` of some."""
    if node.type.endswith("string_literal"):
        return Literal(content(node), (node.start_byte, node.end_byte))
    if node.type == "macro_invocation" and text(node.child_by_field_name("macro")) == "concat":
        parts = node.named_children[-1].named_children
        if all(part.type.endswith("string_literal") for part in parts):
            return Literal("".join(map(content, parts)), (node.start_byte, node.end_byte))
    return None


def first(body: Node) -> Literal | None:
    """The first literal of a macro's arguments, with what `+` adds to it."""
    children = body.children
    at = next((n for n, child in enumerate(children) if child.type.endswith("string_literal")), -1)
    if at < 0:
        return None
    parts = [children[at]]
    while at + 2 < len(children) and children[at + 1].type == "+" and children[at + 2].type.endswith("string_literal"):
        at += 2
        parts.append(children[at])
    return Literal("".join(map(content, parts)), (parts[0].start_byte, parts[-1].end_byte))


def content(node: Node) -> str:
    """What a string literal says; a line that goes on, and rarer escapes, read as a space."""
    parts = node.named_children
    if not parts:
        return ""
    return "".join(
        text(part) if part.type == "string_content" else ESCAPES.get(text(part), " ")
        for part in parts
        if part.type in ("string_content", "escape_sequence")
    )
