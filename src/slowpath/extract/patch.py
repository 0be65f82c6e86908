"""A unified diff → the tables and columns of `table!` that it touches, by their names in code or in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.diesel import Patched, PatchFacts

COLUMN = re.compile(r"\s*(?:r#)?(\w+)\s*->")
TABLE = re.compile(r"\s*(?:\w+\s*\.\s*)?(?:r#)?(\w+)\s*\([\w\s,#]*\)\s*\{")
SQL_NAME = re.compile(r'\s*#\[sql_name\s*=\s*"([^"]*)"')
TARGET = re.compile(r"\+\+\+ (?:b/)?([^\t\n]+)")


def extract(source: bytes) -> PatchFacts:
    """The facts of one file. What changes outside of a `table!` is left out."""
    found: list[Patched] = []
    part = _Part("")
    for line in source.decode("utf-8", "replace").splitlines():
        target = TARGET.match(line)
        if target is not None:
            found += part.patched()
            part = _Part(target[1].strip())
        else:
            part.line(line)
    return PatchFacts(parts=[*found, *part.patched()])


class _Part:
    """What is read of one file's hunks."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.tables: set[str] = set()
        self.columns: set[tuple[str, str]] = set()
        self.within = ""
        self.renamed = ""

    def line(self, line: str) -> None:
        sign, text = line[:1], line[1:]
        if sign == "@" or text.strip() == "}":
            self.within = ""
        elif sign and sign in " +-":
            self._content(text.lower(), sign != " ")

    def _content(self, text: str, changed: bool) -> None:
        if table := TABLE.match(text):
            self.within = table[1]
            self.tables |= {table[1]} if changed else set()
        elif renamed := SQL_NAME.match(text):
            self.renamed = renamed[1]
            self.columns |= {(self.within, self.renamed)} if changed else set()
        elif column := COLUMN.match(text):
            if changed:
                self.columns |= {(self.within, name) for name in (column[1], self.renamed) if name}
            self.renamed = ""

    def patched(self) -> Iterator[Patched]:
        if self.tables or self.columns:
            yield Patched(self.target, tuple(sorted(self.tables)), tuple(sorted(self.columns)))
