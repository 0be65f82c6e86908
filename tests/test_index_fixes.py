"""The files of the migration that a missing index is mended with: layout, version, dialect, names."""

from __future__ import annotations

from pathlib import Path

import databases
import postgres
import pytest
import replay
from index_fixes import outcomes, proposed
from surface import scan, write

QUERY = 'sqlx::query(r#"SELECT 1 FROM {table} WHERE {column} = $1"#).bind(a).fetch_one(pool).await'
CODE = "pub async fn find(pool: &Pool, a: &str) {{ " + QUERY + ".unwrap(); }}\n"
LOCK = '[[package]]\nname = "{crate}"\nversion = "{version}"\n'
START = "CREATE TABLE pens (id BIGSERIAL PRIMARY KEY, code TEXT NOT NULL);\n"
UP, DOWN = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS pens_code_idx ON pens (code);\n",
    "DROP INDEX CONCURRENTLY IF EXISTS pens_code_idx;\n",
)
ALONE = "-- no-transaction\n"


def fix(root: Path, files: dict[str, str], table: str = "pens", column: str = "code") -> dict[str, str]:
    """The files that the one finding's fix creates, by path."""
    write(root, {"src/lib.rs": CODE.format(table=table, column=column), **files})
    (finding,) = scan(root, "--select", "missing-index")["findings"]
    assert finding["fix"] is not None and not finding["fix"]["safe"]
    edits = finding["fix"]["edits"]
    assert all((edit["start"], edit["end"]) == (0, 0) and not (root / edit["path"]).exists() for edit in edits)
    return {edit["path"]: edit["text"] for edit in edits}


@pytest.mark.parametrize(
    ("files", "created"),
    [
        pytest.param(
            {"migrations/2024-12-31-235959_start/up.sql": START},
            {
                "migrations/2025-01-01-000001_add_pens_code_idx/up.sql": UP,
                "migrations/2025-01-01-000001_add_pens_code_idx/down.sql": DOWN,
                "migrations/2025-01-01-000001_add_pens_code_idx/metadata.toml": "run_in_transaction = false\n",
            },
            id="Diesel",
        ),
        pytest.param(
            {
                "migrations/2024-12-31-235959_start/up.sql": START,
                "Cargo.lock": LOCK.format(crate="diesel_migrations", version="1.4.0"),
            },
            {
                "migrations/2025-01-01-000001_add_pens_code_idx/up.sql": UP.replace("CONCURRENTLY ", ""),
                "migrations/2025-01-01-000001_add_pens_code_idx/down.sql": DOWN.replace("CONCURRENTLY ", ""),
            },
            id="a Diesel that knows transactions only",
        ),
        pytest.param(
            {"db/migrations/0009_start.sql": START, "db/migrations/README.md": ""},
            {"db/migrations/0011_add_pens_code_idx.sql": ALONE + UP},
            id="sqlx",
        ),
        pytest.param(
            {"migrations/9_start.up.sql": START, "migrations/9_start.down.sql": "DROP TABLE pens;"},
            {
                "migrations/11_add_pens_code_idx.up.sql": ALONE + UP,
                "migrations/11_add_pens_code_idx.down.sql": ALONE + DOWN,
            },
            id="sqlx, with a way back",
        ),
        pytest.param(
            {
                "migrations/1_start.sql": START,
                "Cargo.lock": LOCK.format(crate="sqlx", version="0.7.4"),
            },
            {"migrations/3_add_pens_code_idx.sql": UP.replace("CONCURRENTLY ", "")},
            id="an sqlx that knows transactions only",
        ),
        pytest.param(
            {"migrations/1_start.sql": "CREATE TABLE pens (id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT);"},
            {"migrations/3_add_pens_code_idx.sql": "CREATE INDEX IF NOT EXISTS pens_code_idx ON pens (code);\n"},
            id="SQLite",
        ),
        pytest.param(
            {"migrations/1_start.sql": "CREATE TABLE `Pens` (id INT PRIMARY KEY AUTO_INCREMENT, code TEXT);"},
            {"migrations/3_add_pens_code_idx.sql": "CREATE INDEX pens_code_idx ON `Pens` (code(191));\n"},
            id="MySQL",
        ),
        pytest.param(
            {"migrations/1_start.sql": "CREATE TABLE pens (id INTEGER PRIMARY KEY, code TEXT NOT NULL);"},
            {"migrations/3_add_pens_code_idx.sql": "CREATE INDEX IF NOT EXISTS pens_code_idx ON pens (code);\n"},
            id="a dialect that nothing tells",
        ),
    ],
)
def test_layouts(files: dict[str, str], created: dict[str, str], tmp_path: Path) -> None:
    assert fix(tmp_path, files) == created


@pytest.mark.parametrize(
    ("start", "table", "column", "up"),
    [
        (
            'CREATE TABLE "Pens" (id SERIAL PRIMARY KEY, "inkCode" TEXT);',
            '"Pens"',
            '"inkCode"',
            'CREATE INDEX CONCURRENTLY IF NOT EXISTS pens_inkcode_idx ON "Pens" ("inkCode");',
        ),
        (
            "CREATE SCHEMA depot; CREATE TABLE depot.pens (id SERIAL PRIMARY KEY, old INT);"
            ' ALTER TABLE depot.pens RENAME old TO "order"; ALTER TABLE depot.pens RENAME TO "group";',
            'depot."group"',
            '"order"',
            'CREATE INDEX CONCURRENTLY IF NOT EXISTS depot_group_order_idx ON depot."group" ("order");',
        ),
        (
            "CREATE TABLE pens (id SERIAL, code TEXT) PARTITION BY HASH (id);",
            "pens",
            "code",
            "CREATE INDEX IF NOT EXISTS pens_code_idx ON pens (code);",
        ),
        (
            "CREATE TABLE pens (id SERIAL PRIMARY KEY, code TEXT); CREATE INDEX pens_code_idx ON pens (lower(code));",
            "pens",
            "code",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS pens_code_idx1 ON pens (code);",
        ),
        (
            f"CREATE TABLE {'p' * 40} (id SERIAL PRIMARY KEY, {'c' * 40} TEXT);",
            "p" * 40,
            "c" * 40,
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {'p' * 29}_{'c' * 29}_idx ON {'p' * 40} ({'c' * 40});",
        ),
        (
            'CREATE TABLE "2fa" (id SERIAL PRIMARY KEY, code TEXT);',
            '"2fa"',
            "code",
            'CREATE INDEX CONCURRENTLY IF NOT EXISTS _2fa_code_idx ON "2fa" (code);',
        ),
    ],
    ids=[
        "capitals",
        "schema and reserved words",
        "partitioned",
        "a name that is taken",
        "a long name",
        "a digit first",
    ],
)
def test_names(start: str, table: str, column: str, up: str, tmp_path: Path, cluster: postgres.Cluster) -> None:
    created = fix(tmp_path, {"migrations/1_start.sql": start}, table, column)
    ((path, text),) = created.items()
    assert text.splitlines()[-1] == up
    ((_, catalogue),) = replay.catalogues(tmp_path)
    found = outcomes(tmp_path, proposed(tmp_path), catalogue, cluster.database())
    assert [(outcome.migration, outcome.failure) for outcome in found] == [(path, "")]


def test_sqlite_takes_it(tmp_path: Path) -> None:
    start = 'CREATE TABLE "Pens" (id INTEGER PRIMARY KEY AUTOINCREMENT, "ink code" TEXT);'
    created = fix(tmp_path, {"migrations/1_start.up.sql": start}, '"Pens"', '"ink code"')
    ((_, catalogue),) = replay.catalogues(tmp_path)
    (outcome,) = outcomes(tmp_path, proposed(tmp_path), catalogue, databases.Sqlite())
    assert not outcome.failure and outcome.migration in created and len(created) == 2


def test_one_index_for_what_the_queries_share(tmp_path: Path) -> None:
    start = "CREATE TABLE pens (id SERIAL PRIMARY KEY, box_nr INT, colour TEXT, worn BOOLEAN, made_at TIMESTAMPTZ);"
    code = """pub async fn work(pool: &PgPool) {
    sqlx::query("SELECT * FROM pens WHERE box_nr = $1 AND colour = $2 AND NOT worn ORDER BY made_at DESC LIMIT 9");
    sqlx::query("SELECT * FROM pens WHERE made_at > $3 AND colour = $2 AND box_nr = $1");
}
"""
    write(tmp_path, {"migrations/1_start.sql": start, "src/lib.rs": code})
    messages = [finding["message"] for finding in scan(tmp_path, "--select", "missing-index")["findings"]]
    assert [message.partition(": `")[2] for message in messages] == [
        "CREATE INDEX pens_box_nr_colour_made_at_idx ON pens (box_nr, colour, made_at);`"
    ]


def test_proposals_of_one_scan_have_versions_of_their_own(tmp_path: Path) -> None:
    tables = "CREATE TABLE boxes (id SERIAL PRIMARY KEY);\n" + "".join(
        f"CREATE TABLE t{n} (id SERIAL PRIMARY KEY, code TEXT, box_id INT REFERENCES boxes);\n" for n in range(3)
    )
    queries = "".join(
        f'    sqlx::query("SELECT 1 FROM t{n} WHERE {column} = $1");\n'
        for n in range(3)
        for column in ("code", "box_id")
    )
    write(tmp_path, {"migrations/7_start.sql": tables, "src/lib.rs": f"pub async fn work() {{\n{queries}}}\n"})
    findings = scan(tmp_path, "--select", "missing-index,foreign-key-without-index")["findings"]
    paths = [edit["path"] for finding in findings for edit in finding["fix"]["edits"]]
    assert sorted(int(path.split("/")[1].partition("_")[0]) for path in paths) == list(range(8, 14))
