#!/usr/bin/env python3
"""Migrations replayed from source, compared with what a real database makes of them.

usage: replay.py DIR...

In: projects. Out, for each set of PostgreSQL or SQLite migrations: a Markdown table that counts what the replay says
rightly, wrongly and not surely, and each wrong statement. Exit code 1 if any is wrong. What the database refuses is
listed, and the tables that a refused file names are not compared.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import databases
import postgres

from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.model.schema import Index
from slowpath.program.schema import Catalogue, Table
from slowpath.runtime.catalogue import RealTable

ASPECTS = ("table", "column", "type", "nullability", "key", "index", "view")
WORD = re.compile(r"\w+")


class Verdict(NamedTuple):
    """One statement of the replay; `right` is None where it says that it is not sure."""

    aspect: str
    right: bool | None
    message: str


def catalogues(root: Path) -> Iterator[tuple[str, Catalogue]]:
    """What the replay makes of each set of migrations that a database is here for."""
    files, _, _ = facts_of(discover(root, ()), [], 1, None)
    for schema in link(files).schema.schemas:
        yield from ((schema.root, found) for found in schema.catalogues if found.dialect in ("postgres", "sqlite"))


def alone(path: Path) -> bool:
    """The migration asks to be run outside of a transaction."""
    metadata = path.parent / "metadata.toml"
    asked = "run_in_transaction = false" in (metadata.read_text() if metadata.is_file() else "")
    return asked or path.read_text(errors="replace").startswith("-- no-transaction")


def run(database: databases.Database, root: Path, paths: list[str]) -> list[tuple[str, str]]:
    """Run migrations; what was refused: (path, why). Some speak of the table where Diesel notes what it ran."""
    refused = []
    if any(path.endswith("/up.sql") for path in paths):
        database.ask("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, run_on TIMESTAMP)")
    for path in paths:
        try:
            database.file(root / path, transaction=not alone(root / path))
        except databases.RefusedError as error:
            refused.append((path, str(error)))
    database.ask("DROP TABLE IF EXISTS __diesel_schema_migrations")
    return refused


def compare(catalogue: Catalogue, database: databases.Database, unsure: set[str]) -> Iterator[Verdict]:
    """All verdicts on one catalogue; nothing is said of the tables that are called as in `unsure`."""
    real = database.tables()
    for name in sorted({*real, *catalogue.tables}):
        if name.rpartition(".")[2] in unsure:
            continue
        known = catalogue.tables.get(name)
        aspect = "view" if (known.view if known is not None else real[name].view) else "table"
        if known is None or name not in real:
            doubtful = name in catalogue.doubtful or "*" in catalogue.doubtful
            yield Verdict(aspect, None if doubtful else False, f"{name}: only {'replayed' if known else 'real'}")
            continue
        sure = catalogue.certain(name) is not None
        yield Verdict(aspect, True if sure else None, name)
        for verdict in _table(known, real[name], database):
            yield verdict if sure or verdict.right else verdict._replace(right=None)


def _table(known: Table, real: RealTable, database: databases.Database) -> Iterator[Verdict]:
    for name in sorted({*real.columns, *known.columns}):
        column = known.columns.get(name)
        here = f"{known.name}.{name}"
        only = f"{here}: only {'replayed' if column else 'real'}"
        yield Verdict("column", column is not None and name in real.columns, only)
        if column is None or name not in real.columns:
            continue
        kind, nullable = real.columns[name]
        told, really = database.plain(column.type), database.plain(kind)
        yield Verdict(
            "type", None if not column.type and really else told == really, f"{here}: {told}, really {really}"
        )
        if not known.view:
            right = None if column.nullable is None else column.nullable == nullable
            yield Verdict("nullability", right, f"{here}: nullable {column.nullable}, really {nullable}")
    yield from _same("key", known.name, list(_keys(known, database)), real.keys)
    indexes = [_rebuilt(index, real, database) for index in known.indexes]
    yield from _same("index", known.name, indexes, [_shape(index) for index in real.indexes])


def _keys(table: Table, database: databases.Database) -> Iterator[Any]:
    for key, _ in table.keys:
        if key.kind != "check":
            name = key.name[:63] if database.dialect == "postgres" else ""
            yield key.kind, name, key.columns, key.table, "" if key.on_delete == "no action" else key.on_delete


def _rebuilt(index: Index, table: RealTable, database: databases.Database) -> Any:
    try:
        return _shape(database.rebuilt(index, table))
    except databases.RefusedError as error:
        return (*_shape(index), f"cannot be built: {error}")


def _shape(index: Index) -> Any:
    return index.name[:63], index.unique, index.method or "btree", index.parts, index.include, index.where


def _same(aspect: str, table: str, mine: list[Any], theirs: list[Any]) -> Iterator[Verdict]:
    left, missed = Counter(mine) - Counter(theirs), Counter(theirs) - Counter(mine)
    for _ in range(len(mine) - left.total()):
        yield Verdict(aspect, True, table)
    for entry in left.elements():
        yield Verdict(aspect, False, f"{table}: only replayed: {entry}")
    for entry in missed.elements():
        yield Verdict(aspect, False, f"{table}: only real: {entry}")


def report(verdicts: list[Verdict]) -> str:
    rows = ["| | right | wrong | uncertain |", "|---|--:|--:|--:|"]
    for aspect in ASPECTS:
        counted = Counter(verdict.right for verdict in verdicts if verdict.aspect == aspect)
        rows.append(f"| {aspect} | {counted[True]} | {counted[False]} | {counted[None]} |")
    return "\n".join(rows)


def check(
    root: Path, catalogue: Catalogue, database: databases.Database
) -> tuple[list[Verdict], list[tuple[str, str]]]:
    """Run the migrations and compare: verdicts, and what was refused."""
    refused = run(database, root, catalogue.migrations)
    unsure = {word for path, _ in refused for word in WORD.findall((root / path).read_text().lower())}
    return list(compare(catalogue, database, unsure)), refused


def main() -> None:
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    wrong = 0
    with postgres.cluster() as cluster:
        for root in map(Path, sys.argv[1:]):
            for name, catalogue in catalogues(root):
                database = cluster.database() if catalogue.dialect == "postgres" else databases.Sqlite()
                verdicts, refused = check(root, catalogue, database)
                misses = [f"- {verdict.aspect} {verdict.message}" for verdict in verdicts if verdict.right is False]
                wrong += len(misses)
                title = f"{root.name}: {name}, {catalogue.dialect}, {len(catalogue.migrations)} migrations"
                lines = [f"- refused: {path}: {why}" for path, why in refused] + misses
                print(f"\n## {title}\n\n{report(verdicts)}\n", *lines, sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
