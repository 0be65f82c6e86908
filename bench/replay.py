#!/usr/bin/env python3
"""Migrations replayed from source, compared with what a real PostgreSQL makes of them.

usage: replay.py DIR...

In: projects. Out, for each set of PostgreSQL migrations: a Markdown table that counts what the replay says rightly,
wrongly and not surely, and each wrong statement. Exit code 1 if any is wrong. What the server refuses is listed, and
the tables that the refused file names are not compared.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import postgres

from slowpath import engine
from slowpath.discover import discover
from slowpath.link import link
from slowpath.model.schema import Index, Key
from slowpath.program.schema import Catalogue, Table

ASPECTS = ("table", "column", "type", "nullability", "key", "index", "view")
SAME = {
    "int": "integer", "int4": "integer", "serial": "integer", "serial4": "integer", "int8": "bigint",
    "bigserial": "bigint", "serial8": "bigint", "int2": "smallint", "smallserial": "smallint", "bool": "boolean",
    "varchar": "character varying", "char": "character", "bpchar": "character", "float8": "double precision",
    "float": "double precision", "float4": "real", "decimal": "numeric", "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "time": "time without time zone", "timetz": "time with time zone",
    "varbit": "bit varying",
}  # fmt: skip
WORD = re.compile(r"\w+")
KINDS = {"p": "primary", "u": "unique", "f": "foreign"}
DELETES = {"a": "", "r": "restrict", "c": "cascade", "n": "set", "d": "set", " ": ""}


class Verdict(NamedTuple):
    """One statement of the replay; `right` is None where it says that it is not sure."""

    aspect: str
    right: bool | None
    message: str


def catalogues(root: Path) -> Iterator[tuple[str, Catalogue]]:
    """What the replay makes of each set of PostgreSQL migrations."""
    files, _, _ = engine.facts_of(discover(root, ()), [], 1, None)
    for schema in link(files).schema.schemas:
        yield from ((schema.root, found) for found in schema.catalogues if found.dialect == "postgres")


def run(database: postgres.Database, root: Path, paths: list[str]) -> list[tuple[str, str]]:
    """Run migrations; what was refused: (path, why). Some speak of the table where Diesel notes what it ran."""
    refused = []
    if any(path.endswith("/up.sql") for path in paths):
        database.ask("CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, run_on TIMESTAMP)")
    for path in paths:
        beside = root / path
        metadata = beside.parent / "metadata.toml"
        bare = "run_in_transaction = false" in (metadata.read_text() if metadata.is_file() else "")
        bare |= beside.read_text(errors="replace").startswith("-- no-transaction")
        try:
            database.file(beside, transaction=not bare)
        except postgres.RefusedError as error:
            refused.append((path, str(error)))
    database.ask("DROP TABLE IF EXISTS __diesel_schema_migrations")
    return refused


def compare(
    catalogue: Catalogue, real: dict[str, Any], database: postgres.Database, unsure: set[str]
) -> Iterator[Verdict]:
    """All verdicts on one catalogue."""
    server = {name.lower(): (name, table) for name, table in real.items()}
    for name in sorted({*server, *catalogue.tables}):
        if name.rpartition(".")[2] in unsure:
            continue
        known = catalogue.tables.get(name)
        aspect = "view" if (known.view if known is not None else server[name][1]["view"]) else "table"
        if known is None or name not in server:
            doubtful = name in catalogue.doubtful or "*" in catalogue.doubtful
            yield Verdict(aspect, None if doubtful else False, f"{name}: only {'replayed' if known else 'real'}")
            continue
        sure = catalogue.certain(name) is not None
        yield Verdict(aspect, True if sure else None, name)
        for verdict in _table(known, *server[name], catalogue, database):
            yield verdict if sure or verdict.right else verdict._replace(right=None)


def _table(
    known: Table, name: str, real: dict[str, Any], catalogue: Catalogue, database: postgres.Database
) -> Iterator[Verdict]:
    columns = {column.lower(): told for column, told in real["columns"].items()}
    for column in sorted({*columns, *known.columns}):
        told = known.columns.get(column)
        here = f"{known.name}.{column}"
        yield Verdict(
            "column", told is not None and column in columns, f"{here}: only {'replayed' if told else 'real'}"
        )
        if told is None or column not in columns:
            continue
        kind, nullable = columns[column]
        written = _plain(told.type)
        right = None if not written else written == _plain(kind)
        yield Verdict("type", right, f"{here}: {written}, really {_plain(kind)}")
        if not known.view:
            right = None if told.nullable is None else told.nullable == nullable
            yield Verdict("nullability", right, f"{here}: nullable {told.nullable}, really {nullable}")
    keys = [_key(key) for key, _ in known.keys if key.kind != "check"]
    yield from _same("key", known.name, keys, [_real_key(*key) for key in real["keys"]])
    indexes = [_rebuilt(index, name, database) for index in known.indexes]
    yield from _same("index", known.name, indexes, [_real_index(*index) for index in real["indexes"]])


def _same(aspect: str, table: str, mine: list[Any], theirs: list[Any]) -> Iterator[Verdict]:
    left = Counter(map(str, mine)) - Counter(map(str, theirs))
    missed = Counter(map(str, theirs)) - Counter(map(str, mine))
    for _ in range(len(mine) - left.total()):
        yield Verdict(aspect, True, "")
    for text in left.elements():
        yield Verdict(aspect, False, f"{table}: only replayed: {text}")
    for text in missed.elements():
        yield Verdict(aspect, False, f"{table}: only real: {text}")


def _plain(kind: str) -> str:
    """A type's name as the server writes it."""
    kind = kind.lower().replace('"', "")
    base, dot, _ = kind.partition("[")
    name, paren, detail = base.partition("(")
    detail, _, rest = detail.partition(")")
    name = SAME.get(name.strip(), name.strip())
    if name.startswith(("timestamp ", "time ")) or rest:
        head, _, tail = name.partition(" ")
        rest = rest.strip() or tail
        name = head
    if name == "character" and not paren:
        paren, detail = "(", "1"
    if name == "numeric" and paren and "," not in detail:
        detail += ",0"
    if name == "enum":
        name = ""
    text = name + (f"({detail})" if paren else "") + (f" {rest.strip()}" if rest else "")
    return text.replace("public.", "") + ("[]" if dot else "")


def _key(key: Key) -> tuple[Any, ...]:
    deletes = "" if key.on_delete == "no action" else key.on_delete
    return (key.kind, key.name[:63], key.columns, key.table, deletes)


def _real_key(kind: str, name: str, columns: list[str], target: str | None, deletes: str) -> tuple[Any, ...]:
    return KINDS[kind], name.lower(), tuple(c.lower() for c in columns), (target or "").lower(), DELETES[deletes]


def _rebuilt(index: Index, table: str, database: postgres.Database) -> tuple[Any, ...]:
    """A replayed index as the server would write it: parts in parentheses, and predicates, are built anew to see."""
    shape = (
        index.name[:63],
        index.unique,
        index.method or "btree",
        index.parts,
        tuple(index.include),
        index.where or None,
    )
    if not index.where and not any(part.startswith("(") for part in index.parts):
        return shape
    listed = ", ".join(part if part.startswith("(") else f'"{part}"' for part in index.parts)
    where = f" WHERE {index.where}" if index.where else ""
    quoted = ".".join(f'"{part}"' for part in table.split("."))
    query = postgres.CATALOGUE + f" WHERE r.name = '{table}'"
    try:
        made = database.ask(
            f"BEGIN; CREATE INDEX zz_rebuilt ON {quoted} USING btree ({listed}){where}; {query}; ROLLBACK"
        )
    except postgres.RefusedError as error:
        return (*shape, f"cannot be built: {error}")
    found = next(_real_index(*entry) for entry in postgres.tables(made)[table]["indexes"] if entry[0] == "zz_rebuilt")
    return (*shape[:3], found[3], shape[4], found[5])


def _real_index(
    name: str, unique: bool, method: str, parts: list[str], include: list[str], where: str | None
) -> tuple[Any, ...]:
    bare = tuple(part.strip('"').lower() for part in parts)
    return name.lower(), unique, method, bare, tuple(part.strip('"').lower() for part in include), where


def report(verdicts: list[Verdict]) -> str:
    rows = ["| | right | wrong | uncertain |", "|---|--:|--:|--:|"]
    for aspect in ASPECTS:
        counted = Counter(verdict.right for verdict in verdicts if verdict.aspect == aspect)
        rows.append(f"| {aspect} | {counted[True]} | {counted[False]} | {counted[None]} |")
    return "\n".join(rows)


def main() -> None:
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    wrong = False
    with postgres.cluster() as cluster:
        for root in map(Path, sys.argv[1:]):
            for name, catalogue in catalogues(root):
                database = cluster.database()
                refused = run(database, root, catalogue.migrations)
                unsure = {word for path, _ in refused for word in WORD.findall((root / path).read_text().lower())}
                verdicts = list(compare(catalogue, database.catalogue(), database, unsure))
                wrong |= any(verdict.right is False for verdict in verdicts)
                print(f"\n## {root.name}: {name}, {len(catalogue.migrations)} migrations\n\n{report(verdicts)}\n")
                print("\n".join(f"- refused: {path}: {why}" for path, why in refused))
                print("\n".join(f"- {v.aspect} {v.message}" for v in verdicts if v.right is False))
    sys.exit(wrong)


if __name__ == "__main__":
    main()
