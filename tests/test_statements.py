"""What PostgreSQL counts, read from a real server: snapshots, their difference, and a session that can only read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import postgres
import pytest
from click.testing import CliRunner

from slowpath import parts
from slowpath.cli import cli
from slowpath.model.evidence import QueriesPart
from slowpath.runtime import statements
from slowpath.runtime.database import DatabaseError
from slowpath.runtime.targets import TargetError

psycopg = pytest.importorskip("psycopg")
SECRET = "s3cr3t"


@pytest.fixture
def shop(watched: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a database with orders, named by DATABASE_URL."""
    name = watched.database().ask("SELECT current_database()").strip()
    address = f"host={watched.socket} user=postgres dbname={name}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("CREATE TABLE customers (id int PRIMARY KEY, email text)")
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, note text)")
        connection.execute("CREATE INDEX orders_note ON orders (lower(note), id)")
    monkeypatch.setenv("DATABASE_URL", address)
    yield address


def test_what_ran_between_two_snapshots(shop: str) -> None:
    with statements.connect("DATABASE_URL") as ours, psycopg.connect(shop, autocommit=True) as app:
        app.execute("SELECT count(*) FROM orders")
        before = statements.snapshot(ours)
        for number in range(7):
            app.execute("SELECT o.note FROM orders o WHERE o.customer_id = %s LIMIT 5", (number,))
        app.execute(f"SET application_name = '{SECRET}'")
        app.execute("SELECT pg_stat_force_next_flush()")
        after = statements.snapshot(ours)
    found = {each.text: each for each in statements.difference(before, after)}
    (own,) = (each for text, each in found.items() if "customer_id" in text)
    assert (own.calls, own.source, own.shape.tables, own.shape.limited) == (7, "pg_stat_statements", ("orders",), True)
    assert own.shape.filters == ("orders.customer_id",)
    assert not any("count(*)" in text or "pg_stat_user_tables" in text for text in found), found
    assert SECRET not in str((before, after))
    assert not before.remarks and after.version >= 130000 and after.database


def test_indexes_and_foreign_keys(shop: str) -> None:
    with statements.connect("DATABASE_URL") as ours:
        now = statements.snapshot(ours)
    own = {index.name: index.columns for index in now.indexes}
    assert own == {"customers_pkey": ("id",), "orders_note": ("lower(note)", "id"), "orders_pkey": ("id",)}
    assert [(key.table, key.columns, key.target) for key in now.foreign_keys] == [
        ("orders", ("customer_id",), "customers")
    ]


def test_session_cannot_write(shop: str) -> None:
    with statements.connect("DATABASE_URL") as ours:
        assert ours.execute("SHOW application_name").fetchone() == ("slowpath",)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            ours.execute("DELETE FROM orders")


def test_reset_is_told(shop: str) -> None:
    with statements.connect("DATABASE_URL") as ours, psycopg.connect(shop, autocommit=True) as app:
        before = statements.snapshot(ours)
        app.execute("SELECT pg_stat_statements_reset()")
        app.execute("SELECT 1 FROM orders")
        after = statements.snapshot(ours)
    assert any("reset" in remark.message for remark in statements.compare_remarks(before, after))
    assert [each.calls for each in statements.difference(before, after) if "FROM orders" in each.text] == [1]


def test_without_the_extension(watched: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    name = watched.database().ask("SELECT current_database()").strip()
    monkeypatch.setenv("DATABASE_URL", f"host={watched.socket} user=postgres dbname={name}")
    with statements.connect("DATABASE_URL") as ours:
        now = statements.snapshot(ours)
    assert now.statements is None
    assert [(remark.about, "CREATE EXTENSION" in remark.instead) for remark in now.remarks] == [
        ("pg_stat_statements", True)
    ]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"postgres://u:{SECRET}@127.0.0.1:1/d", "nothing listens there"),
        (f"postgres//u:{SECRET}@127.0.0.1", "no connection string"),
        (f"postgres://u:{SECRET}@127.0.0.1:port/d", "no connection string|no connection"),
        (f"host=/nowhere password={SECRET}", "nothing listens there"),
        ("", "is not set"),
    ],
)
def test_no_address_in_an_error(address: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", address)
    with pytest.raises(DatabaseError, match=told) as caught:
        statements.connect("DATABASE_URL")
    assert SECRET not in str(caught.value) and "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("key", ["host", "hostaddr"])
def test_public_address_needs_the_owners_word(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{key}=192.88.99.1 password={SECRET} dbname=d")
    with pytest.raises(TargetError) as caught:
        statements.connect("DATABASE_URL")
    assert SECRET not in str(caught.value)
    monkeypatch.setenv("PGHOST", "192.88.99.1")
    monkeypatch.setenv("DATABASE_URL", "dbname=d")
    with pytest.raises(TargetError):
        statements.connect("DATABASE_URL")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("hostaddr=127.0.0.1, host=localhost,192.88.99.1 port=1,1", "public address"),
        ("host=localhost,192.88.99.1 port=1,1", "public address"),
        ("service=far", "names a service"),
    ],
)
def test_each_of_several_hosts_is_looked_at_before_one_is_asked(
    address: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "services").write_text("[far]\nhost=192.88.99.1\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("DATABASE_URL", f"{address} password={SECRET} connect_timeout=2")
    with pytest.raises((TargetError, DatabaseError), match=told):
        statements.connect("DATABASE_URL")
    monkeypatch.setenv("PGSERVICE", "far")
    monkeypatch.setenv("DATABASE_URL", f"password={SECRET} connect_timeout=2")
    with pytest.raises(TargetError):
        statements.connect("DATABASE_URL")


def test_no_value_of_a_real_log_survives(watched: postgres.Cluster, shop: str, tmp_path: Path) -> None:
    """Bind values are in this log, and literals in the plans of the first executions."""
    with statements.connect("DATABASE_URL") as ours, psycopg.connect(shop, autocommit=True) as app:
        app.execute("INSERT INTO orders (id, note) SELECT g, 'n' || g FROM generate_series(1, 100000) g")
        before = statements.snapshot(ours)
        app.execute("SET log_parameter_max_length = -1")
        app.execute(f"SET application_name = '{SECRET}'")
        asked = "SELECT id FROM orders WHERE note = %s AND id <> ALL (%s) ORDER BY note || %s"
        for number in range(8):
            app.execute(asked, (f"{SECRET}{number}", [918273645], SECRET), prepare=True)
            app.execute(f"SELECT id FROM orders WHERE note = '{SECRET}{number}' /* {SECRET} */ -- {SECRET}")
            app.execute(f"SELECT count(*) FROM orders WHERE note IN ($${SECRET}$$, E'\\'{SECRET}', '{SECRET}')")
        with pytest.raises(psycopg.Error):
            app.execute("SELECT %s::int", (SECRET,))
        app.execute(f"CREATE ROLE r{before.time:.0f} PASSWORD '{SECRET}'")
        after = statements.snapshot(ours)
    for name, snapshot in (("before", before), ("after", after)):
        parts.write(tmp_path / f"{name}.json", snapshot)
    for ending in ("json", "csv"):
        log, written = watched.socket / f"data/log/server.{ending}", tmp_path / "queries.json"
        assert SECRET in log.read_text()
        snapshots = ["--before", str(tmp_path / "before.json"), "--after", str(tmp_path / "after.json")]
        outcome = CliRunner().invoke(cli, ["measure", "queries", "--log", str(log), *snapshots, "-o", str(written)])
        assert outcome.exit_code == 0 and "holds bind values" in outcome.output, outcome.output
        part = parts.read_as(written, QueriesPart)
        assert [(scan.table, scan.columns) for scan in part.scans] == [("orders", ("note",))] * 3
        for text in (outcome.output, written.read_text(), (tmp_path / "after.json").read_text()):
            assert SECRET not in text and "918273645" not in text
