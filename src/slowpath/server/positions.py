"""Byte offsets of a file, and positions as the protocol counts them."""

from __future__ import annotations

import re
from bisect import bisect_right

from lsprotocol import types

from slowpath.model.finding import Span

LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"
UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
"""Of a position encoding: the codec, and the bytes of one unit."""


class Text:
    """A file's bytes. What an editor read from disk (not `held`) has no byte order mark in its eyes."""

    def __init__(self, source: bytes, encoding: str = "utf-16", held: bool = False) -> None:
        self.source = source
        self.codec, self.width = UNITS[encoding]
        first = len(BOM) if not held and source.startswith(BOM) else 0
        self.starts = [first, *(end.end() for end in LINE_END.finditer(source))]

    def position(self, offset: int) -> types.Position:
        """Of a byte offset; one between \\r and \\n is the end of its line."""
        line = max(0, bisect_right(self.starts, offset) - 1)
        before = self.source[self.starts[line] : offset].rstrip(b"\r")
        if self.width == 1 or before.isascii():
            return types.Position(line, len(before))
        return types.Position(line, len(before.decode("utf-8", "replace").encode(self.codec)) // self.width)

    def offset(self, position: types.Position) -> int:
        """The byte offset of a position; past the end of a line or of the text it is that end."""
        if position.line >= len(self.starts):
            return len(self.source)
        start = self.starts[position.line]
        text = self._line(position.line)
        if self.width == 1 or text.isascii():
            return start + min(position.character, len(text))
        units = text.decode("utf-8", "replace").encode(self.codec)[: position.character * self.width]
        return start + len(units.decode(self.codec, "ignore").encode())

    def range(self, span: Span) -> types.Range:
        """Of a span."""
        start, end = span
        return types.Range(self.position(start), self.position(end))

    def first_line(self, span: Span) -> types.Range:
        """Of the part of a span that lies on its first line: an editor underlines no whole function."""
        start, end = span
        line = max(0, bisect_right(self.starts, start) - 1)
        last = self.starts[line] + len(self._line(line).rstrip())
        return self.range((start, max(start, min(end, last))))

    def _line(self, line: int) -> bytes:
        end = self.starts[line + 1] if line + 1 < len(self.starts) else None
        return self.source[self.starts[line] : end].rstrip(b"\r\n")
