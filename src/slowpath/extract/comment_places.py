"""Where in a file a comment may stand, on a line of its own or at the end of one, and the file says the same."""

from __future__ import annotations

from typing import Literal

from slowpath.extract.docker import instructions
from slowpath.extract.parsing import GRAMMARS, parse
from slowpath.extract.sql_text import OPENING, has_backticks, quoted

Kind = Literal["line", "jsx", ""]
"""A comment that goes to the end of its line, one among the children of a JSX element, or none."""
WHOLE = frozenset(
    "string string_fragment string_content string_literal raw_string_literal char_literal escape_sequence regex "
    "template_string comment line_comment block_comment doc_comment hash_bang_line html_character_reference "
    "ERROR".split()
)
"""Nothing can be put into these."""
PARENTS = ("jsx_element", "jsx_fragment")


def comment_at(language: str, source: bytes, at: int, *, own_line: bool) -> Kind:
    """Which comment may begin at a byte offset, at the start of a line or, not as its own line, at its end."""
    if language in GRAMMARS:
        return _in_tree(language, source, at, own_line)
    if language == "sql":
        text = source.decode("latin-1")
        spans = quoted(text, OPENING[has_backticks(text)])
        return "" if any(start < at < end for start, end in spans) else "line"
    if language == "docker" and own_line:
        bodies = [instruction.body for instruction in instructions(source)[0] if instruction.body]
        return "" if any(start <= at < end for start, end in bodies) else "line"
    return ""


def _in_tree(language: str, source: bytes, at: int, own_line: bool) -> Kind:
    root = parse(language, source).root_node
    before = root.descendant_for_byte_range(at - 1, at - 1) if at and not own_line else None
    if before is not None and before.type.endswith("comment"):
        return ""
    node = root.descendant_for_byte_range(at, at)
    while node is not None and not node.start_byte < at < node.end_byte:
        node = node.parent
    if node is None:
        return "line"
    if node.type == "jsx_text":
        inside = source[node.start_byte : node.end_byte]
        above, below = inside[: at - node.start_byte], inside[at - node.start_byte :]
        return "" if above.strip() and below.strip() else "jsx"
    if node.type in PARENTS:
        return "jsx"
    return "" if node.type in WHOLE else "line"
