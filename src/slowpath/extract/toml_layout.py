"""Where tables, keys and dependencies stand in a manifest that is known to be valid TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import parse, text
from slowpath.model.cargo import Form, Key, Table, Written
from slowpath.model.finding import Span

TablePath = tuple[str, ...]
DEPTH = 4
"""As many names lead to a dependency: `target.'cfg(unix)'.dependencies.x`."""

EMPTY = re.compile(rb"[ \t\r\n]*")


class _Pair(NamedTuple):
    """A key below a header, or above all of them."""

    path: TablePath
    parts: list[Node]
    """The names of its own key, those of the header not among them."""
    value: Node

    @property
    def span(self) -> Span:
        return self.parts[0].start_byte, self.value.end_byte


class _Block(NamedTuple):
    """A header with the pairs below it."""

    path: TablePath
    parts: list[Node]
    span: Span
    pairs: list[_Pair]


class Layout:
    """The positions of one manifest."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.newline = "\r\n" if b"\r\n" in source else "\n"
        self.pairs: dict[TablePath, list[_Pair]] = {}
        self.blocks: dict[TablePath, list[_Block]] = {}
        self.tables: list[Table] = []
        root = parse("toml", source).root_node
        for node in root.named_children:
            if node.type == "pair":
                self._add(_pair((), node))
            elif node.type in ("table", "table_array_element"):
                self._add_block(node)
        self.sure = not root.has_error
        """What the grammar does not understand may end elsewhere than it says: no edits there."""
        if not self.sure:
            self.tables = []

    def _add(self, pair: _Pair) -> None:
        for length in range(1, min(len(pair.path), DEPTH) + 1):
            self.pairs.setdefault(pair.path[:length], []).append(pair)

    def _add_block(self, node: Node) -> None:
        parts = _parts(node.named_children[0])
        path = tuple(map(_name, parts))
        pairs = [_pair(path, child) for child in node.named_children[1:] if child.type == "pair"]
        last = pairs[-1].value.end_byte if pairs else parts[-1].end_byte
        block = _Block(path, parts, (node.start_byte, self._line_end(last)), pairs)
        for pair in pairs:
            self._add(pair)
        for length in range(1, min(len(path), DEPTH) + 1):
            self.blocks.setdefault(path[:length], []).append(block)
        if node.type == "table":
            self.tables.append(Table(path, block.span, _keys(pairs, len(path))))

    def span(self, path: TablePath) -> Span | None:
        """From the name, or the header's bracket, to the end of the value."""
        block = next((block for block in self.blocks.get(path, ()) if block.path == path), None)
        if block is not None:
            return block.span
        pair = next(iter(self.pairs.get(path, ())), None)
        return pair.span if pair is not None else None

    def written(self, path: TablePath) -> Written | None:
        """How the dependency at that path stands there."""
        pairs, blocks, depth = self.pairs.get(path, []), self.blocks.get(path, []), len(path)
        if not self.sure or not pairs:
            return None
        if blocks:
            lines = [self._whole(block.span) for block in blocks]
            parts = [block.parts[:depth] for block in blocks]
            keys = [pair for pair in pairs if len(pair.path) == len(pair.parts) + depth]
            return self._written("table", lines, parts, (0, 0), _keys(keys, depth))
        first = pairs[0]
        lines = [self._lines(pair.span) for pair in pairs]
        parts = [pair.parts[: len(pair.parts) - (len(pair.path) - depth)] for pair in pairs]
        if not all(parts):
            return None
        if len(first.path) > depth:
            return self._written("dotted", lines, parts, (0, 0), _keys(pairs, depth))
        inline = first.value.type == "inline_table"
        options = [_pair(path, child) for child in first.value.named_children if child.type == "pair"] if inline else []
        value = (first.value.start_byte, first.value.end_byte)
        return self._written("inline" if inline else "string", lines, parts, value, _keys(options, depth))

    def _written(
        self, form: Form, lines: list[Span], parts: list[list[Node]], value: Span, keys: tuple[Key, ...]
    ) -> Written:
        """`parts` are the names that lead to the entry, for each header or key."""
        home = [(names[-2].start_byte, names[-2].end_byte) for names in parts if len(names) > 1]
        name = (parts[0][0].start_byte, parts[0][-1].end_byte)
        text = b"".join(self.source[start:end] for start, end in lines)
        return Written(form, tuple(lines), name, tuple(home), value, keys, text, self.newline)

    def _line_end(self, at: int) -> int:
        """The end of the line, without its break."""
        end = self.source.find(b"\n", at)
        end = len(self.source) if end < 0 else end
        return end - self.source[at:end].endswith(b"\r")

    def _lines(self, span: Span) -> Span:
        """The whole lines that a span touches."""
        end = self.source.find(b"\n", span[1])
        return self.source.rfind(b"\n", 0, span[0]) + 1, len(self.source) if end < 0 else end + 1

    def _whole(self, span: Span) -> Span:
        """The lines of a table with the empty ones behind it; at the end of the file those before it."""
        first, last = self._lines(span)
        gap = EMPTY.match(self.source, last)
        assert gap is not None
        if gap.end() == len(self.source):
            before = self.source[:first].rstrip()
            return self._lines((len(before), len(before)))[1] if before else 0, len(self.source)
        return first, max(last, self.source.rfind(b"\n", last, gap.end()) + 1)


def _pair(prefix: TablePath, node: Node) -> _Pair:
    key, value = node.named_children[0], node.named_children[-1]
    if value.type == "comment":
        value = next(child for child in reversed(node.named_children) if child.type != "comment")
    parts = _parts(key)
    return _Pair((*prefix, *map(_name, parts)), parts, value)


def _parts(key: Node) -> list[Node]:
    """The names of a dotted key."""
    found = []
    while key.type == "dotted_key":
        key, last = key.named_children[0], key.named_children[-1]
        found.append(last)
    return [key, *reversed(found)]


def _name(part: Node) -> str:
    """A name without its quotes."""
    written = text(part)
    if part.type != "quoted_key":
        return written
    return next(iter(tomllib.loads(f"{written} = 0"))) if "\\" in written else written[1:-1]


def _keys(pairs: Iterable[_Pair], depth: int) -> tuple[Key, ...]:
    """The pairs that are one name below `depth`."""
    return tuple(
        Key(pair.path[-1], pair.span, (pair.value.start_byte, pair.value.end_byte), tuple(_items(pair.value)))
        for pair in pairs
        if len(pair.path) == depth + 1
    )


def _items(value: Node) -> Iterator[Span]:
    if value.type == "array":
        for item in value.named_children:
            if item.type == "string":
                yield item.start_byte, item.end_byte
