#!/usr/bin/env python3
"""Migrations run into a throw-away PostgreSQL; then `measure schema` compares it with the source: all must agree.

usage: three_ways.py DIR...

In: projects. Out, for each set of PostgreSQL migrations: how many tables and differences, live and by pg_dump, and each
difference; those of tables that a migration names which the database refused are counted apart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import postgres
import replay
from click.testing import CliRunner

from slowpath import config, parts
from slowpath.commands import measure_schema
from slowpath.model.evidence import SchemaDifference, SchemaPart

SAID = "three_ways"
"""The variable that holds the address."""


class Outcome(NamedTuple):
    """One set of migrations. `refused`: what the database did not run."""

    root: str
    migrations: int
    refused: list[tuple[str, str]]
    words: set[str]
    """Of the migrations that were refused."""
    live: SchemaPart
    dump: SchemaPart

    def sure(self, part: SchemaPart) -> list[SchemaDifference]:
        """Those of tables that no refused migration names."""
        return [each for each in part.differences if not self.words & set(each.name.split("."))]


def outcomes(project: Path, cluster: postgres.Cluster) -> Iterator[Outcome]:
    for root, catalogue in replay.catalogues(project):
        if catalogue.dialect != "postgres" or not catalogue.tables:
            continue
        database = cluster.database()
        refused = replay.run(database, project, catalogue.migrations)
        with tempfile.TemporaryDirectory() as made:
            dump = Path(made) / "dump.sql"
            words = ["pg_dump", "--schema-only", "-d", database.address, "-f", str(dump)]
            subprocess.run(words, check=True, capture_output=True)
            inside = project.resolve().relative_to(config.project_root([project]))
            chosen = ["--migrations", (inside / catalogue.root).as_posix()]
            live = part(project, Path(made), database.address, chosen)
            again = part(project, Path(made), database.address, [*chosen, "--dump", str(dump)])
        words = {word for path, _ in refused for word in replay.WORD.findall((project / path).read_text().lower())}
        yield Outcome(root, len(catalogue.migrations), refused, words, live, again)


def part(project: Path, folder: Path, address: str, options: list[str]) -> SchemaPart:
    """What the command writes."""
    os.environ[SAID] = address
    words = [str(project), "-o", str(folder / "schema.json"), "--database-env", SAID, *options]
    done = CliRunner().invoke(measure_schema.command, words, catch_exceptions=False)
    if done.exit_code:
        sys.exit(done.output)
    return parts.read_as(folder / "schema.json", SchemaPart)


def main() -> None:
    if postgres.missing():
        sys.exit(f"not on PATH: {', '.join(postgres.missing())}")
    with postgres.cluster() as cluster:
        for project in map(Path, sys.argv[1:]):
            for found in outcomes(project, cluster):
                counted = f"{found.migrations} migrations, {len(found.live.indexes)} tables"
                print(f"\n## {project.name}: {found.root}, {counted}")
                for path, why in found.refused:
                    print(f"- refused: {path}: {why}")
                for name, own in (("live", found.live), ("by dump", found.dump)):
                    sure = found.sure(own)
                    print(f"{name}: {len(sure)} differences, {len(own.differences) - len(sure)} by what was refused")
                    for each in sure:
                        print(f"- {each.message}")
                for remark in found.live.remarks:
                    print(f"  {remark.level} {remark.about}: {remark.message}")


if __name__ == "__main__":
    main()
