#!/usr/bin/env python3
"""The migrations that findings propose, run up and down on a real database after the project's own.

usage: index_fixes.py DIR...

In: projects. Out, for each set of PostgreSQL or SQLite migrations: how many proposed migrations ran up, left a valid
index, and ran down without a trace; and why the others did not. Exit code 1 if any failed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import databases
import postgres
from replay import alone, catalogues, run

from slowpath import engine, rulebook
from slowpath.model.finding import Finding
from slowpath.program.schema import Catalogue

RULES = ("missing-index", "foreign-key-without-index", "redundant-index")


class Outcome(NamedTuple):
    """What became of one proposed migration; `failure` is empty where all went well."""

    migration: str
    failure: str


def proposed(root: Path) -> list[Finding]:
    """All findings of the two rules, whatever their confidence."""
    rules = [rule for rule in rulebook.load() if rule.id in RULES]
    return list(engine.scan(root, rules, min_confidence="low").findings)


def tried(findings: list[Finding], catalogue: Catalogue, database: databases.Database) -> Iterator[Outcome]:
    """Each finding's migration for this catalogue, up and down."""
    for finding in findings:
        edits = finding.fix.edits if finding.fix is not None else ()
        files = {edit.place.path: edit.text for edit in edits if belongs(edit.place.path, catalogue)}
        if not edits:
            yield Outcome(finding.message, "no migration is proposed")
        elif files:
            with tempfile.TemporaryDirectory() as folder:
                yield Outcome(min(files), _failure(Path(folder), files, database))


def belongs(path: str, catalogue: Catalogue) -> bool:
    runner = catalogue.runner
    return runner is not None and PurePosixPath(path).is_relative_to(runner.folder)


def _failure(folder: Path, files: dict[str, str], database: databases.Database) -> str:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    down = next((folder / path for path in files if path.endswith("down.sql")), None)
    up = next(folder / path for path in files if path.endswith(".sql") and folder / path != down)
    before = _indexes(database)
    try:
        database.file(up, transaction=not alone(up))
        if len(_indexes(database)) != len(before) + (-1 if "_drop_" in min(files) else 1):
            return "does not leave one index more, or less"
        if down is not None:
            database.file(down, transaction=not alone(down))
            if _indexes(database) != before:
                return "its way down leaves something"
    except databases.RefusedError as error:
        return str(error)
    return ""


def _indexes(database: databases.Database) -> list[str]:
    return sorted(f"{name} {index.name}" for name, table in database.tables().items() for index in table.indexes)


def outcomes(root: Path, findings: list[Finding], catalogue: Catalogue, database: databases.Database) -> list[Outcome]:
    """After the project's own migrations, those that are proposed."""
    run(database, root, catalogue.migrations)
    return list(tried(findings, catalogue, database))


def main() -> None:
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    failed = 0
    print("| project | migrations | dialect | proposed | ran up and down | failed |\n|---|---|---|--:|--:|--:|")
    with postgres.cluster() as cluster:
        for root in map(Path, sys.argv[1:]):
            findings = proposed(root)
            for name, catalogue in catalogues(root):
                database = cluster.database() if catalogue.dialect == "postgres" else databases.Sqlite()
                found = outcomes(root, findings, catalogue, database)
                bad = [outcome for outcome in found if outcome.failure]
                failed += len(bad)
                counts = f"{len(found)} | {len(found) - len(bad)} | {len(bad)}"
                print(f"| {root.name} | {name} | {catalogue.dialect} | {counts} |", flush=True)
                for outcome in bad:
                    print(f"{outcome.migration}: {outcome.failure}", file=sys.stderr)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
