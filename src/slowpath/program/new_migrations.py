"""The migration that creates or drops an index: new files in the layout, order and dialect of those that are there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from slowpath.model.finding import Edit, Fix, Place
from slowpath.model.schema import Index
from slowpath.program.pg_names import Names, unused
from slowpath.program.schema import Catalogue, Runner, Table

PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
CLOCK = "%Y%m%d%H%M%S"
LONG = re.compile(r"\w*(?:text|blob)\b")
PREFIX = 191
"""Characters of a text that MySQL indexes: as many as fit into the smallest of its limits, at four bytes each."""


class Proposal(NamedTuple):
    """An index to make: the statement in short, and the migrations, where they can be written."""

    statement: str
    fix: Fix | None


def propose_index(
    catalogues: Iterable[Catalogue], table: str, columns: tuple[str, ...], function: str = "", *, turn: int
) -> Proposal:
    """An index for each of the databases that lack it; `turn` tells the proposals of one scan apart."""
    lacking = sorted(catalogues, key=lambda catalogue: catalogue.dialect == "mysql")
    name = _name(lacking, table, columns, function)
    edits: list[Edit] = []
    complete = True
    for catalogue in lacking:
        files = _Statement(catalogue, catalogue.tables[table], columns, function, name).files(turn)
        edits += [Edit(Place(path, (0, 0)), text) for path, text in files]
        complete &= bool(files)
    title = f"Add a migration that creates `{name}`; running it changes the database"
    statement = _Statement(lacking[0], lacking[0].tables[table], columns, function, name).text()
    return Proposal(statement, Fix(title, False, tuple(edits)) if complete else None)


def propose_drop(catalogues: Iterable[Catalogue], table: str, index: Index, *, turn: int) -> Fix | None:
    """The index goes from each of the databases. Nothing where it is more than columns: the way back makes it anew."""
    name = index.name.rpartition(".")[2]
    plain = index.method in ("", "btree") and not (index.unique or index.where or index.include or index.options)
    if not plain or not PLAIN.fullmatch(name) or any(part.startswith("(") for part in index.parts):
        return None
    edits: list[Edit] = []
    for catalogue in catalogues:
        files = _Statement(catalogue, catalogue.tables[table], index.parts, "", name).files(turn, drops=True)
        if not files:
            return None
        edits += [Edit(Place(path, (0, 0)), text) for path, text in files]
    return Fix(f"Add a migration that drops `{name}`; running it changes the database", False, tuple(edits))


def _name(catalogues: list[Catalogue], table: str, columns: Iterable[str], function: str) -> str:
    """A name that none of the databases uses yet."""
    taken = Names(
        name for catalogue in catalogues for each in catalogue.tables.values() for name in (each.name, *each.names())
    )
    words = [re.sub(r"\W+", "_", word) for word in (*columns, function) if word]
    owner = re.sub(r"\W+", "_", table)
    return unused(f"_{owner}" if owner[:1].isdecimal() else owner, "_".join(words), "idx", taken)


class _Statement:
    """CREATE INDEX before one catalogue, and how it is undone."""

    def __init__(self, catalogue: Catalogue, table: Table, columns: tuple[str, ...], function: str, name: str) -> None:
        self.catalogue = catalogue
        self.dialect = catalogue.dialect
        self.table = table
        self.columns = columns
        self.name = name
        self.target = self._written(table.written or table.name)
        self.listed = [self._column(column) for column in columns]
        if function:
            call = f"{function}({self.listed[0]})"
            self.listed[0] = f"({call})" if self.dialect == "mysql" else call

    def text(self, words: str = "", careful: str = "") -> str:
        return f"CREATE INDEX {words}{careful}{self.name} ON {self.target} ({', '.join(self.listed)});"

    def undone(self, words: str) -> str:
        if self.dialect == "mysql":
            return f"DROP INDEX {self.name} ON {self.target};"
        schema = self.target.rpartition(".")[0] if self.dialect == "postgres" else ""
        return f"DROP INDEX {words}IF EXISTS {schema}{'.' if schema else ''}{self.name};"

    def files(self, turn: int, *, drops: bool = False) -> list[tuple[str, str]]:
        """(path, text) of a migration; none where its version, or an index on such a column, cannot be written."""
        runner = self.catalogue.runner
        version = _next(runner.newest, turn, fixed=runner.style == "directory") if runner is not None else ""
        if runner is None or not version or not all(self.catalogue.orders(self.table, c) for c in self.columns):
            return []
        # a partitioned table takes no index concurrently
        postgres = self.dialect == "postgres" and not self.catalogue.guessed
        words = "CONCURRENTLY " if postgres and runner.outside and not self.table.partitioned else ""
        careful = "IF NOT EXISTS " if self.dialect != "mysql" else ""
        named = f"{version}_{'drop' if drops else 'add'}_{self.name}"
        up, down = f"{self.text(words, careful)}\n", f"{self.undone(words)}\n"
        return _files(runner, named, *((down, up) if drops else (up, down)), bool(words))

    def _written(self, name: str) -> str:
        return name.replace('"', "`") if self.dialect == "mysql" else name

    def _column(self, name: str) -> str:
        column = self.table.columns.get(name)
        text = (column.written if column is not None else "") or (name if PLAIN.fullmatch(name) else f'"{name}"')
        long = column is not None and self.dialect == "mysql" and LONG.match(column.type)
        return self._written(text) + (f"({PREFIX})" if long else "")


def _files(runner: Runner, named: str, up: str, down: str, concurrently: bool) -> list[tuple[str, str]]:
    base = f"{runner.folder}/{named}" if runner.folder else named
    if runner.style == "directory":
        files = [(f"{base}/up.sql", up), (f"{base}/down.sql", down)]
        return files + ([(f"{base}/metadata.toml", "run_in_transaction = false\n")] if concurrently else [])
    alone = "-- no-transaction\n" if concurrently else ""
    if runner.style == "pair":
        return [(f"{base}.up.sql", alone + up), (f"{base}.down.sql", alone + down)]
    return [(f"{base}.sql", alone + up)]


def _next(newest: str, turn: int, *, fixed: bool) -> str:
    """The version `turn` steps after the newest one, seconds if it is a time. Where they compare as texts: as long."""
    digits = "".join(character for character in newest if character.isdecimal())
    if not digits:
        return ""
    later = str(int(digits) + turn).zfill(len(digits))
    if len(digits) == len("20240101000000"):
        with suppress(ValueError, OverflowError):
            later = (datetime.strptime(digits, CLOCK) + timedelta(seconds=turn)).strftime(CLOCK)
    if len(later) > len(digits) and fixed:
        return ""
    follow = iter(later[-len(digits) :])
    text = "".join(next(follow) if character.isdecimal() else character for character in newest)
    return later[: len(later) - len(digits)] + text
