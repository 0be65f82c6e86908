"""The replay of migrations, and the migrations that findings propose, before real databases."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import databases
import postgres
import pytest
import replay
from index_fixes import outcomes, proposed
from surface import write

ROOT = Path(__file__).parents[1]


def disagreements(root: Path, database: databases.Database) -> tuple[list[str], list[str]]:
    """What the replay says wrongly, and what it is not sure of, after migrations that all run."""
    ((_, catalogue),) = replay.catalogues(root)
    verdicts, refused = replay.check(root, catalogue, database)
    assert not refused and len(verdicts) > 10
    wrong = [f"{verdict.aspect} {verdict.message}" for verdict in verdicts if verdict.right is False]
    return wrong, [f"{verdict.aspect} {verdict.message}" for verdict in verdicts if verdict.right is None]


UNSURE = {
    # a block makes its columns from strings
    "shop": [
        "table order_archive",
        "column order_archive.paid_at: only real",
        "column order_archive.sent_at: only real",
    ]
}


@pytest.mark.parametrize("project", ["shop", "board"])
def test_fixtures_are_what_postgres_makes_of_them(project: str, cluster: postgres.Cluster) -> None:
    assert disagreements(ROOT / "fixtures" / project, cluster.database()) == ([], UNSURE.get(project, []))


def test_hard_migrations_are_what_postgres_makes_of_them(cluster: postgres.Cluster) -> None:
    wrong, unsure = disagreements(ROOT / "tests/replay", cluster.database())
    assert not wrong, "\n".join(wrong)
    # a block that alters its table only under a condition
    assert unsure == ["table animals", "table pairs", "column pairs.maybe: only real"]


def test_sqlite_tables_rebuilt(tmp_path: Path) -> None:
    assert sqlite3.sqlite_version_info > (3, 35)
    migrations = {
        "migrations/0001_start.sql": """
            CREATE TABLE pens (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, ink TEXT NOT NULL, box_id INTEGER,
                FOREIGN KEY (box_id) REFERENCES boxes (id) ON DELETE CASCADE);
            CREATE TABLE boxes (id INTEGER NOT NULL, label TEXT, PRIMARY KEY (id), UNIQUE (label));
            CREATE INDEX pens_ink ON pens (ink COLLATE NOCASE, box_id DESC);""",
        "migrations/0002_rebuild.sql": """
            PRAGMA foreign_keys = OFF;
            CREATE TABLE pens_new (id INTEGER NOT NULL PRIMARY KEY, ink VARCHAR(9), worn BOOLEAN NOT NULL DEFAULT 0,
                box_id INTEGER REFERENCES boxes (id));
            INSERT INTO pens_new SELECT id, ink, 0, box_id FROM pens;
            DROP TABLE pens;
            ALTER TABLE pens_new RENAME TO pens;
            CREATE UNIQUE INDEX pens_worn ON pens (box_id) WHERE worn = 1;
            CREATE INDEX pens_lower ON pens (lower(ink));
            ALTER TABLE boxes ADD COLUMN lid TEXT;
            ALTER TABLE boxes DROP COLUMN lid;
            ALTER TABLE boxes RENAME COLUMN label TO title;""",
    }
    assert disagreements(write(tmp_path, migrations), databases.Sqlite()) == ([], [])


def test_proposed_migrations_run_up_and_down(cluster: postgres.Cluster, tmp_path: Path) -> None:
    shop = ROOT / "fixtures/shop"
    ((_, catalogue),) = replay.catalogues(shop)
    findings = proposed(shop)
    found = outcomes(shop, findings, catalogue, cluster.database())
    assert len(found) > 1 and not [outcome for outcome in found if outcome.failure]

    tree = tmp_path / "shop"
    shutil.copytree(shop, tree, ignore=shutil.ignore_patterns("web", "target"))
    for finding in findings:
        write(tree, {edit.place.path: edit.text for edit in finding.fix.edits} if finding.fix else {})
    assert proposed(tree) == []
