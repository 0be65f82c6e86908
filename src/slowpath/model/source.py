"""Source texts, and byte offsets as the positions that people and formats count in."""

from __future__ import annotations

from bisect import bisect_right
from codecs import BOM_UTF8
from collections.abc import Mapping

import msgspec


class Position(msgspec.Struct, frozen=True):
    """`line` and `column` are 1-based; `column` counts Unicode code points."""

    line: int
    column: int


class Sources:
    """The bytes of the scanned files, by path relative to the project root."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.texts = texts
        self._starts: dict[str, list[int]] = {}

    def starts(self, path: str) -> list[int]:
        """Byte offset of the first byte of each line."""
        known = self._starts.get(path)
        if known is None:
            source = self.texts.get(path, b"")
            known = [0]
            at = source.find(b"\n")
            while at >= 0:
                known.append(at + 1)
                at = source.find(b"\n", at + 1)
            self._starts[path] = known
        return known

    def line(self, path: str, offset: int) -> int:
        """1-based line of a byte offset."""
        return bisect_right(self.starts(path), offset)

    def position(self, path: str, offset: int) -> Position:
        """Line and code-point column of a byte offset. A byte order mark is no part of the text."""
        starts = self.starts(path)
        line = bisect_right(starts, offset)
        before = self.texts.get(path, b"")[starts[line - 1] : offset]
        if before.isascii():
            return Position(line, len(before) + 1)
        text = (before.removeprefix(BOM_UTF8) if line == 1 else before).decode("utf-8", "replace")
        return Position(line, len(text) + 1)

    def line_text(self, path: str, line: int) -> str:
        """The text of a 1-based line, without its end."""
        starts = self.starts(path)
        end = starts[line] if line < len(starts) else None
        text = self.texts.get(path, b"")[starts[line - 1] : end]
        return (text.removeprefix(BOM_UTF8) if line == 1 else text).decode("utf-8", "replace").rstrip("\r\n")
