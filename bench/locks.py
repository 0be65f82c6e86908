#!/usr/bin/env python3
"""What slowpath says that migrations do to tables, compared with what a PostgreSQL tells while it runs them.

usage: locks.py DIR...

In: projects. Out, for each set of PostgreSQL migrations: a Markdown table that counts rewrites, index builds and scans
of tables that were there before, each said rightly, said wrongly, or not said; and the wrong ones. What the rules leave
out on purpose is compared, too: young and tiny tables, old migrations. Exit code 1 if anything was said wrongly.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import databases
import postgres
import replay

from slowpath import rulebook
from slowpath.checks import constraint_scan, index_not_concurrent, table_rewrite
from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.link.replay import replay as replay_all
from slowpath.model.schema import Operation, SqlFacts
from slowpath.program import Program
from slowpath.program.changes import Group
from slowpath.program.schema import Catalogue, Migration, Table

SAID = {
    "rewrite": re.compile(r'DEBUG:  rewriting table "([^"]+)"'),
    "scan": re.compile(r'DEBUG:  verifying table "([^"]+)"'),
    "build": re.compile(r'DEBUG:  building index "[^"]+" on table "([^"]+)"'),
}
OLD = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
Site = tuple[str, str]
"""(what is done, table without its schema)"""


def catalogues(root: Path) -> Iterator[tuple[str, Catalogue, dict[str, set[Site]]]]:
    """Each set of PostgreSQL migrations, and what slowpath says of each migration."""
    files, _, _ = facts_of(discover(root, ()), [], 1, None)
    program = link(files)
    for schema in program.schema.schemas:
        for found in schema.catalogues:
            if found.dialect == "postgres":
                yield schema.root, found, predicted(found, program)


def predicted(catalogue: Catalogue, program: Program) -> dict[str, set[Site]]:
    """What slowpath says of all tables that were there before, by migration."""
    groups: dict[str, Group] = {}

    def watch(path: str, operation: Operation, tables: Mapping[str, Table]) -> None:
        table = tables.get(getattr(operation, "table", ""))
        if table is not None and not table.view and table.created != path:
            group = groups.setdefault(path, Group(Migration(path, "diesel", True, 1), [], catalogue))
            group.changes.append((operation, table.copy()))

    facts = [(path, program.files[path].facts) for path in catalogue.migrations]
    replay_all("postgres", [(path, each.operations) for path, each in facts if isinstance(each, SqlFacts)], watch)
    rule = next(rule for rule in rulebook.load() if rule.id == "table-rewrite")
    volatile = catalogue.volatile | frozenset(rule.settings["volatile"])
    return {path: set(_sites(group, volatile)) for path, group in groups.items()}


def _sites(group: Group, volatile: frozenset[str]) -> Iterator[Site]:
    for operation, table in group.changes:
        name = table.name.rpartition(".")[2]
        if table_rewrite.rewrite_of(operation, table, group.catalogue.types, volatile):
            yield "rewrite", name
        if index_not_concurrent.build_of(operation, table, group):
            yield "build", name
        found = constraint_scan.scan_of(operation, table, group)
        if found is not None and "foreign key" not in found.what:
            yield "scan", name


def told(text: str, old: set[str]) -> set[Site]:
    """What the server says, of tables that were there."""
    return {(what, name) for what, pattern in SAID.items() for name in pattern.findall(text) if name in old}


def settled(sites: set[Site]) -> set[Site]:
    """A rewrite builds the indexes anew, and reads all rows."""
    rewritten = {name for what, name in sites if what == "rewrite"}
    return {(what, name) for what, name in sites if what == "rewrite" or name not in rewritten}


def compare(
    root: Path, catalogue: Catalogue, mine: dict[str, set[Site]], database: postgres.Postgres
) -> Iterator[tuple[str, str, str]]:
    """(what, right or wrong or missed or refused, where) for each thing that either side says."""
    for path in catalogue.migrations:
        old = set(database.ask(OLD).split())
        try:
            theirs = settled(told(database.told(root / path, transaction=not replay.alone(root / path)), old))
        except databases.RefusedError as error:
            yield "", "refused", f"{path}: {error}"
            continue
        own = settled(mine.get(path, set()))
        for what, name in sorted(own | theirs):
            site = (what, name)
            verdict = "right" if site in own & theirs else "wrong" if site in own else "missed"
            yield what, verdict, f"{path}: {what} {name}"


def main() -> None:
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    wrong = 0
    with postgres.cluster() as cluster:
        for root in map(Path, sys.argv[1:]):
            for name, catalogue, mine in catalogues(root):
                verdicts = list(compare(root, catalogue, mine, cluster.database()))
                counted = Counter((what, verdict) for what, verdict, _ in verdicts)
                wrong += sum(count for (_, verdict), count in counted.items() if verdict == "wrong")
                print(f"\n## {root.name}: {name}, {len(catalogue.migrations)} migrations\n")
                print("| | right | wrong | missed |", "|---|--:|--:|--:|", sep="\n")
                for what in SAID:
                    print(f"| {what} | {' | '.join(str(counted[what, v]) for v in ('right', 'wrong', 'missed'))} |")
                print(*(f"- {verdict}: {where}" for _, verdict, where in verdicts if verdict != "right"), sep="\n")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
