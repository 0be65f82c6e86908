#!/usr/bin/env python3
"""Databases changed by hand, one change at a time: which of the changes `measure schema` finds.

usage: drift.py [--changes N] [--seed N] DIR...

In: projects with PostgreSQL migrations. They run into a throw-away database; then each change is made, compared and
rolled back. Out: per kind of change how many were found of those that PostgreSQL accepts, and what was missed. Exit
code 1 if any was.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import postgres
import psycopg
import replay

from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.program.schema import Catalogue, Table
from slowpath.runtime import catalogue, schema_compare
from slowpath.runtime.schema_choice import Described, described
from slowpath.runtime.schema_sides import Sides

NUMBERS, TEXTS = ("smallint", "integer"), ("text", "character varying")


class Change(NamedTuple):
    """`name` is that of the difference; where it ends in a dot, any constraint of the table will do."""

    kind: str
    name: str
    sql: str
    table: str = ""


def changes(known: Catalogue, count: int, dice: random.Random) -> Iterator[Change]:
    """Changes of tables that stand for themselves: of partitions, PostgreSQL refuses most."""
    tables = [table for table in known.tables.values() if not table.view and not table.parent]
    while count and tables:
        table = dice.choice(tables)
        found = list(_of(table, dice))
        if found:
            count -= 1
            yield dice.choice(found)._replace(table=table.name)


def _of(table: Table, dice: random.Random) -> Iterator[Change]:
    name, sql = table.name, ".".join(f'"{part}"' for part in (table.written or table.name).split("."))
    yield Change("add column", f"{name}.zz_column", f"ALTER TABLE {sql} ADD COLUMN zz_column INT")
    yield Change("drop table", name, f"DROP TABLE {sql} CASCADE")
    yield Change("add table", "zz_table", "CREATE TABLE zz_table (id INT)")
    if table.columns:
        column = dice.choice(list(table.columns.values()))
        own, here = f'"{column.written or column.name}"', f"{name}.{column.name}"
        yield Change("drop column", here, f"ALTER TABLE {sql} DROP COLUMN {own} CASCADE")
        yield Change("rename column", f"{name}.zz_name", f"ALTER TABLE {sql} RENAME COLUMN {own} TO zz_name")
        to = "BIGINT" if column.type in NUMBERS else "VARCHAR(77)" if column.type in TEXTS else ""
        if to:
            yield Change("change type", here, f"ALTER TABLE {sql} ALTER {own} TYPE {to}")
            yield Change("add index", f"{name}.zz_index", f"CREATE INDEX zz_index ON {sql} ({own}, (1))")
        turn = "SET" if column.nullable else "DROP"
        yield Change("change NULL", here, f"ALTER TABLE {sql} ALTER {own} {turn} NOT NULL")
    schema = f'"{name.rpartition(".")[0]}".' if "." in name else ""
    if table.indexes:
        index = dice.choice(table.indexes).name
        yield Change("drop index", f"{name}.{index}", f'DROP INDEX {schema}"{index}"')
        yield Change("rename index", f"{name}.zz_index", f'ALTER INDEX {schema}"{index}" RENAME TO zz_index')
    if table.keys:
        key = dice.choice(table.keys)[0]
        yield Change(f"drop {key.kind} key", f"{name}.", f'ALTER TABLE {sql} DROP CONSTRAINT "{key.name}" CASCADE')


def told(own: Described, markers: dict[str, str], connection: psycopg.Connection[Any]) -> set[tuple[str, str]]:
    """(what, name) of each difference."""
    live = catalogue.read(connection)
    sides = Sides(live.catalogue, own.catalogue, own.catalogue, own.macros, markers)
    found = [each.difference for each in schema_compare.compare(sides, live.invalid)]
    return {(each.what, each.name) for each in found}


def found(change: Change, differences: set[tuple[str, str]]) -> bool:
    if change.name.endswith("."):
        return any(what == "constraint" and name.startswith(change.name) for what, name in differences)
    return any(name == change.name for _, name in differences)


class _BackError(Exception):
    """Leaves a transaction as if nothing had been done."""


def tried(
    own: Described, markers: dict[str, str], connection: psycopg.Connection[Any], change: Change
) -> set[tuple[str, str]] | None:
    """The differences with the change; None where it is refused."""
    differences = None
    try:
        with connection.transaction():
            connection.execute(change.sql.encode())
            differences = told(own, markers, connection)
            raise _BackError
    except (_BackError, psycopg.Error):
        return differences


def study(
    project: Path, cluster: postgres.Cluster, count: int, dice: random.Random
) -> Iterator[tuple[Change, bool | None]]:
    """Each change that was made, and whether it was found; None where the replay is not certain of the table."""
    files, _, _ = facts_of(discover(project, ()), [], 1, None)
    program = link(files).schema
    for own in described(program):
        if own.catalogue is None or not own.catalogue.tables:
            continue
        database = cluster.database()
        replay.run(database, project, own.catalogue.migrations)
        with psycopg.connect(database.address, autocommit=True) as connection:
            before = told(own, program.sql_types, connection)
            for change in changes(catalogue.read(connection).catalogue, count, dice):
                differences = tried(own, program.sql_types, connection, change)
                if differences is not None:
                    hit = found(change, differences - before)
                    yield change, True if hit else None if own.catalogue.certain(change.table) is None else False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--changes", type=int, default=120)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    made, hits, unsure = Counter[str](), Counter[str](), Counter[str]()
    with postgres.cluster() as cluster:
        for project in options.projects:
            for change, hit in study(project, cluster, options.changes, random.Random(options.seed)):
                made[change.kind] += 1
                hits[change.kind] += bool(hit)
                unsure[change.kind] += hit is None
                if not hit:
                    print(f"{'not certain' if hit is None else 'missed'} in {project.name}: {change.sql}", flush=True)
    print("| change | found | table not certain | made |\n|---|--:|--:|--:|")
    for kind in sorted(made):
        print(f"| {kind} | {hits[kind]} | {unsure[kind]} | {made[kind]} |")
    sys.exit(hits + unsure != made)


if __name__ == "__main__":
    main()
