"""One clear line for each input that cannot be used, and the rest of the scan goes on."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path

import pytest
from surface import project, run, scan, write

from slowpath import discover, engine, workers
from slowpath.cache import Cache


def problems(root: Path, *arguments: str, **env: str) -> list[str]:
    """The problems of a scan that still finds what is to be found; the same in all formats."""
    document = scan(root, *arguments, **env)
    assert len(document["findings"]) == 2
    found = [f"{error['path']}: {error['message']}" for error in document["errors"]]
    text = run("scan", root, "--exit-zero", *arguments, **env).stderr.splitlines()
    assert len(text) == len(found)
    log = json.loads(run("scan", root, "--exit-zero", "--format", "sarif", *arguments, **env).stdout)
    assert len(log["runs"][0]["invocations"][0]["toolExecutionNotifications"]) == len(found)
    return found


def test_not_utf8(tmp_path: Path) -> None:
    (project(tmp_path) / "src/bad.ts").write_bytes(b"let a = '\xff';")
    assert problems(tmp_path) == ["src/bad.ts: not UTF-8 (byte 9), skipped"]


def test_does_not_parse(tmp_path: Path) -> None:
    write(project(tmp_path), {"src/bad.ts": "function (((( {\n"})
    (problem,) = problems(tmp_path)
    assert problem.startswith("src/bad.ts: slowpath's grammar does not understand")


def test_broken_manifests(tmp_path: Path) -> None:
    broken = {"Cargo.toml": "[package\nname = 3", "tsconfig.json": '{ "compilerOptions": { '}
    found = problems(write(project(tmp_path), broken))
    assert [problem.partition(":")[0] for problem in found] == ["Cargo.toml", "tsconfig.json"]


def test_broken_sql(tmp_path: Path) -> None:
    queries = [
        "DELETE FROMpens WHERE id IN ({})",
        "SELECT ((((",
        "WITH a AS (SELECT FROM WHERE) UPDATE JOIN b USING (",
        "(",
    ]
    code = "".join(f'    sqlx::query("{query}");\n' for query in queries)
    tables = "CREATE TABLE a PARTITION OF a; ALTER TABLE a ATTACH PARTITION a; CREATE TABLE b (LIKE b) INHERITS (b, a;"
    deep = "SELECT 1 FROM a WHERE " + "(" * 5000 + "id = $1" + ")" * 5000
    code += f'    sqlx::query("{deep}");\n    sqlx::query_file!("../../x.sql");\n'
    files = {
        "Cargo.toml": '[package]\nname = "a"\n',
        "src/lib.rs": f"pub async fn work() {{\n{code}}}\n",
        "migrations/1_start.sql": tables + " CREATE INDEX ON b ((((a WHERE ( INCLUDE (;",
        "migrations/99999999999999999999_end.sql": "CREATE TABLE c (id INT REFERENCES a, FOREIGN KEY REFERENCES",
    }
    assert problems(write(project(tmp_path), files)) == []


def test_huge(tmp_path: Path) -> None:
    with (project(tmp_path) / "src/huge.ts").open("wb") as file:
        file.truncate(50_000_000)
    assert problems(tmp_path) == ["src/huge.ts: 50.0 MB, too large to be source, skipped"]


def test_links(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    (tmp_path / "outside.ts").write_text("secret")
    (root / "src/a.ts").symlink_to("nowhere.ts")
    (root / "src/b.ts").symlink_to(tmp_path / "outside.ts")
    assert problems(root) == [
        "src/a.ts: a broken link, skipped",
        "src/b.ts: a link that leaves the project, skipped",
    ]


def test_vanishing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was deleted, which git lists until that is staged."""
    monkeypatch.setattr(discover.Disk, "names", lambda disk: iter(["gone.rs", "src/Shelf.tsx"]))
    found = discover.discover(project(tmp_path))
    assert found.troubles == [] and found.unread == frozenset()
    assert [path for path, _, _ in found.files] == ["src/Shelf.tsx"]


def test_deep_nesting(tmp_path: Path) -> None:
    depth = 20_000
    write(project(tmp_path), {"src/deep.ts": "f(" * depth + ")" * depth, "src/deep.rs": "(" * depth + ")" * depth})
    assert len(scan(tmp_path)["findings"]) == 2


def test_odd_names(tmp_path: Path) -> None:
    root = project(tmp_path)
    text = (root / "src/Shelf.tsx").read_text()
    (root / "src/Shelf.tsx").unlink()
    (root / "src/new\nline [1](2) %.tsx").write_text(text)
    assert len(scan(root)["findings"]) == 2
    assert len(run("scan", root, "--format", "concise").stdout.splitlines()) == 3
    with open(os.fsencode(root) + b"/src/\xff.tsx", "w") as file:  # noqa: PTH123 (a name that no Path can write)
        file.write(text)
    for style in ("full", "concise", "json", "sarif"):
        assert "xff.tsx" in run("scan", root, "--format", style).stdout


def test_broken_rule_page(tmp_path: Path) -> None:
    page = '+++\nseverity = "note"\nconfidence = "high"\nmessage = "m"\nlanguage = "typescript"\n+++\n# T\n'
    page += "```query\n(no_such_node) @primary\n```\n"
    root = write(project(tmp_path), {"slowpath.toml": 'rules = ["own"]', "own/bad.md": page})
    outcome = run("scan", root)
    assert outcome.returncode == 2 and "2 findings" in outcome.stdout
    assert len(outcome.stderr.splitlines()) == 1 and "own/bad.md" in outcome.stderr and "query" in outcome.stderr


BROKEN_SETTINGS = {
    "digits": f"[migrations]\nstart-after = {'1' * 5000}",
    "hexadecimal": f"[migrations]\nstart-after = 0x{'f' * 5000}",
    "negative": "[migrations]\nstart-after = -3",
    "time": "[migrations]\nstart-after = 2024-01-01T10:00:00",
    "no pattern": "[bundle.features]\nreports = []",
    "no list": '[bundle.features]\nreports = "src/reports/**"',
    "unknown key": "[bundle]\nfeature = {}",
    "stars": f'[bundle.features]\nreports = ["{"*a" * 30}"]',
    "excluded pattern": 'exclude = ["!"]',
    "pattern": '[bundle.features]\nreports = ["!"]',
    "depth": "exclude = " + "[" * 5000,
}


@pytest.mark.parametrize("kind", BROKEN_SETTINGS)
def test_settings_that_cannot_be_read(tmp_path: Path, kind: str) -> None:
    outcome = run("scan", write(project(tmp_path), {"slowpath.toml": BROKEN_SETTINGS[kind]}))
    assert outcome.returncode == 2 and not outcome.stdout
    assert len(outcome.stderr.splitlines()) == 1 and "slowpath.toml: " in outcome.stderr
    assert "internal" not in outcome.stderr


@pytest.mark.parametrize("damage", ["corrupt", "folder is a file", "rows"])
def test_cache_that_cannot_be_used(tmp_path: Path, damage: str) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    if damage == "corrupt":
        cache.mkdir()
        (cache / "facts.db").write_bytes(b"no database" * 1000)
    elif damage == "rows":
        scan(root, SLOWPATH_CACHE_DIR=str(cache))
        with sqlite3.connect(cache / "facts.db") as db:
            db.execute("UPDATE facts SET data = x'c1'")
            db.execute("UPDATE results SET data = x'c1'")
    else:
        cache.write_text("")
    found = problems(root, SLOWPATH_CACHE_DIR=str(cache))
    assert len(found) == (0 if damage == "rows" else 1) and all("cache not used: " in line for line in found)


def test_read_only_cache(tmp_path: Path) -> None:
    store = Cache(tmp_path)
    store.put({b"old": b"1"})
    store._db.execute("PRAGMA query_only = ON")  # type: ignore[union-attr] (root may write to read-only files)
    store._today += 1
    assert store.get([b"old"]) == {b"old": b"1"} and not store.trouble
    store.put({b"new": b"1"})
    assert store.trouble == "cache not written: attempt to write a readonly database"


def test_locked_cache(tmp_path: Path) -> None:
    root, cache = project(tmp_path / "p"), tmp_path / "cache"
    scan(root, SLOWPATH_CACHE_DIR=str(cache))
    (root / "src/new.ts").write_text("export const a = 1;")
    with sqlite3.connect(cache / "facts.db", isolation_level=None) as db:
        db.execute("BEGIN EXCLUSIVE")
        document = scan(root, SLOWPATH_CACHE_DIR=str(cache))
    assert len(document["findings"]) == 2 and "locked" in document["errors"][0]["message"]


def _dies(task: workers.Task) -> workers.Outcome:
    if b"deadly" in task.source:
        os._exit(1)
    return workers.Outcome(b"fine")


def test_worker_that_dies_costs_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "extract_one", _dies)
    monkeypatch.setattr(workers, "POOL_BYTES", 0)
    tasks = [workers.Task("rust", source, ()) for source in (b"a", b"deadly", b"b", b"c")]
    outcomes = list(workers.extract_all(tasks, 2))
    assert [outcome.facts for outcome in outcomes] == [b"fine", b"", b"fine", b"fine"]
    assert "died" in outcomes[1].message and outcomes[1].internal


def test_rule_that_fails_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slowpath import query, rulebook

    def fail(*_: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr(query, "check", fail)
    report = engine.scan(project(tmp_path), rulebook.load())
    (trouble,) = [t for t in report.troubles if t.internal]
    assert trouble.path == "rule query-client-per-render" and "boom" in trouble.message


def test_what_typescript_allows_and_its_grammar_does_not_know_is_read(tmp_path: Path) -> None:
    source = """\
export type * from "./types";
import { load, count } from "./api";
vi.mock("./api", async (original) => ({ ...(await original<typeof import("./api")>()) }));
export async function page() {
  const rows = await fetch("/rows");
  const total = await fetch("/total");
  return <a href="/x?a=1&b=2" title="this & that">Terms & {rows} & {total} m&sup3;</a>;
}
"""
    write(tmp_path, {"src/page.tsx": source})
    result = run("scan", tmp_path, "--select", "sequential-await", "--exit-zero", "--format", "concise")
    assert result.stderr == ""
    assert result.stdout.startswith("src/page.tsx:6:17: ")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pyproject_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(project(tmp_path) / "pyproject.toml")
    assert problems(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (r'baseline = "a\u0000b"', "baseline: a\N{REPLACEMENT CHARACTER}b leaves the project (--baseline may)"),
        (r'rules = ["a\u0000b"]', "rules: a\N{REPLACEMENT CHARACTER}b leaves the project"),
        (r'exclude = ["[z-a]"]', "[z-a]: bad character range z-a at position 10"),
        (
            r'"a\u001b[31m\nb" = 1',
            "Object contains unknown field `a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b`",
        ),
    ],
)
def test_settings_that_nobody_would_write(tmp_path: Path, text: str, line: str) -> None:
    write(project(tmp_path), {"slowpath.toml": text})
    outcome = run("scan", tmp_path)
    assert outcome.returncode == 2
    assert len(outcome.stderr.splitlines()) == 1 and f"slowpath.toml: {line}" in outcome.stderr


def test_patterns_that_match_nothing(tmp_path: Path) -> None:
    """Of .gitignore, without git to read it, and of .gitattributes."""
    write(project(tmp_path), {".gitignore": "[z-a]\nsrc/Sh*\n", ".gitattributes": "[z-a] linguist-generated\n"})
    assert [finding["path"] for finding in scan(tmp_path)["findings"]] == ["src/Basket.tsx"]
    assert run("init", "--dry-run", tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["slowpath-baseline.json", "own.json"])
def test_a_baseline_that_links_to_itself(tmp_path: Path, name: str) -> None:
    write(project(tmp_path), {"slowpath.toml": 'baseline = "own.json"' if name == "own.json" else ""})
    (tmp_path / name).symlink_to(name)
    for arguments in ([], ["--write-baseline"]):
        outcome = run("scan", tmp_path, *arguments)
        assert outcome.returncode == 2 and outcome.stderr == f"slowpath: {tmp_path / name}: no such baseline\n"


def test_settings_that_link_to_themselves(tmp_path: Path) -> None:
    (project(tmp_path) / "slowpath.toml").symlink_to("slowpath.toml")
    outcome = run("init", "--no-scan", tmp_path)
    assert outcome.returncode == 2 and outcome.stderr == "slowpath: slowpath.toml: is there already, left alone\n"
