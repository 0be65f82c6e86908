"""`measure schema` on real databases: what agrees is quiet, what was changed by hand is named with the side behind."""

from __future__ import annotations

import random
import shutil
from hashlib import sha384
from pathlib import Path

import drift
import postgres
import psycopg
import pytest
import replay
import three_ways
from click.testing import CliRunner, Result
from surface import write

from slowpath import parts
from slowpath.commands import measure_schema
from slowpath.model.evidence import SchemaPart
from slowpath.runtime import baseline, baseline_sql, schema_dump

ROOT = Path(__file__).parents[1]
START = """
CREATE TABLE boxes (id SERIAL PRIMARY KEY, label TEXT NOT NULL, size VARCHAR(20), CHECK (size <> ''));
CREATE TABLE pens (id SERIAL PRIMARY KEY, box_id INTEGER NOT NULL REFERENCES boxes (id) ON DELETE CASCADE, ink TEXT);
CREATE INDEX pens_box ON pens (box_id);
CREATE INDEX pens_ink ON pens (lower(ink)) WHERE ink IS NOT NULL;
CREATE UNIQUE INDEX boxes_label ON boxes (label);
"""
LATER = "ALTER TABLE pens ADD COLUMN worn BOOLEAN NOT NULL DEFAULT false; CREATE TABLE caps (id SERIAL PRIMARY KEY);"
RUST = """
diesel::table! { boxes (id) { id -> Int4, label -> Text, size -> Nullable<Varchar>, } }
diesel::table! { pens (id) { id -> Int4, box_id -> Int4, ink -> Nullable<Text>, } }
"""
MANIFEST = """[package]
name = "pens"
version = "0.1.0"
[dependencies]
diesel = { version = "2", features = ["postgres"] }
"""
BOOK = "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY, run_on TIMESTAMP DEFAULT now());"


def project(folder: Path, rust: str = RUST, **migrations: str) -> Path:
    """A package whose migrations are named by their version."""
    files = {f"migrations/{version.strip('_')}_change/up.sql": text for version, text in migrations.items()}
    return write(
        folder / "project", files | {"src/main.rs": "mod schema;\nfn main() {}\n", "src/schema.rs": rust} | PACKAGE
    )


PACKAGE = {"Cargo.toml": MANIFEST, "slowpath.toml": ""}


def measured(root: Path, database: postgres.Postgres, *options: str, env: dict[str, str] | None = None) -> Result:
    words = [str(root), "-o", str(root.parent / "schema.json"), *options]
    given = {"DATABASE_URL": database.address} | (env or {})
    return CliRunner().invoke(measure_schema.command, words, env=given, catch_exceptions=False)


def part(root: Path, database: postgres.Postgres, *options: str) -> SchemaPart:
    done = measured(root, database, *options)
    assert done.exit_code == 0, done.output
    return parts.read_as(root.parent / "schema.json", SchemaPart)


def named(found: SchemaPart) -> dict[str, str]:
    """What differs, and how: (database, code, migrations)."""
    return {
        f"{each.what} {each.name}": f"{each.database} | {each.code} | {each.migrations}" for each in found.differences
    }


@pytest.mark.parametrize("name", ["fixtures/shop", "fixtures/board", "fixtures/depot", "tests/replay"])
def test_three_ways_agree_but_for_the_drift_that_is_seeded(name: str, cluster: postgres.Cluster) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on PATH")
    (found,) = three_ways.outcomes(ROOT / name, cluster)
    expected = {"nullable orders.note": "NOT NULL | can be NULL | NOT NULL"} if name == "fixtures/shop" else {}
    assert not found.refused and len(found.live.indexes) > 1
    assert named(found.live) == named(found.dump) == expected


def test_what_was_done_by_hand_is_named(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, _1=START), cluster.database()
    database.ask(f"{BOOK} {START} INSERT INTO __diesel_schema_migrations VALUES ('1')")
    assert named(part(root, database)) == {}

    database.ask("""
        DROP INDEX pens_box; CREATE INDEX pens_both ON pens (box_id, ink);
        ALTER INDEX boxes_label RENAME TO boxes_title; ALTER TABLE boxes ALTER size TYPE VARCHAR(40);
        ALTER TABLE boxes ALTER label DROP NOT NULL; ALTER TABLE pens ADD COLUMN cap TEXT;
        ALTER TABLE pens DROP CONSTRAINT pens_box_id_fkey; CREATE TABLE notes (id INT); DROP TABLE IF EXISTS nothing;
        ALTER TABLE boxes DROP CONSTRAINT boxes_size_check; CREATE SCHEMA audit; CREATE TABLE audit.log (id INT);""")
    found = part(root, database)
    assert named(found) == {
        "constraint boxes.boxes_check": "missing | unknown | check (size <> '')",
        "nullable boxes.label": "can be NULL | NOT NULL | NOT NULL",
        "type boxes.size": "character varying(40) | Nullable<Varchar> | character varying(20)",
        "index boxes.boxes_title": "unique boxes_title (label) | unknown | there as boxes_label",
        "column pens.cap": "there | missing | missing",
        "index pens.pens_box": "missing | unknown | pens_box (box_id)",
        "index pens.pens_both": "pens_both (box_id, ink) | unknown | missing",
        "constraint pens.pens_box_id_fkey": "missing | unknown | foreign key (box_id) to boxes on delete cascade",
        "table notes": "there | unknown | missing",
    }
    places = {each.name: (each.path, each.line) for each in found.differences}
    assert places["pens.pens_box"] == ("migrations/1_change/up.sql", 4)
    assert places["boxes.label"][0] == "migrations/1_change/up.sql"
    assert found.indexes["pens"] == (
        "pens_pkey (id)", "pens_ink (lower(ink)) where (ink IS NOT NULL)", "pens_both (box_id, ink)",
    )  # fmt: skip
    assert "schema audit: not compared" in measured(root, database).output


def test_changes_by_hand_are_all_found(cluster: postgres.Cluster) -> None:
    made = list(drift.study(ROOT / "fixtures/shop", cluster, 60, random.Random(3)))
    assert len(made) > 40 and len({change.kind for change, _ in made}) > 9
    assert [change.sql for change, hit in made if hit is False] == []
    assert {change.table for change, hit in made if hit is None} <= {"order_archive"}


def test_an_index_that_no_query_uses_is_said(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, _1=START), cluster.database()
    database.ask(START)
    database.ask("INSERT INTO boxes (label, size) VALUES ('a', 'same'), ('b', 'same')")
    with pytest.raises(Exception, match="could not create unique index"):
        database.ask("CREATE UNIQUE INDEX CONCURRENTLY boxes_size ON boxes (size)")
    (found,) = (each for each in part(root, database).differences if each.database == "not valid")
    assert found.name == "boxes.boxes_size" and "REINDEX INDEX CONCURRENTLY boxes_size" in found.message


def test_migrations_that_have_yet_to_run_are_said_once(cluster: postgres.Cluster, tmp_path: Path) -> None:
    rust = RUST.replace("ink -> Nullable<Text>,", "ink -> Nullable<Text>, worn -> Bool,")
    root, database = project(tmp_path, rust, _1=START, _2=LATER), cluster.database()
    database.ask(f"{BOOK} {START} INSERT INTO __diesel_schema_migrations VALUES ('1'), ('9')")
    found = part(root, database)
    assert named(found) == {}
    told = [remark.message for remark in found.remarks if remark.level == "warning"]
    assert told[0] == "1 migration has yet to run here: 2_change"
    assert told[1].startswith("the database ran migrations that the project does not have, versions 9")

    database.ask("CREATE TABLE caps (id SERIAL PRIMARY KEY)")
    early = part(root, database)
    assert named(early) == {}
    assert any("caps: a migration that has yet to run makes it" in remark.message for remark in early.remarks)


def test_an_empty_database_lacks_migrations_not_tables(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root = project(tmp_path, _1=START, _2=LATER)
    found = part(root, cluster.database())
    assert named(found) == {}
    assert [remark.message for remark in found.remarks] == ["2 migrations have yet to run here: 1_change, 2_change"]


def test_sqlx_notes_what_ran(cluster: postgres.Cluster, tmp_path: Path) -> None:
    files = {"migrations/0001_start.sql": START, "migrations/0002_later.sql": LATER} | PACKAGE
    root, database = write(tmp_path / "project", files), cluster.database()
    database.ask(f"CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, success BOOLEAN NOT NULL); {START}")
    database.ask("INSERT INTO _sqlx_migrations VALUES (1, true), (2, false)")
    found = part(root, database)
    assert named(found) == {} and found.compared == ("database", "migrations")
    assert [remark.level for remark in found.remarks] == ["warning", "error"]
    assert "0002_later.sql" in found.remarks[0].message and "did not finish" in found.remarks[1].message

    database.ask("ALTER TABLE _sqlx_migrations ADD COLUMN checksum BYTEA")
    kept = sha384(START.encode()).hexdigest()
    database.ask(f"UPDATE _sqlx_migrations SET checksum = decode('{kept}', 'hex'), success = true")
    database.ask(LATER)
    assert part(root, database).remarks[0].message == "changed after they ran here: 0002_later.sql"


@pytest.mark.parametrize(
    ("rust", "what", "side"),
    [
        (RUST.replace("ink -> Nullable<Text>", "ink -> Text"), "nullable pens.ink", "schema.rs is behind"),
        (RUST.replace("label -> Text", "label -> Int4"), "type boxes.label", "schema.rs is behind"),
        (RUST.replace("label -> Text", "title -> Text"), "column boxes.title", "schema.rs is behind"),
        (
            RUST.replace("ink -> Nullable<Text>,", "ink -> Nullable<Text>, cap -> Nullable<Text>,"),
            "column pens.cap",
            "",
        ),
    ],
)
def test_the_side_that_is_behind(rust: str, what: str, side: str, cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, rust, _1=START), cluster.database()
    database.ask(START)
    if not side:
        database.ask("ALTER TABLE pens ADD COLUMN cap TEXT")
        side = "The migrations are behind: add one that does what was done to the database by hand"
    found = {f"{each.what} {each.name}": each.message for each in part(root, database).differences}
    assert side in found[what], found


TYPES = """
CREATE TYPE "Mood" AS ENUM ('calm'); CREATE DOMAIN sku AS VARCHAR(9) NOT NULL; CREATE SCHEMA side;
CREATE TYPE side.kind AS ENUM ('one');
CREATE TABLE "Kinds" ("Id" BIGSERIAL PRIMARY KEY, a INT2, b INT, c INT8, d SMALLSERIAL, e FLOAT, f
  FLOAT(24), g FLOAT(53), h REAL, i FLOAT4, j DOUBLE PRECISION, k DECIMAL(10, 2), l NUMERIC(5), m DEC, n
  VARCHAR, o CHARACTER VARYING(20), p CHAR, q CHAR(3), r BPCHAR, s TEXT[], t INT[][], u TIMESTAMP, v
  TIMESTAMPTZ(3), w TIMESTAMP(0) WITH TIME ZONE, x TIME, y TIMETZ, z TIME(3) WITHOUT TIME ZONE, aa INTERVAL,
  ab BIT(3), ac VARBIT, ad BIT VARYING(4), ae BOOL, af BYTEA, ag JSON, ah JSONB, ai UUID, aj INET, ak "Mood",
  al sku, am side.kind, an "char", ao NATIONAL CHARACTER VARYING(5), ap CHAR VARYING(6), aq XML, ar MONEY, at_
  TSVECTOR, au INT4RANGE, av POINT, aw VARCHAR(3) [], ax "Mood"[], ay INTERVAL DAY TO SECOND(2), az CHARACTER,
  ba NUMERIC, bb INT GENERATED BY DEFAULT AS IDENTITY, bc OID, bd NAME);
"""


def test_types_are_the_same_however_they_are_written(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, "", _1=TYPES), cluster.database()
    database.ask(TYPES)
    assert named(part(root, database)) == {}
    assert len(part(root, database).indexes) == 1


def test_the_schema_that_is_searched_first_is_left_out(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, _1=START), cluster.database()
    database.ask(f"CREATE SCHEMA app; SET search_path = app; {START}")
    database.address += " options='-c search_path=app'"
    assert named(part(root, database)) == {}
    assert set(part(root, database).indexes) == {"boxes", "pens"}


def test_a_table_of_versions_that_may_not_be_read(cluster: postgres.Cluster, tmp_path: Path) -> None:
    rust = RUST.replace("ink -> Nullable<Text>,", "ink -> Nullable<Text>, worn -> Bool,")
    root, database = project(tmp_path, rust, _1=START, _2=LATER), cluster.database()
    database.ask(f"{BOOK} {START} {LATER}")
    database.ask("CREATE ROLE guest LOGIN")
    database.address = database.address.replace("user=postgres", "user=guest")
    found = part(root, database)
    assert named(found) == {}
    assert any("may not read __diesel_schema_migrations" in remark.message for remark in found.remarks)


def test_many_tables_of_others_are_one_line(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path, _1=START), cluster.database()
    database.ask(START + "".join(f"CREATE TABLE other_{n} (id INT);" for n in range(30)))
    done = measured(root, database)
    assert "30 tables that no migration makes: other_0, other_1" in done.output and done.output.count("\n") < 6


@pytest.mark.parametrize("by", ["pg_dump", "catalogue"])
def test_the_baseline_builds_an_equal_database(
    by: str, cluster: postgres.Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not on PATH")
    root, database = project(tmp_path), cluster.database()
    replay.run(database, ROOT / "tests/replay", next(replay.catalogues(ROOT / "tests/replay"))[1].migrations)
    database.ask(f"{HARD} {BOOK}")
    with monkeypatch.context() as patched:
        if by == "catalogue":
            patched.setattr(baseline, "on_path", lambda name: None)
        found = part(root, database, "--baseline", str(root / "migrations"))
    up = Path(found.baseline)
    assert up == root / "migrations/00000000000000_baseline/up.sql"
    assert any("INSERT INTO __diesel_schema_migrations" in remark.instead for remark in found.remarks)

    again = cluster.database()
    again.file(up)
    assert again.ask("SHOW search_path").strip() == '"$user", public'
    assert dumped(again) == dumped(database)
    again.file(up.with_name("down.sql"))
    assert again.ask("SELECT count(*) FROM pg_class WHERE relnamespace >= 16384 OR relnamespace = 2200").strip() == "0"
    database.ask("INSERT INTO __diesel_schema_migrations (version) VALUES ('00000000000000')")
    assert named(part(root, database)) == {}, "now the project has a migration, and it is the database"

    refused = measured(root, database, "--baseline", str(root / "migrations"))
    assert refused.exit_code == 2 and "the project has migrations" in refused.output


HARD = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TYPE colour AS ENUM ('red', 'it''s'); CREATE DOMAIN short AS VARCHAR(8) NOT NULL DEFAULT '' CHECK (VALUE <> 'x');
CREATE TYPE place AS (x INT, y INT);
CREATE SCHEMA "Odd"; CREATE TABLE "Odd"."Table" ("Key" BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tint colour,
  code short, at place, double INT GENERATED ALWAYS AS (1 + 1) STORED, name TEXT COLLATE "C");
CREATE INDEX ON "Odd"."Table" USING gin (name gin_trgm_ops);
CREATE FUNCTION twice(value INT) RETURNS INT LANGUAGE sql IMMUTABLE AS $$
-- Name: not a header
SELECT value * 2 $$;
CREATE FUNCTION keyed(given "Odd"."Table") RETURNS BIGINT LANGUAGE sql AS 'SELECT given."Key"';
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON "Odd"."Table" FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TABLE parted (id INT NOT NULL DEFAULT twice(1), day DATE NOT NULL, PRIMARY KEY (id, day))
  PARTITION BY RANGE (day);
CREATE TABLE parted_new PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
CREATE INDEX parted_day ON parted (day);
CREATE MATERIALIZED VIEW seen AS SELECT "Key" FROM "Odd"."Table"; CREATE UNIQUE INDEX seen_key ON seen ("Key");
CREATE SEQUENCE free INCREMENT 5 START 10; CREATE STATISTICS both_of ON id, day FROM parted;
"""


def dumped(database: postgres.Postgres) -> str:
    """The schema as pg_dump writes it, without what differs from run to run."""
    text, _ = baseline._dumped(database.address)
    return "\n".join(sorted(text.split("\n\n")))


def test_a_baseline_overwrites_nothing(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root, database = project(tmp_path), cluster.database()
    database.ask(START)
    kept = write(tmp_path, {"base/00000000000000_mine/up.sql": "-- mine"}) / "base"
    done = measured(root, database, "--baseline", str(kept))
    assert done.exit_code == 2 and "00000000000000_mine is there already" in done.output
    assert not (root.parent / "schema.json").exists()
    assert [path.read_text() for path in kept.rglob("*.sql")] == ["-- mine"]


def test_what_the_catalogue_cannot_tell_is_said(cluster: postgres.Cluster) -> None:
    database = cluster.database()
    database.ask("CREATE TABLE a (id INT); ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a USING (true)")
    with psycopg.connect(database.address) as connection:
        assert baseline_sql.up(connection)[1] == ["row policies"]


def test_a_dump_with_rows_says_what_ran(cluster: postgres.Cluster, tmp_path: Path) -> None:
    root = project(tmp_path, _1=START, _2=LATER)
    text = (
        f"\\restrict abc\nSET x = 1;\n{START}\nCOPY public.pens (id, ink) FROM stdin;\n1\tCREATE TABLE no (id INT);\n"
        "\\.\n"
        "COPY public.__diesel_schema_migrations (version, run_on) FROM stdin;\n1\t2025-01-01\n\\.\n\\unrestrict abc\n"
    )
    dump = write(tmp_path, {"dump.sql": text}) / "dump.sql"
    words = [str(root), "-o", str(tmp_path / "schema.json"), "--dump", str(dump)]
    done = CliRunner().invoke(measure_schema.command, words)
    assert done.exit_code == 0 and "no difference" in done.output and "2_change" in done.output, done.output


def test_a_dump_that_is_cut_off(tmp_path: Path) -> None:
    root = project(tmp_path, _1=START)
    head = "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.8\n"
    write(tmp_path, {"dump.sql": head + START.partition("CREATE TABLE pens")[0] + "CREATE TABLE pens (id INTEG"})
    words = [str(root), "-o", str(tmp_path / "schema.json"), "--dump", str(tmp_path / "dump.sql")]
    done = CliRunner().invoke(measure_schema.command, words)
    found = parts.read_as(tmp_path / "schema.json", SchemaPart)
    assert "error: dump.sql: it is cut off" in done.output and not found.complete and found.server == "15.8"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"PGDMP\x01\x0e", "pg_dump's own format"),
        (b"", "no statement in it makes a table"),
        (b"\xff\xfe\0\0", "no statement in it makes a table"),
        (b"SELECT 1;", "no statement in it makes a table"),
    ],
)
def test_what_is_no_dump(text: bytes, told: str) -> None:
    with pytest.raises(schema_dump.DumpError, match=told):
        schema_dump.read(text)


def test_no_connection_is_one_line_without_the_address(tmp_path: Path) -> None:
    root = project(tmp_path, _1=START)
    words = [str(root), "-o", str(tmp_path / "schema.json")]
    address = "postgres://me:secret-word@127.0.0.1:1/orders"
    done = CliRunner().invoke(measure_schema.command, words, env={"DATABASE_URL": address})
    assert done.exit_code == 2 and done.output.count("\n") == 1
    assert "secret-word" not in done.output and "orders" not in done.output
    assert CliRunner().invoke(measure_schema.command, words, env={"DATABASE_URL": ""}).exit_code == 2


def test_which_of_several_is_asked_for(cluster: postgres.Cluster, tmp_path: Path) -> None:
    files = {"a/migrations/1_x/up.sql": START, "b/migrations/1_x/up.sql": LATER.partition(";")[2], "slowpath.toml": ""}
    root, database = write(tmp_path / "project", files), cluster.database()
    done = measured(root, database)
    assert done.exit_code == 2 and "--migrations: a/migrations, b/migrations" in done.output
    database.ask(START)
    assert named(part(root, database)) == {}
    other = part(root, database, "--migrations", "b/migrations")
    assert named(other) == {} and "1 migration has yet to run here: 1_x" in other.remarks[0].message
