"""A real measurement of `fixtures/depot`, recorded: each slow path that was put there is found in it, with its cost."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from surface import run

DEPOT = Path(__file__).parent.parent / "fixtures" / "depot"
PARTS = [
    str(DEPOT / "evidence" / f"{name}.json")
    for name in ("load", "isolated", "resources", "queries", "schema", "bundle")
]
EXPECTED = {
    ("n-plus-one", "slips"): "confirmed",
    ("n-plus-one", "manifest"): "not-exercised",  # printed at night
    ("blocking-in-async", "label"): "confirmed",
    ("connection-across-await", "dispatch"): "confirmed",
    ("cpu-bound-in-async", "login"): "confirmed",
    ("regex-per-call", "check"): "confirmed",
    ("missing-index", "lot"): "confirmed",
    ("missing-index", "by_code"): "cheap",  # few carriers
    ("missing-index", "by_tracking"): "contradicted",  # somebody made the index by hand
    ("eager-route", ""): "confirmed",
    ("feature-in-first-load", ""): "confirmed",
    ("heavy-import", ""): "confirmed",
}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("depot") / "evidence.json"
    done = run("measure", "join", *PARTS, "-o", made)
    assert (done.returncode, done.stderr) == (0, "")
    return made


@pytest.fixture(scope="module")
def findings(evidence: Path) -> dict[tuple[str, str], dict[str, Any]]:
    done = run("scan", DEPOT, "--evidence", evidence, "--format", "json")
    return {(each["rule"], each["function"]): each["measured"] for each in json.loads(done.stdout)["findings"]}


def test_each_slow_path_that_was_put_there_is_confirmed(findings: dict[tuple[str, str], dict[str, Any]]) -> None:
    assert {key: known["status"] for key, known in findings.items()} == EXPECTED


def test_costs_are_those_that_the_code_says(findings: dict[tuple[str, str], dict[str, Any]]) -> None:
    slips, label = findings["n-plus-one", "slips"], findings["blocking-in-async", "label"]
    assert slips["calls_per_request"] == 30  # orders of a customer
    assert slips["route"] == "GET /customers/{id}/orders" and len(slips["statements"]) == 1
    assert 19 < label["ms_per_request"] < 22  # the printer takes 20 ms
    assert "an event loop sleeps in a blocking call 100 % of the time" in label["summary"]
    assert findings["missing-index", "lot"]["share"] > 0.2
    assert "200,000 rows to keep 10" in findings["missing-index", "lot"]["summary"]


def test_the_way_leads_from_the_route_to_the_statement(findings: dict[tuple[str, str], dict[str, Any]]) -> None:
    first, *between, last = findings["n-plus-one", "slips"]["path"]
    assert first == "GET /customers/{id}/orders is answered by `slips` (src/routes/orders.rs)"
    assert any("`Order::slip` calls `names`" in line for line in between)
    assert last.startswith('SELECT "parts"."name" FROM ("order_lines" INNER JOIN "parts"')


def test_the_order_of_parts_does_not_matter(evidence: Path, tmp_path: Path) -> None:
    shuffled = random.Random(7).sample(PARTS, len(PARTS))
    assert run("measure", "join", *shuffled, "-o", tmp_path / "other.json").returncode == 0
    assert (tmp_path / "other.json").read_bytes() == evidence.read_bytes()
