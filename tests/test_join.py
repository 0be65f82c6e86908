"""`measure join` and `scan --evidence` as commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import measured
import msgspec
import pytest
from msgspec.structs import replace
from surface import run

from slowpath import parts
from slowpath.model.evidence import Evidence, LimiterVerdict, Remark

SHOP = Path(__file__).parent.parent / "fixtures" / "shop"
PARTS = {
    "load.json": measured.load(),
    "resources.json": measured.resources(),
    "queries.json": measured.queries(),
    "schema.json": measured.schema(),
    "bundle.json": measured.bundle(),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, part in PARTS.items():
        parts.write(tmp_path / name, part)
    return tmp_path


def test_routes_driven_one_by_one_join_the_load_that_was_searched(folder: Path) -> None:
    load = PARTS["load.json"]
    steps = tuple(step for step in load.steps if step.phase == "isolate")
    searched = tuple(step for step in load.steps if step.phase != "isolate")
    alone = replace(
        load,
        breaking_point=None,
        steps=(searched[0], *steps),
        remarks=(Remark("note", "GET /x", "cannot be isolated"),),
    )
    parts.write(folder / "isolated.json", alone)
    parts.write(folder / "load.json", replace(load, steps=searched, isolated=()))
    names = [str(folder / name) for name in ("isolated.json", *PARTS)]
    assert run("measure", "join", *names, "-o", folder / "evidence.json").returncode == 0
    joined = parts.read_as(folder / "evidence.json", Evidence).load
    assert joined is not None and joined.breaking_point == load.breaking_point
    assert alone.isolated and joined.isolated == alone.isolated
    assert joined.steps == load.steps and alone.remarks[0] in joined.remarks


def test_parts_become_evidence_whatever_their_order(folder: Path) -> None:
    names = [str(folder / name) for name in PARTS]
    done = run("measure", "join", *names, "-o", folder / "evidence.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("evidence.json: load, resources, queries, database, bundle\n")
    assert run("measure", "join", *reversed(names), "-o", folder / "again.json").returncode == 0
    assert (folder / "again.json").read_bytes() == (folder / "evidence.json").read_bytes()
    joined = parts.read_as(folder / "evidence.json", Evidence)
    assert joined.resources is not None and joined.resources.verdict is not None  # judged, where it was not yet
    assert replace(joined, resources=measured.resources()) == measured.evidence()


def test_what_does_not_fit_is_remarked(folder: Path) -> None:
    verdict = LimiterVerdict("load-generator", "high", "k6 took both cores")
    parts.write(folder / "load.json", replace(measured.load(), commit="a" * 40, complete=False,
                remarks=(Remark("error", "k6", "k6 was stopped"),)))  # fmt: skip
    parts.write(folder / "resources.json", replace(measured.resources(), commit="b" * 40, verdict=verdict))
    parts.write(folder / "queries.json", replace(measured.queries(), started=100.0, finished=200.0))
    names = [str(folder / name) for name in ("load.json", "resources.json", "queries.json")]
    done = run("measure", "join", *names, "-o", folder / "evidence.json")
    assert done.returncode == 0
    for words in (
        "the load part is incomplete: k6 was stopped",
        "different commits: load of aaaaaaaaaaaa, resources of bbbbbbbbbbbb",
        "the load and queries parts were not measured at the same time",
        "the load generator was the limit",
    ):
        assert words in done.stderr
    joined = parts.read_as(folder / "evidence.json", Evidence)
    assert len(joined.remarks) == 5  # the windows of resources and queries lie apart, too


def test_clocks_that_differ_widen_the_windows(folder: Path) -> None:
    late = replace(measured.queries(), started=measured.START + 3600, finished=measured.START + 4000)
    parts.write(folder / "queries.json", replace(late, clock_offset=3600.0))
    done = run("measure", "join", folder / "load.json", folder / "queries.json", "-o", folder / "e.json")
    assert (done.returncode, done.stderr) == (0, "")


BAD = {
    "two of a kind": (["load.json", "other.json"], "are both load parts: give one of each kind"),
    "evidence": (["evidence.json"], "is evidence already"),
    "no part": (["nothing.json"], "schema 'x' is not one of"),
    "NaN": (["nan.json"], "nan.json"),
    "wrong type": (["wrong.json"], "Expected `array`"),
    "huge": (["huge.json"], "huge.json"),
    "cut": (["cut.json"], "cut.json"),
    "absent": (["absent.json"], "No such file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(folder: Path, name: str) -> None:
    files, words = BAD[name]
    text = msgspec.json.encode(measured.load())
    (folder / "other.json").write_bytes(text)
    parts.write(folder / "evidence.json", measured.evidence())
    (folder / "nothing.json").write_text('{"schema": "x"}')
    (folder / "nan.json").write_bytes(text.replace(b'"rps":', b'"rps":NaN,"x":', 1))
    (folder / "wrong.json").write_text('{"schema": "slowpath-load/1", "steps": 3}')
    (folder / "huge.json").write_bytes(text.replace(b'"rps":', b'"rps":1e999,"x":', 1))
    (folder / "cut.json").write_bytes(text[: len(text) // 2])
    done = run("measure", "join", *(folder / file for file in files), "-o", folder / "out.json")
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1
    assert not (folder / "out.json").exists()


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    parts.write(tmp_path / "evidence.json", measured.evidence())
    return tmp_path / "evidence.json"


def test_scan_says_what_findings_cost_and_sorts_people_text_by_it(evidence: Path) -> None:
    text = run("scan", SHOP, "--evidence", evidence, "--format", "concise", "--exit-zero").stdout
    first, *_, last = text.splitlines()
    assert "cpu-bound-in-async" in first and "[confirmed: about 57.3 ms per request of POST /login" in first
    assert "measured: 11 confirmed, 1 ambiguous, 4 cheap" in last
    done = run("scan", SHOP, "--evidence", evidence)
    assert done.returncode == 1  # as without
    full = done.stdout
    assert "= measured: confirmed: 6 ms in 20 statements per request of GET /orders" in full


def test_json_keeps_the_order_of_paths_and_adds_what_was_measured(evidence: Path) -> None:
    plain = json.loads(run("scan", SHOP, "--format", "json").stdout)["findings"]
    told = json.loads(run("scan", SHOP, "--format", "json", "--evidence", evidence).stdout)["findings"]
    assert all("measured" not in each for each in plain)
    known = [each.pop("measured") for each in told]
    assert told == plain and any(known) and None in known
    history = next(
        each for each, f in zip(known, told, strict=True) if (f["rule"], f["function"]) == ("n-plus-one", "history")
    )
    assert history["status"] == "confirmed" and history["calls_per_request"] == 20.0 and len(history["path"]) > 3


def test_same_evidence_gives_the_same_bytes(evidence: Path) -> None:
    for style, other in (("json", "--no-cache"), ("sarif", "--jobs=1")):
        outputs = [
            run("scan", SHOP, "--format", style, "--evidence", evidence, *more).stdout for more in ((), (other,))
        ]
        assert outputs[0] and outputs[0] == outputs[1]


def test_scan_repeats_what_the_join_doubts(tmp_path: Path) -> None:
    doubted = replace(measured.evidence(), remarks=(Remark("warning", "commit", "the parts are of different commits"),))
    parts.write(tmp_path / "e.json", doubted)
    done = run("scan", SHOP, "--evidence", tmp_path / "e.json", "--format", "concise", "--exit-zero")
    assert "evidence: the parts are of different commits" in done.stderr


def test_scan_refuses_what_is_no_evidence(tmp_path: Path) -> None:
    parts.write(tmp_path / "load.json", measured.load())
    done = run("scan", SHOP, "--evidence", tmp_path / "load.json")
    assert done.returncode == 2 and "join it with `slowpath measure join" in done.stderr
    assert run("scan", SHOP, "--evidence", tmp_path / "none.json").returncode == 2


def test_scan_warns_of_evidence_of_another_project(tmp_path: Path, evidence: Path) -> None:
    board = shutil.copytree(SHOP.parent / "board", tmp_path / "board")
    done = run("scan", board, "--evidence", evidence, "--exit-zero")
    assert done.returncode == 0 and "is it of another project?" in done.stderr


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys; from pathlib import Path; from slowpath import parts;"
        "from slowpath.model.evidence import Evidence, Remark;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096));"
        "parts.write(Path(sys.argv[1]), Evidence(remarks=(Remark('note', 'a', 'b' * 9000),)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "e.json")], capture_output=True, text=True)
    assert "e.json: cannot be written: File too large" in done.stderr
    assert not list(tmp_path.iterdir())
