"""Logs that are broken, hostile or full of secrets: counted, bounded, one clear line; and no value survives."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from slowpath.cli import cli
from slowpath.model.evidence import QueriesPart
from slowpath.runtime import queries
from slowpath.runtime.sql_clean import cleaned, expression, fingerprint

SECRET = "hunter2"
WAYS = [
    f"'{SECRET}'", f"'it''s {SECRET}'", f"E'a\\'{SECRET}'", f"e'\\\\{SECRET}'", f"$${SECRET}$$", f"$x$ '{SECRET}$ $x$",
    f"U&'\\0061{SECRET}'", f"N'{SECRET}'", f"B'{SECRET}'", f"X'{SECRET}'", f"/* {SECRET} */ 1", f"1 -- {SECRET}\n",
    f"/* a /* {SECRET} */ {SECRET} */ 1", f"'\\' {SECRET} '", f"'a\\'' {SECRET}'", f"E'x'\n'y\\' {SECRET}'",
    f"'{SECRET}", f"\"x' {SECRET}", f"$a$ {SECRET}", f"/* {SECRET}", f"'a'::text || '{SECRET}'", f"`{SECRET}`",
    f"ARRAY['{SECRET}','b']", f"'{{\"k\": \"{SECRET}\"}}'::jsonb ->> '{SECRET}'", f"interval '{SECRET}'",
    f"'x' /* ' */ || '{SECRET}' /* ' */", f"\"it's\" || '{SECRET}'", f"$1 || '{SECRET}$1'", f"'\n{SECRET}\n'",
    f"'\x00{SECRET}'", f"”{SECRET}”", f"\\{SECRET}\\", f"{{{SECRET}}}", f"12{SECRET}", f"1_{SECRET}", f"0x{SECRET}",
]  # fmt: skip
"""Each stands where a value stands."""
UNCLOSED = (f"'{SECRET}", f"$a$ {SECRET}")
"""A second one would close the first, and be code."""
NUMBER = 918273645


def line(number: int, message: str, **more: Any) -> dict[str, Any]:
    told = {
        "timestamp": f"2026-11-26 12:00:{number % 60:02}.{number % 1000:03} UTC", "user": "app", "dbname": "depot",
        "pid": 7, "session_id": "6a0000a0.7", "line_num": number, "ps": "SELECT",
        "session_start": "2026-11-26 11:00:00 UTC", "error_severity": "LOG", "message": message,
        "application_name": "depot", "backend_type": "client backend", "query_id": 0,
    }  # fmt: skip
    return told | more


def as_json(told: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for each in told)


def as_csv(told: list[dict[str, Any]]) -> bytes:
    """As the server writes it: texts are quoted, empty ones too where they are known to be texts."""
    lines = []
    for each in told:
        row = [""] * 26
        places = {"timestamp": 0, "user": 1, "dbname": 2, "pid": 3, "session_id": 5, "line_num": 6, "session_start": 8,
                  "message": 13, "detail": 14, "application_name": 22, "backend_type": 23, "query_id": 25}  # fmt: skip
        for name, place in places.items():
            text = str(each.get(name, ""))
            plain = name in ("timestamp", "pid", "session_id", "line_num", "session_start", "query_id") or not text
            row[place] = text if plain else '"' + text.replace('"', '""') + '"'
        lines.append(",".join(row) + "\n")
    return "".join(lines).encode()


def as_text(told: list[dict[str, Any]]) -> bytes:
    """With the prefix that a server has by default."""
    lines = []
    for each in told:
        prefix = f"{each['timestamp']} [{each['pid']}] "
        lines.append(f"{prefix}{each['error_severity']}:  {each['message']}".replace("\n", "\n\t"))
        lines += [f"{prefix}{name.upper()}:  {each[name]}" for name in ("detail", "hint", "statement") if name in each]
    return "".join(line + "\n" for line in lines).encode()


def measured(path: Path, tmp_path: Path, *more: str) -> tuple[Result, bytes]:
    """The command's outcome, and the bytes of all that it wrote."""
    written = tmp_path / "queries.json"
    outcome = CliRunner().invoke(cli, ["measure", "queries", "--log", str(path), "-o", str(written), *more])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    part = written.read_bytes() if written.exists() else b""
    return outcome, part + outcome.output.encode() + outcome.stderr.encode()


def plan(text: str, condition: str) -> str:
    scan = {"Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "o", "Filter": condition, "Actual Rows": 10,
            "Rows Removed by Filter": 90000, "Actual Loops": 1, "Output": [condition]}  # fmt: skip
    others = dict.fromkeys(("Index Cond", "Recheck Cond", "Hash Cond", "Join Filter", "One-Time Filter"), condition)
    root = {"Node Type": "Nested Loop", "Sort Key": [condition], "Group Key": [condition], **others, "Plans": [scan]}
    return "duration: 60.0 ms  plan:\n" + json.dumps({"Query Text": text, "Query Parameters": condition, "Plan": root})


@pytest.mark.parametrize("write", [as_json, as_csv, as_text], ids=["jsonlog", "csvlog", "stderr"])
@pytest.mark.parametrize("query_id", [0, 4711])
@pytest.mark.parametrize("way", WAYS)
def test_no_value_survives(
    write: Callable[[list[dict[str, Any]]], bytes], query_id: int, way: str, tmp_path: Path
) -> None:
    texts = [
        f"SELECT o.id FROM orders o WHERE o.note = {way} AND o.id = {NUMBER}",
        f"INSERT INTO orders (note) VALUES ({way}), ({way})",
        f"UPDATE orders SET note = {way} WHERE id IN ({NUMBER}, {way})",
        f"SET app.token = {way}", f"CREATE ROLE bob PASSWORD {way}", f"EXECUTE x({way})", f"NOTIFY x, {way}",
        f"SELECT set_config('a.b', {way}, true)", f"COPY x FROM PROGRAM {way}", way,
    ]  # fmt: skip
    texts = [text for text in texts if text.count(way) == 1 or way not in UNCLOSED]
    told = []
    for text in texts:
        told += [
            line(len(told) + 1, f"duration: 3.25 ms  execute s_{SECRET}/p: {text}", query_id=query_id and len(told) + 1,
                 detail=f"parameters: $1 = '{SECRET}', $2 = '{NUMBER}'", application_name=SECRET, user=SECRET),
            line(len(told) + 2, plan(text, f"((o.note = {way}) AND (o.id = {NUMBER}))"), query_id=query_id),
            line(len(told) + 3, f"duration: 0.25 ms  statement: {text}", query_id=query_id),
            line(len(told) + 4, f"syntax error at or near {way}", error_severity="ERROR", statement=text,
                 detail=f"Key (note)=({SECRET}) already exists.", hint=SECRET, context=SECRET),
        ]  # fmt: skip
    log = tmp_path / "log"
    log.write_bytes(write(told))
    outcome, text = measured(log, tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert SECRET.encode() not in text and str(NUMBER).encode() not in text
    part = msgspec.json.decode((tmp_path / "queries.json").read_bytes(), type=QueriesPart)
    assert part.statements and sum(each.calls for each in part.statements) == 2 * len(texts)
    assert part.scans and {scan.table for scan in part.scans} == {"orders"}


def test_random_statements_lose_their_values() -> None:
    """Values between random code: what stands within a value never shows, also where the text is cut."""
    rng = random.Random(7)
    code = ["SELECT a", "FROM t", "WHERE b =", '"c d"', "AND", "(", ")", ",", "-- x\n", "/* y */", "$1", "::text", ";"]
    closed = [way for way in WAYS if way.isprintable() and "\\" not in way and way[0] in "'$B" and way not in UNCLOSED]
    kept = 0
    for _ in range(4000):
        text = "SELECT " + " ".join(rng.choice(rng.choice([code, closed])) for _ in range(rng.randrange(1, 14)))
        for told in (cleaned(text), expression(text), cleaned(text[: rng.randrange(len(text))])):
            assert SECRET not in told, (text, told)
            kept += bool(told)
    assert kept > 4000


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a FROM t WHERE b = 1", "select a  from t where b = $1"),
        ("SELECT a FROM t WHERE b IN (1, 2, 3)", "SELECT a FROM t WHERE b IN ($1,$2)"),
        ("INSERT INTO t VALUES (1, 'x'), (2, 'y')", "INSERT INTO t VALUES ($1, $2)"),
        ("SELECT a FROM t /* request 12 */ WHERE b = 'x'", "SELECT a FROM t WHERE b = 'it''s'"),
    ],
)
def test_same_statement_has_one_fingerprint(one: str, other: str) -> None:
    assert fingerprint(cleaned(one)) == fingerprint(cleaned(other)) != fingerprint(cleaned("SELECT c FROM t"))


BROKEN: list[tuple[str, bytes]] = [
    ("nothing but zeros", b"\0" * 5000 + b"\n"),
    ("cut in the middle", as_json([line(9, "duration: 1.0 ms  statement: SELECT a FROM t")])[:-40]),
    ("deep", b'{"session_id":' + b"[" * 200_000 + b',"message":"duration: '),
    ("other types", b'{"session_id": 5, "line_num": "x", "message": "duration: 1.0 ms  statement: SELECT 1"}\n'),
    ("huge number", b'{"session_id":"a","line_num":' + b"9" * 400 + b',"message":"duration: 1.0 ms  statement: x"}\n'),
    ("no UTF-8", as_json([line(9, "duration: 1.0 ms  statement: SELECT 'x'")]).replace(b"'x'", b"'\xff\xfe'")),
    ("no time", as_json([line(9, "duration: 1.0 ms  statement: SELECT a FROM t", timestamp="0000-99-99 99:99:99 X")])),
    ("no session", as_json([line(-4, "duration: 1.0 ms  statement: SELECT a", session_id="")])),
    ("odd durations", as_json([line(9, "duration: 99999999999999999999.0 ms  statement: SELECT a"),
                               line(10, "duration: -1 ms  statement: SELECT a"),
                               line(11, "duration: nan ms  plan:\n{")])),
    ("plans that are none", as_json([line(n, f"duration: 9.0 ms  plan:\n{text}") for n, text in enumerate(
        ["", "{", "[]", "5", '{"Plan": 5}', '{"Plan": {"Plans": [5, {"Plans": "x"}]}}', '{"a":' * 5000, "Query Text: x",
         '{"Query Text": 5, "Plan": {"Node Type": "Seq Scan", "Relation Name": 5, "Filter": []}}'], 9)])),
    ("deep statement", as_json([line(9, "duration: 1.0 ms  statement: SELECT " + "(" * 30_000 + "1" + ")" * 30_000)])),
    ("long statement", as_json([line(9, "duration: 1.0 ms  statement: SELECT " + "a, " * 400_000 + "b FROM t")])),
    ("long line", b'{"message":"duration: ' + b"x" * 9_000_000 + b'"}\n'),
    ("csv that never closes", as_csv([line(9, 'duration: 1.0 ms  statement: SELECT "a"')]).replace(b'""', b'"', 1)),
    ("quotes", b'2026-11-26 12:00:00.000 UTC,"a","b",1,"' + b'""' * 100_001 + b'duration: \n'),
]  # fmt: skip


@pytest.mark.parametrize("told", BROKEN, ids=[name for name, _ in BROKEN])
def test_broken_lines_cost_themselves(told: tuple[str, bytes], tmp_path: Path) -> None:
    name, text = told
    good = [
        line(n, f"duration: 1.5 ms  execute a: SELECT b FROM t WHERE c = {n}", session_id="6a0000a1.8") for n in (1, 2)
    ]
    write = as_csv if name in ("csv that never closes", "quotes") else as_json
    log = tmp_path / "log"
    log.write_bytes(write(good[:1]) + text + (b"" if text.endswith(b"\n") else b"\n") + write(good[1:]))
    outcome, _ = measured(log, tmp_path)
    assert outcome.exit_code == 0 and "Traceback" not in outcome.output, outcome.output
    part = msgspec.json.decode((tmp_path / "queries.json").read_bytes(), type=QueriesPart)
    assert [each.calls for each in part.statements if each.text == "SELECT b FROM t WHERE c = ?"] == [2]


def test_unreadable_lines_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(
        as_json([line(1, "duration: 1.5 ms  statement: SELECT b FROM t")]) + b'12:00 LOG: plain\n{"cut\n' * 3
    )
    outcome, _ = measured(log, tmp_path)
    assert "3 of 7 lines could not be read" in outcome.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"12:00 [info] listening\n" * 9, "is no log of PostgreSQL"),
        (b"2026-11-26 12:00:00.000 UTC [7] LOG:  duration: 1 ms\n", "no statement with a duration"),
        (None, "No such file"),
        (b"", "no statement with a duration"),
        (as_json([line(1, "database system is ready")]), "no statement with a duration"),
    ],
)
def test_what_is_no_log_is_one_line(text: bytes | None, told: str, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    if text is not None:
        log.write_bytes(text)
    outcome, _ = measured(log, tmp_path)
    assert outcome.exit_code in (2, 4) and told in outcome.output, outcome.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to read"),
        (["--before", "x.json"], "go together"),
        (["--snapshot", "s.json", "--log", "x.log"], "--snapshot goes alone"),
        (["--before", "x.json", "--after", "x.json"], "No such file"),
        (["--snapshot", "s.json", "--database-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
        (["--setup", "--database-env", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_bad_arguments_are_one_line(arguments: list[str], told: str) -> None:
    outcome = CliRunner().invoke(cli, ["measure", "queries", *arguments])
    assert outcome.exit_code == 2 and told in outcome.output and outcome.output.count("\n") == 1


@pytest.mark.parametrize("ping", ["SELECT 1", "select 1;", "", "/* SQLx ping */"])
@pytest.mark.parametrize("write", [as_json, as_csv, as_text], ids=["jsonlog", "csvlog", "stderr"])
def test_what_pools_send_on_checkout(ping: str, write: Callable[[list[dict[str, Any]]], bytes], tmp_path: Path) -> None:
    asked = [ping, "SELECT a FROM t", *["SELECT b FROM u WHERE t = $1"] * 6] * 3
    log = tmp_path / "log"
    log.write_bytes(write([line(n + 1, f"duration: 0.125 ms  statement: {text}") for n, text in enumerate(asked)]))
    part = queries.analyse([log], None, None, None)
    assert [(group.windows, group.repeats_max, group.how) for group in part.groups] == [(3, 6, "ping")]
    assert len(part.statements) == (3 if "1" in ping else 2)


def test_statements_and_durations_in_lines_of_their_own(tmp_path: Path) -> None:
    """With log_statement and log_duration."""
    told = ["duration: 0.5 ms", "duration: 0.25 ms", "execute s0: SELECT a FROM t WHERE b = $1", "duration: 3.5 ms",
            "statement: SELECT c FROM t", "duration: 1.25 ms", "duration: 9.0 ms"]  # fmt: skip
    log = tmp_path / "log"
    log.write_bytes(as_json([line(n, text) for n, text in enumerate(told, 1)]))
    part = queries.analyse([log], None, None, None)
    assert [(each.text, each.total_ms) for each in part.statements] == [
        ("SELECT a FROM t WHERE b = $1", 3.5),
        ("SELECT c FROM t", 1.25),
    ]


def test_plan_that_is_cut_tells_what_stands_before_the_cut(tmp_path: Path) -> None:
    whole = plan("SELECT 1 FROM orders o WHERE o.note = $1", "(o.note = 'x')")
    log = tmp_path / "log"
    log.write_bytes(as_json([line(1, whole[:-3]), line(2, "duration: 1.0 ms  statement: SELECT a FROM t")]))
    part = queries.analyse([log], None, None, None)
    assert [(scan.table, scan.filter, scan.columns) for scan in part.scans] == [("orders", "(o.note = ?)", ("note",))]
    assert any("plans are cut" in remark.message for remark in part.remarks)


@pytest.mark.parametrize("zone", ["UTC", "CET", "-03", "<+0530>", "IST"])
def test_any_time_zone_of_the_log(zone: str, tmp_path: Path) -> None:
    hours = {"UTC": 0.0, "CET": 1, "-03": -3, "<+0530>": 5.5, "IST": 5.5}[zone]
    start = 0x6A0000A0  # 2026-05-10 03:57:20 UTC
    from datetime import UTC, datetime

    local = datetime.fromtimestamp(start + hours * 3600, UTC)
    told = line(1, "duration: 1.0 ms  statement: SELECT a FROM t", session_start=f"{local:%Y-%m-%d %H:%M:%S} {zone}",
                timestamp=f"{local:%Y-%m-%d %H:%M:%S}.250 {zone}")  # fmt: skip
    log = tmp_path / "log"
    log.write_bytes(as_json([told]))
    assert queries.analyse([log], None, None, None).started == start + 0.25
