"""What the pages on migrations say of PostgreSQL is what a PostgreSQL says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import databases
import locks
import postgres
import pytest
import replay
from surface import write

from slowpath import rulebook, testing

RULES = {rule.id: rule for rule in rulebook.load() if rule.group == "sql"}


def marked(rule: str) -> list[tuple[str, testing.Example, set[str]]]:
    """The examples of a page that are PostgreSQL's alone, with the migrations that it flags."""
    found = []
    for example in testing.examples(RULES[rule]):
        others = any(word in path for path in example.files for word in ("mysql", "sqlite")) or "`" in str(
            example.files
        )
        if not others:
            flagged = {site[0] for site in testing.expectations(example.files, rule).found if site[2] == rule}
            found.append((example.title, example, flagged))
    return found


def cases(rule: str, *, flagged: bool) -> list[object]:
    return [pytest.param(e, files, id=title) for title, e, files in marked(rule) if bool(files) == flagged]


def told(root: Path, example: testing.Example, cluster: postgres.Cluster) -> dict[str, str]:
    """What the server says of each migration, in order; a refusal is what it says, too."""
    database = cluster.database()
    found = {}
    for path in sorted(path for path in example.files if path.endswith(".sql")):
        try:
            found[path] = database.told(root / path, transaction=not replay.alone(root / path))
        except databases.RefusedError as error:
            found[path] = str(error)
    return found


@pytest.mark.parametrize(("example", "flagged"), cases("table-rewrite", flagged=True))
def test_flagged_changes_rewrite(
    example: testing.Example, flagged: set[str], cluster: postgres.Cluster, tmp_path: Path
) -> None:
    said = told(write(tmp_path, example.files), example, cluster)
    assert {path for path in said if "rewriting table" in said[path]} == flagged


def test_what_costs_nothing_rewrites_nothing(cluster: postgres.Cluster, tmp_path: Path) -> None:
    example = next(e for title, e, _ in marked("table-rewrite") if title == "what costs nothing")
    said = told(write(tmp_path, example.files), example, cluster)
    assert len(said) > 2 and not any("rewriting table" in text or "ERROR" in text for text in said.values())


@pytest.mark.parametrize(("example", "flagged"), cases("constraint-scan", flagged=True))
def test_flagged_constraints_scan(
    example: testing.Example, flagged: set[str], cluster: postgres.Cluster, tmp_path: Path
) -> None:
    said = told(write(tmp_path, example.files), example, cluster)
    scans = ("verifying table", "validating foreign key constraint")
    assert {path for path in said if any(scan in said[path] for scan in scans)} == flagged


@pytest.mark.parametrize(("example", "flagged"), cases("index-not-concurrent", flagged=True))
def test_flagged_indexes_are_built(
    example: testing.Example, flagged: set[str], cluster: postgres.Cluster, tmp_path: Path
) -> None:
    said = told(write(tmp_path, example.files), example, cluster)
    assert all("building index" in said[path] for path in flagged)


@pytest.mark.parametrize(("example", "flagged"), cases("concurrently-in-transaction", flagged=True))
def test_flagged_concurrently_is_refused(
    example: testing.Example, flagged: set[str], cluster: postgres.Cluster, tmp_path: Path
) -> None:
    root = write(tmp_path, example.files)
    database = cluster.database()
    for path in sorted(path for path in example.files if path.endswith(".sql")):
        text = (root / path).read_text()
        if not replay.alone(root / path):
            text = f"BEGIN; {text} COMMIT;"
        if path in flagged:
            with pytest.raises(databases.RefusedError, match="cannot run inside a transaction block"):
                database.ask(text)  # one message, as Diesel and sqlx send it
        else:
            database.ask(text)


@pytest.mark.parametrize(("example", "flagged"), cases("not-null-without-default", flagged=True))
def test_flagged_columns_are_refused_by_a_table_with_a_row(
    example: testing.Example, flagged: set[str], cluster: postgres.Cluster, tmp_path: Path
) -> None:
    root = write(tmp_path, example.files)
    database = cluster.database()
    start, *later = sorted(path for path in example.files if path.endswith(".sql"))
    database.file(root / start)
    database.ask("INSERT INTO members VALUES ('a')")
    assert set(later) == flagged
    for path in later:
        with pytest.raises(databases.RefusedError, match="contains null values"):
            database.file(root / path)


def test_bench_agrees_on_the_pages(cluster: postgres.Cluster, tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    for number, (_, example, _) in enumerate((*marked("table-rewrite"), *marked("constraint-scan"))):
        root = write(tmp_path / str(number), example.files)
        for _, catalogue, mine in locks.catalogues(root):
            verdicts = [
                (verdict, where) for _, verdict, where in locks.compare(root, catalogue, mine, cluster.database())
            ]
            assert all(verdict in ("right", "missed") for verdict, _ in verdicts), verdicts
            counted.update(verdict for verdict, _ in verdicts)
    assert counted["right"] > 15 and counted["missed"] == 1  # VALIDATE reads as well, and lets others work
