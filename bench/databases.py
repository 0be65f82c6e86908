"""Throw-away databases, and what their catalogues say, in the words of slowpath's replay."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from slowpath.extract import sql
from slowpath.model.schema import AddIndex, Index
from slowpath.runtime.catalogue import RealTable


class RefusedError(Exception):
    """A statement was refused; the message is the database's own."""


class Database(Protocol):
    """What both databases can do."""

    dialect: str

    def file(self, path: Path, *, transaction: bool = True) -> None:
        """Run a file. Raises RefusedError."""

    def ask(self, statement: str) -> str:
        """What a statement yields, as text. Raises RefusedError."""

    def tables(self) -> dict[str, RealTable]:
        """All tables and views by name, in lower case."""

    def plain(self, kind: str) -> str:
        """A type as its catalogue names it."""

    def rebuilt(self, index: Index, table: RealTable) -> Index:
        """A replayed index as the catalogue would tell it. Raises RefusedError."""


class Sqlite:
    """A database in memory. Names of keys, and expressions, are not told."""

    dialect = "sqlite"

    def __init__(self) -> None:
        self._made = sqlite3.connect(":memory:", isolation_level=None)

    def file(self, path: Path, *, transaction: bool = True) -> None:
        with self._refusing():
            self._made.executescript(path.read_text())

    def ask(self, statement: str) -> str:
        with self._refusing():
            return "\n".join("|".join(map(str, row)) for row in self._made.execute(statement))

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise RefusedError(str(error)) from error

    def tables(self) -> dict[str, RealTable]:
        listed = "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
        return {name.lower(): self._table(name, kind == "view") for name, kind in self._made.execute(listed)}

    def plain(self, kind: str) -> str:
        return re.sub(r"\W+", "", kind.lower())

    def rebuilt(self, index: Index, table: RealTable) -> Index:
        return Index(index.name, index.parts, index.unique, "btree", index.where, (0, 0))

    def _table(self, name: str, view: bool) -> RealTable:
        rows = list(self._made.execute(f'PRAGMA table_xinfo("{name}")'))
        columns = {row[1].lower(): (row[2], not row[3]) for row in rows}
        primary = tuple(row[1].lower() for row in sorted(rows, key=lambda row: row[5]) if row[5])
        keys = [("primary", "", primary, "", "")] if primary else []
        indexes = []
        for _, own, unique, origin, _ in self._made.execute(f'PRAGMA index_list("{name}")'):
            if origin == "u":
                listed = [row[2] for row in self._made.execute(f'PRAGMA index_info("{own}")')]
                keys.append(("unique", "", tuple(c.lower() for c in listed), "", ""))
            elif origin == "c":
                indexes.append(self._index(own, bool(unique)))
        foreign: dict[int, list[Any]] = {}
        for number, _, target, column, _, _, deletes, _ in self._made.execute(f'PRAGMA foreign_key_list("{name}")'):
            foreign.setdefault(number, [target.lower(), deletes.lower().partition(" ")[0], []])[2].append(
                column.lower()
            )
        keys += [("foreign", "", tuple(c), target, d if d != "no" else "") for target, d, c in foreign.values()]
        return RealTable(name, view, columns, keys, indexes)

    def _index(self, name: str, unique: bool) -> Index:
        text = self._made.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name]).fetchone()[0]
        (made,) = [each.index for each in sql.extract(text.encode()).operations if isinstance(each, AddIndex)]
        parts = [row[2] for row in self._made.execute(f'PRAGMA index_info("{name}")')]
        named = tuple(made.parts[n] if part is None else part.lower() for n, part in enumerate(parts))
        return Index(name.lower(), named, unique, "btree", made.where, (0, 0))
