"""The gate: what passes, what fails, and what the measurement cannot tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import diagnosed
import msgspec
import pytest
from test_report import NOTHING

from slowpath import parts
from slowpath.model.evidence import Evidence, Figures, LimiterVerdict, LoadPart, ResourcesPart, Verdict
from slowpath.model.finding import Measured
from slowpath.model.report import Report
from slowpath.report.diagnosis import thresholds_file
from slowpath.report.gate import certain, judge, overall
from slowpath.report.thresholds import ThresholdsError, parse, text


@pytest.fixture(scope="session")
def shop() -> Report:
    return diagnosed.shop()


def outcomes(asked: str, evidence: Evidence, report: Report | None = None) -> dict[str, str]:
    lines = judge(parse(asked, "t"), evidence, report or NOTHING)
    return {line.key: line.outcome for line in lines}


def only(asked: str, evidence: Evidence = diagnosed.EVIDENCE, report: Report | None = None) -> str:
    (outcome,) = outcomes(asked, evidence, report).values()
    return outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ("load.min_users = 100", "pass"),  # good there
        ("load.min_users = 1", "pass"),
        ("load.min_users = 90", "pass"),  # nobody tried 90, but 100 is good
        ("load.min_users = 101", "inconclusive"),  # between the last good step and the first bad one
        ("load.min_users = 115", "inconclusive"),  # an undecided step
        ("load.min_users = 130", "fail"),
        ("load.min_users = 500", "fail"),  # what breaks at 130 does not hold 500
        ("load = {min_users = 100, p95_ms = 300}", "fail"),  # by the limits of the gate
        ("load.rps = 377", "pass"),
        ("load.rps = 378", "fail"),
        ("load.p95_ms = 500", "pass"),
        ("load.error_rate = 0.01", "pass"),
        ("load.error_rate = 0.0001", "inconclusive"),  # no failure in 11,310 requests does not prove one in 10,000
        ("db.n_plus_one_max = 0", "fail"),
        ("db.n_plus_one_max = 1", "inconclusive"),  # one sure, one perhaps
        ("db.n_plus_one_max = 2", "pass"),
        ("schema.drift = 1", "fail"),
        ("schema.drift = 2", "pass"),
        ("bundle.initial_kb = 843.3", "fail"),
        ("bundle.initial_kb = 843.4", "pass"),
        ("bundle.initial_gzip_kb = 253", "pass"),
    ],
)
def test_each_key(asked: str, outcome: str) -> None:
    assert outcome in outcomes(asked, diagnosed.EVIDENCE).values()
    assert overall(judge(parse(asked, "t"), diagnosed.EVIDENCE, NOTHING)) == outcome


@pytest.mark.parametrize(
    ("asked", "outcome"),
    [
        ("findings.confirmed_max = 2", "fail"),
        ("findings.confirmed_max = 3", "inconclusive"),  # one more may be
        ("findings.confirmed_max = 4", "pass"),
        ("findings.share_max = 0.4", "fail"),
        ("findings.share_max = 0.41", "pass"),
    ],
)
def test_findings(asked: str, outcome: str, shop: Report) -> None:
    assert only(asked, report=shop) == outcome


def test_findings_that_nobody_joined_prove_nothing(shop: Report) -> None:
    bare = tuple(msgspec.structs.replace(finding, measured=None) for finding in shop.findings)
    unjoined = msgspec.structs.replace(shop, findings=bare, measured=False)
    assert only("findings.confirmed_max = 0", report=unjoined) == "inconclusive"
    assert only("findings.confirmed_max = 9", Evidence(bundle=diagnosed.BUNDLE), shop) == "inconclusive"


@pytest.mark.parametrize(
    "asked",
    [
        "load.p95_ms = 1", "load.min_users = 1", "load.rps = 1", "db.n_plus_one_max = 99", "schema.drift = 99",
        "bundle.initial_kb = 1e9", "bundle.initial_gzip_kb = 1e9",
    ],
)  # fmt: skip
def test_missing_part_is_inconclusive(asked: str) -> None:
    assert only(asked, Evidence()) == "inconclusive"


def test_statistics_alone_say_nothing_of_repeats() -> None:
    queries = msgspec.structs.replace(diagnosed.QUERIES, sources=("pg_stat_statements",), groups=())
    assert only("db.n_plus_one_max = 0", Evidence(queries=queries)) == "inconclusive"


def test_incomplete_part_fails_but_does_not_pass() -> None:
    queries = msgspec.structs.replace(diagnosed.QUERIES, complete=False)
    assert only("db.n_plus_one_max = 9", Evidence(queries=queries)) == "inconclusive"
    assert only("db.n_plus_one_max = 0", Evidence(queries=queries)) == "fail"


def test_what_the_load_generator_limits_does_not_fail() -> None:
    verdict = LimiterVerdict("load-generator", "high", "k6 uses both cores.")
    evidence = Evidence(load=diagnosed.LOAD, resources=ResourcesPart(schema="slowpath-resources/1", verdict=verdict))
    assert only("load.min_users = 500", evidence) == "inconclusive"
    assert only("load.min_users = 100", evidence) == "pass"


def test_run_that_never_broke_says_nothing_of_more() -> None:
    calm = tuple(step for step in diagnosed.STEPS if step.vus <= 80)
    load = msgspec.structs.replace(diagnosed.LOAD, steps=calm)
    assert only("load.min_users = 81", Evidence(load=load)) == "inconclusive"
    assert only("load.rps = 9999", Evidence(load=load)) == "inconclusive"


def test_runs_of_one_level_that_contradict_each_other_decide_nothing() -> None:
    again = diagnosed.step(100, "confirm", 11, 11_000, 700, "bad", "")
    load = msgspec.structs.replace(diagnosed.LOAD, steps=(*diagnosed.STEPS, again))
    assert only("load.min_users = 100", Evidence(load=load)) == "inconclusive"
    undecided = diagnosed.step(100, "confirm", 11, 11_000, 500, "undecided", "")
    load = msgspec.structs.replace(diagnosed.LOAD, steps=(*diagnosed.STEPS, undecided))
    assert only("load.min_users = 100", Evidence(load=load)) == "pass"


@pytest.mark.parametrize("asked", ["min_users = 200", "p95_ms = 500", "error_rate = 0.02"])
def test_a_level_left_in_doubt_for_another_reason_than_its_figures_does_not_pass(asked: str) -> None:
    """Requests that hang have no latency: what was answered may look fine."""
    hanging = diagnosed.step(200, "double", 11, 11_000, 400, "undecided", "requests may hang")
    load = msgspec.structs.replace(diagnosed.LOAD, steps=(hanging,), breaking_point=None)
    assert only(f"load.{asked}", Evidence(load=load)) == "inconclusive"


@pytest.mark.parametrize(
    ("value", "interval", "outcome"),
    [
        (400, (380, 420), "pass"),
        (400, (380, 500), "pass"),
        (490, (470, 510), "inconclusive"),
        (510, (500, 520), "inconclusive"),
        (510, (501, 520), "fail"),
        (400, (380, None), "inconclusive"),
        (600, (550, None), "fail"),
        (400, (None, None), "inconclusive"),
        (None, (380, 420), "inconclusive"),
    ],
)
def test_interval_decides(value: float | None, interval: tuple[float | None, float | None], outcome: str) -> None:
    assert certain(value, interval, 500) == outcome


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[load]\np95 = 500", "unknown field `p95` - at `$.load` (known: p95_ms, error_rate, min_users, rps)"),
        ("[lod]\np95_ms = 500", "unknown field `lod` (known: load, db, schema, bundle, findings)"),
        ("[load]\np95_ms = 'fast'", "`$.load.p95_ms`"),
        ("[load]\np95_ms = 0", "`$.load.p95_ms`"),
        ("[load]\np95_ms = nan", "`$.load.p95_ms`"),
        ("[load]\nerror_rate = 1.5", "`$.load.error_rate`"),
        ("[db]\nn_plus_one_max = -1", "`$.db.n_plus_one_max`"),
        ("[schema]\ndrift = true", "`$.schema.drift`"),
        ("[load", "t.toml: "),
        ("", "asks for nothing"),
        ("[load]", "asks for nothing"),
        ("load = 2020-01-01", "`$.load`"),
    ],
)
def test_thresholds_that_cannot_be_used_are_named(text: str, said: str) -> None:
    with pytest.raises(ThresholdsError) as error:
        parse(text, "t.toml")
    assert str(error.value).startswith("t.toml: ") and said in str(error.value) and "\n" not in str(error.value)


def test_produced_thresholds_are_read_as_they_were_meant(shop: Report) -> None:
    produced = thresholds_file(shop, diagnosed.EVIDENCE)
    asked = parse(produced, "thresholds.toml")
    assert parse(text(asked, {}), "again") == asked
    assert asked.load.min_users == 113 and asked.bundle.initial_kb == 442 and asked.findings.confirmed_max == 1


def test_produced_thresholds_fail_today_and_pass_once_their_targets_are_met(shop: Report) -> None:
    produced = thresholds_file(shop, diagnosed.EVIDENCE)
    today = outcomes(produced, diagnosed.EVIDENCE, shop)
    assert (
        today["load.min_users"] != "pass" and today["db.n_plus_one_max"] == "fail" and today["schema.drift"] == "fail"
    )
    assert set(outcomes(produced, *mended(shop)).values()) == {"pass"}


def test_thresholds_of_what_is_as_it_should_be_pass_at_once(shop: Report) -> None:
    evidence, report = mended(shop)
    assert set(outcomes(thresholds_file(report, evidence), evidence, report).values()) == {"pass"}


def mended(shop: Report) -> tuple[Evidence, Report]:
    """After the work: 130 users held, nothing repeated, nothing leaked, only what takes a day confirmed."""

    def better(step: object, verdict: Verdict) -> object:
        old: Figures = step.figures  # type: ignore[attr-defined]
        requests = old.requests * 13 // 10
        figures = diagnosed.figures(requests, 380.0)
        return msgspec.structs.replace(step, figures=figures, verdict=verdict)  # type: ignore[type-var]

    steps = tuple(better(step, "good") if step.vus in (115, 130) else step for step in diagnosed.STEPS)
    point = msgspec.structs.replace(diagnosed.LOAD.breaking_point, last_good=130, first_bad=160)
    load: LoadPart = msgspec.structs.replace(diagnosed.LOAD, steps=steps, breaking_point=point)
    evidence = msgspec.structs.replace(
        diagnosed.EVIDENCE,
        load=load,
        queries=msgspec.structs.replace(diagnosed.QUERIES, groups=()),
        database=msgspec.structs.replace(diagnosed.DATABASE, differences=()),
        bundle=msgspec.structs.replace(diagnosed.BUNDLE, first_load_bytes=441_400, leaks=()),
    )
    cheap = Measured("cheap", "0.01 ms a request.")
    findings = tuple(
        msgspec.structs.replace(finding, measured=cheap)
        if finding.measured and finding.rule != "n-plus-one" and finding.measured.status in ("confirmed", "ambiguous")
        else finding
        for finding in shop.findings
    )
    return evidence, msgspec.structs.replace(shop, findings=findings)


@pytest.mark.parametrize(
    ("asked", "options", "code"),
    [
        ("load.min_users = 100", (), 0),
        ("load.min_users = 130", (), 1),
        ("load.min_users = 115", (), 4),
        ("load.min_users = 115", ("--inconclusive", "pass"), 0),
        ("load.min_users = 115", ("--inconclusive", "fail"), 1),
        ("load.min_users = 130", ("--inconclusive", "pass"), 1),
        ("load.min_users = 'many'", (), 2),
    ],
)
def test_exit_codes(asked: str, options: tuple[str, ...], code: int, tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text(asked)
    parts.write(tmp_path / "evidence.json", Evidence(load=diagnosed.LOAD))
    done = run(tmp_path, "--gate", "gate.toml", *options)
    assert done.returncode == code, done.stderr
    assert ("load.min_users: asked at least" in done.stdout) == (code != 2)


def test_report_does_not_replace_the_gate_it_was_held_against(tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    asked = "load.min_users = 100"
    (tmp_path / "thresholds.toml").write_text(asked)
    parts.write(tmp_path / "evidence.json", Evidence(load=diagnosed.LOAD))
    done = run(tmp_path, "-o", ".", "--gate", "thresholds.toml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "thresholds.toml").read_text() == asked
    assert "Held against the thresholds: pass" in (tmp_path / "DIAGNOSTIC_REPORT.md").read_text()
    assert run(tmp_path, "-o", "new").returncode == 0
    assert "min_users = 100" in (tmp_path / "new/thresholds.toml").read_text()


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text('{"schema": "slowpath-load/1"}')
    for options in ((), ("--gate", "none.toml"), ("-o", "out")):
        done = run(tmp_path, *options)
        assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from slowpath.cli import main; main()", "report", str(folder)]
    command = [*program, "--evidence", "evidence.json", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
