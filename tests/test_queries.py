"""What PostgreSQL was asked, from the logs of a real server whose client behaves as Diesel does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import postgres
import pytest
from click.testing import CliRunner
from diesel_like import BY_ID, CHILDREN, PARENTS, Pooled

from slowpath import parts
from slowpath.cli import cli
from slowpath.commands import measure_queries
from slowpath.model.evidence import Figures, LoadPart, LoadStep, QueriesPart, Tick
from slowpath.model.snapshot import Snapshot
from slowpath.runtime import queries, statements

psycopg = pytest.importorskip("psycopg")


class Recorded(NamedTuple):
    folder: Path
    before: Snapshot
    after: Snapshot
    middle: float
    """A moment at which half of the requests were answered."""

    def log(self, ending: str) -> Path:
        return self.folder / f"server.{ending}"


@pytest.fixture(scope="module")
def recorded(watched: postgres.Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    """20 requests that ask for the orders of 8 customers one by one, 20 that do not, on a table without the index."""
    name = watched.database().ask("SELECT current_database()").strip()
    address = f"host={watched.socket} user=postgres dbname={name}"
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("CREATE EXTENSION pg_stat_statements")
        owner.execute("CREATE TABLE customers (id int PRIMARY KEY, email text)")
        owner.execute("CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers, note text)")
        owner.execute("INSERT INTO customers SELECT g, 'm' || g FROM generate_series(1, 300) g")
        owner.execute("INSERT INTO orders SELECT g, g % 300 + 1, 'n' || g FROM generate_series(1, 60000) g")
        owner.execute("ANALYZE")
    patch = pytest.MonkeyPatch()
    patch.setenv("DATABASE_URL", address)
    with statements.connect("DATABASE_URL") as ours, psycopg.connect(address, autocommit=True) as raw:
        before = statements.snapshot(ours)
        app = Pooled(raw)
        middle = 0.0
        for request in range(20):
            app.checkout()
            app.run(PARENTS, request * 10, 8)
            for child in range(8):
                app.run(CHILDREN, request * 10 + child + 1)
            app.checkout()
            app.run(BY_ID, request)
            if request == 9:
                time.sleep(0.1)
                middle = time.time()
                time.sleep(0.1)
        raw.execute("SELECT pg_stat_force_next_flush()")
        after = statements.snapshot(ours)
    folder = tmp_path_factory.mktemp("log")
    for ending in ("json", "csv"):
        shutil.copy(watched.socket / "data/log" / f"server.{ending}", folder / f"server.{ending}")
    yield Recorded(folder, before, after, middle)
    patch.undo()


def found(part: QueriesPart, words: str) -> str:
    (own,) = (each.id for each in part.statements if words in each.text)
    return own


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_n_plus_one_for_each_checkout(recorded: Recorded, ending: str) -> None:
    part = queries.analyse([recorded.log(ending)], recorded.before, recorded.after, None)
    (group,) = part.groups
    assert (group.windows, group.repeats_median, group.repeats_max) == (20, 8, 8)
    assert (group.how, group.confidence) == ("ping", "high")
    assert group.statement == found(part, '"orders"') and group.first == found(part, '"id" > $1')
    assert part.sources[0] == f"{ending}log" and part.server.startswith("1")


def test_log_and_counters_are_joined_by_query_id(recorded: Recorded) -> None:
    part = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    (own,) = (each for each in part.statements if '"orders"' in each.text)
    assert (own.calls, own.rows, own.source) == (160, 160 * 200, "log")
    assert own.shape.tables == ("orders",) and own.shape.filters == ("orders.customer_id",)
    assert own.max_ms is not None and own.max_ms >= own.mean_ms > 0
    alone = {each.id: each.calls for each in statements.difference(recorded.before, recorded.after)}
    assert {each.id: each.calls for each in part.statements if each.shape.verb == "select"} == {
        name: calls for name, calls in alone.items() if name in {each.id for each in part.statements}
    }


def test_sequential_scan_with_the_index_that_lacks(recorded: Recorded) -> None:
    part = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    (scan,) = part.scans
    assert (scan.table, scan.columns, scan.rows_kept, scan.rows_removed) == ("orders", ("customer_id",), 200, 59800)
    assert scan.statement == found(part, '"orders"') and 0 < scan.executions <= 160
    assert scan.hint == (
        "customer_id is a foreign key without an index: CREATE INDEX CONCURRENTLY ON orders (customer_id)"
    )
    assert [(each.table, each.seq_scans, each.seq_rows) for each in part.tables][:1] == [("orders", 160, 9_600_000)]
    blind = queries.analyse([recorded.log("json")], None, None, None)
    assert {"is unknown" in each.hint for each in blind.scans if each.table == "orders"} == {True}


def test_both_logs_of_a_server_count_once(recorded: Recorded) -> None:
    one = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    both = queries.analyse([recorded.log("json"), recorded.log("csv")], recorded.before, recorded.after, None)
    assert both.statements == one.statements and both.groups == one.groups and both.scans == one.scans
    assert any("came twice" in remark.message for remark in both.remarks)


def test_only_what_ran_within_the_load_counts(recorded: Recorded) -> None:
    ticks = (Tick(recorded.before.time - 5, 1, 1, 0, None), Tick(recorded.middle - 2, 1, 1, 0, None))
    part = LoadPart(schema="slowpath-load/1", ticks=ticks)
    narrowed = queries.analyse([recorded.log("json")], recorded.before, recorded.after, queries.window_of(part))
    assert [group.windows for group in narrowed.groups] == [10]
    ahead = msgspec.structs.replace(part, clock_offset=3600.0)
    missed = queries.analyse([recorded.log("json")], recorded.before, recorded.after, queries.window_of(ahead))
    assert not any(each.source == "log" for each in missed.statements)
    assert [remark.level for remark in missed.remarks if "outside of the measured window" in remark.message] == [
        "error"
    ]


def test_rotated_log_in_any_order(recorded: Recorded, tmp_path: Path) -> None:
    lines = recorded.log("json").read_bytes().splitlines(keepends=True)
    older, newer = tmp_path / "2", tmp_path / "1"
    own = [at for at, line in enumerate(lines) if f'"dbname":"{recorded.before.database}"'.encode() in line]
    middle = own[len(own) // 2]  # other tests write into the same log
    older.write_bytes(b"".join(lines[:middle]))
    newer.write_bytes(b"".join(lines[middle:]))
    whole = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    cut = queries.analyse([newer, older], recorded.before, recorded.after, None)
    assert (cut.groups, cut.statements, cut.scans) == (whole.groups, whole.statements, whole.scans)
    half = queries.analyse([older], recorded.before, recorded.after, None)
    assert [remark.level for remark in half.remarks if "calls that the server counted" in remark.message] == ["warning"]
    assert not any("calls that the server counted" in remark.message for remark in whole.remarks)


def test_lines_that_a_shipper_put_out_of_order(recorded: Recorded, tmp_path: Path) -> None:
    lines = recorded.log("json").read_bytes().splitlines(keepends=True)
    for at in range(0, len(lines) - 6, 6):
        lines[at : at + 6] = reversed(lines[at : at + 6])
    mixed = tmp_path / "log"
    mixed.write_bytes(b"".join(lines))
    whole = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    again = queries.analyse([mixed], recorded.before, recorded.after, None)
    assert (again.groups, again.statements) == (whole.groups, whole.statements)


def test_log_without_query_ids_is_joined_by_text(recorded: Recorded, tmp_path: Path) -> None:
    """As PostgreSQL 13 writes it."""
    told = [json.loads(line) for line in recorded.log("json").read_text().splitlines()]
    old = tmp_path / "log"
    old.write_text("".join(json.dumps({**line, "query_id": 0}, separators=(",", ":")) + "\n" for line in told))
    whole = queries.analyse([recorded.log("json")], recorded.before, recorded.after, None)
    again = queries.analyse([old], recorded.before, recorded.after, None)
    assert again.groups == whole.groups and again.scans == whole.scans
    half = tmp_path / "half"  # some lines tell an id, some do not
    half.write_text("".join(json.dumps(line | ({"query_id": 0} if line["line_num"] % 2 else {}), separators=(",", ":"))
                            + "\n" for line in told))  # fmt: skip
    mixed = queries.analyse([half], recorded.before, recorded.after, None)
    assert {each.id: each.calls for each in mixed.statements} == {each.id: each.calls for each in whole.statements}
    blind = queries.analyse([old], None, None, None)
    assert (20, "fp:", "ping") in [(group.windows, group.statement[:3], group.how) for group in blind.groups]


@pytest.mark.parametrize(
    "prefix", ["{timestamp} [{pid}] ", "db-1  | {timestamp} [{pid}] {user}@{dbname} ", "{timestamp} {session_id} "]
)
def test_log_as_text_is_read_as_far_as_it_tells(recorded: Recorded, tmp_path: Path, prefix: str) -> None:
    told = [json.loads(line) for line in recorded.log("json").read_text().splitlines()]
    compose = prefix.partition("{")[0]
    text = tmp_path / "log"
    lines = []
    for line in told:
        start = prefix.format(**({"user": "a", "dbname": "b"} | line))
        lines.append(f"{start}LOG:  {line['message']}\n".replace("\n", f"\n{compose}\t").removesuffix(f"{compose}\t"))
    text.write_text("".join(lines))
    part = queries.analyse([text], None, None, (recorded.before.time, recorded.after.time))
    assert [(g.windows, g.repeats_median, g.how) for g in part.groups] == [(20, 8, "ping")]
    assert [(scan.table, scan.columns) for scan in part.scans] == [("orders", ("customer_id",))]
    assert part.sources == ("stderr", "auto_explain") and any("as text" in remark.message for remark in part.remarks)


def test_log_of_another_database(recorded: Recorded) -> None:
    other = msgspec.structs.replace(recorded.after, database="other")
    part = queries.analyse(
        [recorded.log("json")], msgspec.structs.replace(recorded.before, database="other"), other, None
    )
    assert not any(each.source == "log" for each in part.statements)
    assert any("are left out" in remark.message and remark.level == "warning" for remark in part.remarks)


def test_command_writes_a_part_and_says_what_to_do(recorded: Recorded, tmp_path: Path) -> None:
    for name, snapshot in (("before", recorded.before), ("after", recorded.after)):
        parts.write(tmp_path / f"{name}.json", snapshot)
    step = LoadStep(1, "smoke", recorded.before.time, recorded.after.time, Figures(1, 1.0, 1.0), "good", "")
    parts.write(tmp_path / "load.json", LoadPart(schema="slowpath-load/1", steps=(step,)))
    written = tmp_path / "queries.json"
    names = [word for name in ("before", "after", "load") for word in (f"--{name}", str(tmp_path / f"{name}.json"))]
    command = ["measure", "queries", "--log", str(recorded.log("csv")), *names, "-o", str(written)]
    outcome = CliRunner().invoke(cli, command)
    assert outcome.exit_code == 0, outcome.output
    assert "8 times (at most 8)" in outcome.output and "in 20 checkouts" in outcome.output
    assert "orders: keeps 200 of 60000 rows where (customer_id = " in outcome.output
    part = parts.read_as(written, QueriesPart)
    assert part.schema == "slowpath-queries/1" and part.started < part.finished and part.complete


def test_setup_fits_the_server(watched: postgres.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_DATABASE", f"host={watched.socket} user=postgres dbname=postgres")
    outcome = CliRunner().invoke(cli, ["measure", "queries", "--setup", "--database-env", "OWN_DATABASE"])
    assert outcome.exit_code == 0, outcome.output
    settings = {line.split(" ")[0]: line for line in outcome.output.splitlines() if " = " in line[:50]}
    assert settings["compute_query_id"].endswith("is so")
    assert (
        "now '2ms'" in settings["auto_explain.log_min_duration"]
        or "now '2'" in settings["auto_explain.log_min_duration"]
    )
    assert "DIESEL_LOG_SQL does not exist" in outcome.output and "set_default_instrumentation" in outcome.output


def test_settings_of_old_servers() -> None:
    from slowpath.runtime import queries_setup

    names = {version: queries_setup.text(version, {}) for version in (130_000, 140_000, 150_000, 160_000, 180_000)}
    assert [("jsonlog'" in text, "compute_query_id" in text) for text in names.values()] == [
        (False, False), (False, True), (True, True), (True, True), (True, True),
    ]  # fmt: skip


def test_settings_start_the_server(watched: postgres.Cluster, tmp_path: Path) -> None:
    """PostgreSQL reads what --setup prints without a complaint."""
    from slowpath.runtime import queries_setup

    version = int(watched.database().ask("SHOW server_version_num"))
    lines = [line for line in queries_setup.text(version, {}).splitlines() if line.partition(" ")[0].islower()]
    settings = [line for line in lines if " = '" in line and not line.startswith(("slowpath", "use"))]
    own = postgres.cluster(
        **{name.strip(): value.split("'")[1] for name, _, value in (s.partition("=") for s in settings)}
    )
    with own as server:
        assert server.database().ask("SHOW log_destination").strip() == ("jsonlog" if version >= 150_000 else "csvlog")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_reading_keeps_what_it_has(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    lines = recorded.log("json").read_bytes().splitlines(keepends=True)
    for name, some in (("1", lines[: len(lines) // 2]), ("2", lines[len(lines) // 2 :])):
        (tmp_path / name).write_bytes(b"".join(some))

    def progress(message: str) -> None:
        if message.endswith(" 2"):
            os.kill(os.getpid(), number)

    monkeypatch.setattr(measure_queries, "_progress", progress)
    written, before = tmp_path / "queries.json", signal.getsignal(signal.SIGTERM)
    command = ["measure", "queries", "--log", str(tmp_path / "1"), "--log", str(tmp_path / "2"), "-o", str(written)]
    outcome = CliRunner().invoke(cli, command)
    signal.signal(signal.SIGTERM, before)
    assert outcome.exit_code == 4 and "interrupted" in outcome.output, outcome.output
    part = parts.read_as(written, QueriesPart)
    assert not part.complete and part.statements
