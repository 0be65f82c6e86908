"""What is said of findings when a measurement is at hand, on `fixtures/shop` and a measurement of it as it might be."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import measured
import msgspec
import pytest
from msgspec.structs import replace

from slowpath import config, engine, rulebook
from slowpath.correlate import correlate, mismatch
from slowpath.discover import discover
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.model.evidence import (
    Evidence,
    LimiterVerdict,
    PlanScan,
    Remark,
    RouteFigures,
    RouteStatements,
    Statement,
    StatementShape,
    TableUse,
)
from slowpath.model.finding import Finding, Measured
from slowpath.program import Program

SHOP = Path(__file__).parent.parent / "fixtures" / "shop"
EXPECTED = {
    ("cpu-bound-in-async", "login"): "confirmed",
    ("sync-query-in-async", "login"): "cheap",
    ("cpu-bound-in-async", "register"): "not-exercised",
    ("sync-query-in-async", "me"): "confirmed",
    ("connection-across-await", "me"): "ambiguous",
    ("blocking-in-async", "terms"): "cheap",
    ("joinable-awaits", "legal"): "not-exercised",
    ("blocking-in-async", "label"): "confirmed",
    ("lock-across-await", "stock"): "not-exercised",
    ("block-on-in-async", "price"): "not-exercised",
    ("sync-query-in-async", "detail"): "not-exercised",
    ("load-then-discard", "receipt"): "not-exercised",
    ("n-plus-one", "cards"): "confirmed",
    ("write-per-row", "tag_all"): "not-exercised",
    ("engine-per-call", "receipt"): "not-exercised",
    ("n-plus-one", "history"): "confirmed",
    ("n-plus-one", "place"): "contradicted",
    ("write-per-row", "place"): "contradicted",
    ("repeated-query", "thanks"): "cheap",
    ("regex-per-call", "EmailRule::new"): "not-exercised",
    ("regex-per-call", "tag"): "not-exercised",
    ("missing-index", "by_token"): "confirmed",
    ("leading-wildcard", "Product::titled"): "cheap",
    ("foreign-key-without-index", "to_card"): "confirmed",
    ("client-per-call", "Pool::connect"): "not-exercised",
    ("schema-drift", ""): "confirmed",
    ("eager-route", ""): "confirmed",
    ("feature-in-first-load", ""): "confirmed",
    ("heavy-import", ""): "confirmed",
    ("full-library-import", ""): "contradicted",
    ("static-import-defeats-dynamic", ""): "contradicted",
}
"""Of all others nothing is measured."""


@dataclass
class Shop:
    """The fixture, scanned once."""

    program: Program
    findings: list[Finding]

    def told(self, evidence: Evidence) -> dict[tuple[str, str], Measured]:
        found = correlate(self.findings, self.program, evidence)
        return {(each.rule, each.function): each.measured for each in found if each.measured is not None}


@pytest.fixture(scope="module")
def shop() -> Shop:
    features = config.load(SHOP).bundle.features
    rules = [rule for rule in rulebook.load_usable([])[0] if rule.enabled]
    found = discover(SHOP, ())
    files, _, _ = facts_of(found, rules, 1, None)
    report = engine.scan(SHOP, rules, jobs=1, features=features)
    return Shop(link(files, found.unread, "", features), list(report.findings))


def test_each_finding_has_the_status_that_the_figures_give_it(shop: Shop) -> None:
    told = shop.told(measured.evidence())
    assert {key: known.status for key, known in told.items()} == EXPECTED


def test_waiting_in_line_at_the_knee_is_the_work_of_no_finding(shop: Shop) -> None:
    calm = measured.evidence()
    load = measured.load()
    slow = [
        replace(route, figures=replace(route.figures, p50=20 * (route.figures.p50 or 0.0)))
        for route in load.steps[1].routes
    ]
    steps = (load.steps[0], replace(load.steps[1], routes=tuple(slow)), *load.steps[2:])
    crowded = replace(calm, load=replace(load, steps=steps))
    key = "n-plus-one", "history"
    assert shop.told(crowded)[key].share == shop.told(calm)[key].share


def test_cost_and_way_of_an_n_plus_one(shop: Shop) -> None:
    known = shop.told(measured.evidence())["n-plus-one", "history"]
    assert (known.ms_per_request, known.calls_per_request, known.route) == (6.0, 20.0, "GET /orders")
    whole = sum(requests * median for requests, median, _ in measured.ROUTES.values()) + 20 * 1.0
    assert known.share == pytest.approx(400 * 6.0 / whole)
    assert known.statements == ("3",)
    assert known.path[0] == "GET /orders is answered by `history` (server/src/routes/orders.rs)"
    assert "for each element it calls `Order::summary`" in known.path
    assert known.path[-1] == measured.STATEMENTS["3"]


def test_nothing_else_about_a_finding_changes(shop: Shop) -> None:
    found = correlate(shop.findings, shop.program, measured.evidence())
    assert [replace(each, measured=None) for each in found] == shop.findings


def test_what_would_leave_the_first_load_is_said_with_the_chain_of_imports(shop: Shop) -> None:
    known = shop.told(measured.evidence())["eager-route", ""]
    assert "about 9 kB; about 400 kB would leave it" in known.summary
    assert known.path == ("src/main.tsx", "src/pages/ReportPage.tsx")


def test_neither_the_order_of_findings_nor_of_figures_matters(shop: Shop) -> None:
    evidence = measured.evidence()
    first = shop.told(evidence)
    for seed in range(5):
        shuffle = random.Random(seed).sample
        assert evidence.load is not None and evidence.queries is not None
        load, queries = evidence.load, evidence.queries
        other = replace(
            evidence,
            load=replace(
                load,
                steps=tuple(shuffle(load.steps, len(load.steps))),
                isolated=tuple(shuffle(load.isolated, len(load.isolated))),
            ),
            queries=replace(queries, statements=tuple(shuffle(queries.statements, len(queries.statements)))),
        )
        findings = shuffle(shop.findings, len(shop.findings))
        assert Shop(shop.program, findings).told(other) == first


def test_without_isolation_cost_is_by_proportion_and_says_so(shop: Shop) -> None:
    evidence = replace(measured.evidence(), load=measured.load(alone=False), queries=measured.queries(alone=False))
    told = shop.told(evidence)
    known = told["n-plus-one", "cards"]
    assert known.status == "confirmed" and "by proportion" in known.summary
    assert known.calls_per_request == pytest.approx(24.0)
    assert told["foreign-key-without-index", "to_card"].status == "confirmed"
    shared = told["n-plus-one", "history"]  # both routes ask for customers by their id
    assert shared.status == "confirmed" and "GET /orders/{id} may send too" in shared.summary
    assert shared.calls_per_request == pytest.approx(20.0, rel=0.1)
    assert told["repeated-query", "thanks"].status == "ambiguous"  # how often it comes there is not known
    assert told["n-plus-one", "place"].status == "ambiguous"
    assert told["cpu-bound-in-async", "login"].status == "ambiguous"


def test_statements_of_one_shape_are_listed_and_none_is_picked(shop: Shop) -> None:
    evidence = measured.evidence()
    assert evidence.queries is not None and evidence.load is not None
    twin = next(each for each in evidence.queries.statements if each.id == "3")
    twins = (*evidence.queries.statements, replace(twin, id="33", text=twin.text.replace('."id"', '."name"', 1)))
    both = tuple(
        replace(each, statements=(*each.statements, ("33", 5.0, 1.0))) if each.route == "GET /orders" else each
        for each in evidence.load.isolated
    )
    doubtful = replace(
        evidence,
        queries=replace(evidence.queries, statements=twins),
        load=replace(evidence.load, isolated=both),
    )
    told = shop.told(doubtful)
    known = told["n-plus-one", "history"]
    assert known.status == "ambiguous" and set(known.statements) == {"3", "33"} and known.share is None
    assert told["repeated-query", "thanks"].statements == ("3",)  # there only one of them ran


def test_two_loops_with_one_statement_on_one_route_are_ambiguous(shop: Shop) -> None:
    history = next(each for each in shop.findings if (each.rule, each.function) == ("n-plus-one", "history"))
    other = replace(history, rule="write-per-row", function="again")
    found = correlate([*shop.findings, other], shop.program, measured.evidence())
    told = [each.measured for each in found if each.place == history.place and each.measured is not None]
    assert [known.status for known in told] == ["ambiguous", "ambiguous"]
    assert "write-per-row in `again`" in told[0].summary and "n-plus-one in `history`" in told[1].summary


def test_a_second_finding_on_the_route_makes_work_ambiguous_even_if_it_is_silenced(shop: Shop) -> None:
    login = next(each for each in shop.findings if (each.rule, each.function) == ("cpu-bound-in-async", "login"))
    query = next(each for each in shop.findings if (each.rule, each.function) == ("sync-query-in-async", "login"))
    hidden = replace(login, rule="regex-per-call", place=query.place)
    found = correlate(shop.findings, shop.program, measured.evidence(), [hidden])
    known = next(each.measured for each in found if each is not None and each.place == login.place)
    assert known is not None and known.status == "ambiguous" and "regex-per-call in `login`" in known.summary


@pytest.mark.parametrize(("rule", "status"), [("regex-per-call", "confirmed"), ("lock-across-await", "ambiguous")])
def test_what_computes_does_not_explain_a_wait(shop: Shop, rule: str, status: str) -> None:
    label = next(each for each in shop.findings if (each.rule, each.function) == ("blocking-in-async", "label"))
    start, end = label.place.span
    beside = replace(label, rule=rule, place=replace(label.place, span=(start - 1, end)))
    found = correlate(shop.findings, shop.program, measured.evidence(), [beside])
    known = next(each.measured for each in found if each.place == label.place)
    assert known is not None and known.status == status


@pytest.mark.parametrize(("stalled", "status"), [(0.95, "confirmed"), (0.1, "confirmed"), (0.0, "ambiguous")])
def test_event_loops_tell_whether_a_wait_blocks_them(shop: Shop, stalled: float, status: str) -> None:
    cpu = measured.resources().series[0]
    loops = replace(cpu, name="process.event_loops", values=(2.0,) * len(cpu.times))
    asleep = replace(cpu, name="process.stalled_loops", values=(stalled,) * len(cpu.times))
    seen = replace(measured.resources(), series=(cpu, loops, asleep))
    told = shop.told(replace(measured.evidence(), resources=seen))
    known = told["blocking-in-async", "label"]
    assert known.status == status
    assert ("event loop sleeps in a blocking call" in known.summary) == (stalled > 0.1)
    assert ("no event loop was seen" in known.summary) == (stalled == 0)
    assert told["cpu-bound-in-async", "login"].status == "confirmed"


def test_a_processor_that_others_have_is_no_wait(shop: Shop) -> None:
    cpu = measured.resources().series[0]
    slow = replace(cpu, values=tuple(value / 4 for value in cpu.values))
    ready = replace(slow, name="process.cpu_wait", values=tuple(3 * value for value in slow.values))
    for series, status in (((slow,), "ambiguous"), ((slow, ready), "confirmed")):
        told = shop.told(replace(measured.evidence(), resources=replace(measured.resources(), series=series)))
        assert told["cpu-bound-in-async", "login"].status == status


def with_limiter(limiter: str) -> Evidence:
    verdict = LimiterVerdict(limiter, "high", "what holds it")  # type: ignore[arg-type]
    return replace(measured.evidence(), resources=replace(measured.resources(), series=(), verdict=verdict))


def test_limiter_speaks_for_work_where_nobody_watched_the_processor(shop: Shop) -> None:
    blocked = shop.told(with_limiter("blocked-workers"))
    assert blocked["blocking-in-async", "label"].status == "confirmed"
    assert blocked["cpu-bound-in-async", "login"].status == "confirmed"
    pool = shop.told(with_limiter("db-pool"))
    assert pool["blocking-in-async", "label"].status == "ambiguous"
    assert "profile" in pool["blocking-in-async", "label"].summary


def queries_with(evidence: Evidence, **changes: object) -> Evidence:
    assert evidence.queries is not None
    return replace(evidence, queries=replace(evidence.queries, **changes))


SWEEP = Statement("90", "DELETE", StatementShape("delete", ("sessions",), ("sessions.seen",)), 1600, 9.0, 0.01)
INDEX: dict[str, tuple[Callable[[Evidence], Evidence], str, str]] = {
    "the database has the index": (
        lambda e: replace(e, database=replace(measured.schema(), indexes={"sessions": ("sessions_token (token)",)})),
        "contradicted",
        "sessions_token (token)",
    ),
    "an index that does not begin with the column": (
        lambda e: replace(e, database=replace(measured.schema(), indexes={"sessions": ("both (id, token)",)})),
        "confirmed",
        "reads all of `sessions`",
    ),
    "a partial index": (
        lambda e: replace(
            e, database=replace(measured.schema(), indexes={"sessions": ("live (token) where not expired",)})
        ),
        "confirmed",
        "reads all of `sessions`",
    ),
    "a unique key of the column": (
        lambda e: replace(e, database=replace(measured.schema(), indexes={"sessions": ("unique k (token, id)",)})),
        "contradicted",
        "unique k (token, id)",
    ),
    "an index for other matches": (
        lambda e: replace(e, database=replace(measured.schema(), indexes={"sessions": ("gin g (token)",)})),
        "confirmed",
        "reads all of `sessions`",
    ),
    "a table of a few rows": (
        lambda e: queries_with(e, tables=(TableUse("sessions", 2000, 20_000, 0, 12),)),
        "contradicted",
        "12 rows",
    ),
    "never read whole": (
        lambda e: queries_with(e, scans=(), tables=(TableUse("sessions", 0, 0, 2000, 80_000),)),
        "contradicted",
        "never read whole",
    ),
    "read whole by nothing else": (
        lambda e: queries_with(e, scans=(), tables=(TableUse("public.sessions", 3000, 1, 0, 80_000),)),
        "confirmed",
        "read whole 3,000 times",
    ),
    "read whole, perhaps by others": (
        lambda e: queries_with(
            e,
            scans=(),
            tables=(TableUse("sessions", 1500, 1, 0, 80_000),),
            statements=(*measured.queries().statements, SWEEP),
        ),
        "ambiguous",
        "turn on auto_explain",
    ),
    "a plan that filters by another column": (
        lambda e: queries_with(
            e, scans=(PlanScan("6", "sessions", "(seen > ?)", 1, 80_000, 9, 9.0, ("seen",)),), tables=()
        ),
        "ambiguous",
        "turn on auto_explain",
    ),
}


@pytest.mark.parametrize("name", INDEX)
def test_missing_index(shop: Shop, name: str) -> None:
    change, status, words = INDEX[name]
    known = shop.told(change(measured.evidence()))["missing-index", "by_token"]
    assert known.status == status and words in known.summary


def test_what_was_not_measured_is_not_judged(shop: Shop) -> None:
    assert shop.told(Evidence()) == {}
    only = shop.told(Evidence(bundle=measured.bundle()))
    assert {rule for rule, _ in only} == {key[0] for key in EXPECTED if key[1] == ""} - {"schema-drift"}
    driven = shop.told(Evidence(load=measured.load()))
    assert {known.status for (rule, _), known in driven.items() if rule.endswith("index")} <= {"not-exercised"}
    assert driven["load-then-discard", "receipt"].status == "not-exercised"
    assert ("n-plus-one", "history") not in driven


def test_parts_of_different_times_are_not_divided_by_each_other(shop: Shop) -> None:
    queries = replace(measured.queries(), started=1.0, finished=2.0)
    told = shop.told(replace(measured.evidence(), load=measured.load(alone=False), queries=queries))
    known = told["n-plus-one", "history"]
    assert known.status == "ambiguous" and "not counted at the same time" in known.summary


def test_paths_that_were_lumped_together_are_not_shared_out(shop: Shop) -> None:
    load = measured.load(alone=False)
    others = RouteFigures("", "(other routes)", measured.figures(5000, 20.0))
    lumped = replace(load, steps=tuple(replace(step, routes=(*step.routes, others)) for step in load.steps))
    told = shop.told(replace(measured.evidence(), load=lumped))
    known = told["n-plus-one", "history"]
    assert known.status == "ambiguous" and "too many paths" in known.summary
    known = told["missing-index", "by_token"]  # its plan is enough
    assert known.status == "confirmed" and "each call takes 4 ms" in known.summary and known.share is None


def test_evidence_of_another_project_is_said_to_be_one(shop: Shop) -> None:
    load = measured.load()
    steps = tuple(
        replace(step, routes=tuple(replace(route, path=f"/elsewhere{route.path}/x") for route in step.routes), route="")
        for step in load.steps
    )
    other = replace(measured.evidence(), load=replace(load, steps=steps, isolated=()), bundle=None, database=None)
    assert "is it of another project?" in mismatch(shop.program, other)
    assert shop.told(other) == {}
    assert mismatch(shop.program, measured.evidence()) == ""


def test_absurd_figures_do_no_harm(shop: Shop) -> None:
    evidence = measured.evidence()
    assert evidence.load is not None
    for value in (0.0, -1.0, 1e300, 5e-324):
        statements = tuple(
            replace(each, calls=int(value) if abs(value) < 1e18 else 2**62, total_ms=value, rows=-1)
            for each in measured.queries().statements
        )
        load = replace(
            evidence.load,
            steps=tuple(
                replace(step, figures=replace(step.figures, p50=value, requests=0, seconds=value), start=value)
                for step in evidence.load.steps
            ),
            isolated=(RouteStatements("GET /orders", 0, (("3", value, value), ("3", value, value))),),
        )
        told = shop.told(queries_with(replace(evidence, load=load), statements=statements))
        for known in told.values():
            assert known.share is None or 0 <= known.share <= 1
            assert known.ms_per_request is None or known.ms_per_request >= 0


def test_raw_and_normalised_paths_are_one_route(shop: Shop) -> None:
    load = measured.load()
    raw = tuple(
        replace(
            step,
            routes=tuple(replace(route, path=route.path.replace("{id}", "4711") + "?page=2") for route in step.routes),
        )
        for step in load.steps
        if step.phase != "isolate"
    )
    evidence = replace(measured.evidence(), load=replace(load, steps=raw, isolated=()))
    assert shop.told(evidence)["n-plus-one", "cards"].status == "confirmed"
    assert shop.told(evidence)["write-per-row", "tag_all"].status == "not-exercised"


def test_statement_that_only_resembles_is_another(shop: Shop) -> None:
    def changed(statement: Statement) -> Statement:
        shape = statement.shape
        return replace(statement, shape=replace(shape, limited=not shape.limited)) if statement.id == "3" else statement

    evidence = measured.evidence()
    other = queries_with(evidence, statements=tuple(map(changed, measured.queries().statements)))
    known = shop.told(other)["n-plus-one", "history"]
    assert known.status == "not-exercised" and "saw no such statement" in known.summary
    doubted = queries_with(other, remarks=(Remark("warning", "log", "no statement took less than 50 ms"),))
    known = shop.told(doubted)["n-plus-one", "history"]
    assert known.status == "ambiguous" and "not among those that were recorded" in known.summary


ODD: dict[type, tuple[object, ...]] = {
    int: (0, -1, 1, 2**62, -(2**63)),
    float: (0.0, -1.0, 1e308, -1e308, 5e-324),
    str: ("", "\0\x1b[2J", "GET", "/", "{", "public.", "a b"),
}
FIXED = frozenset(["schema", "phase", "verdict", "what", "source", "confidence"])


def mutated(value: object, luck: random.Random) -> object:
    """The same with a few leaves replaced by odd ones of their type, and some lists cut."""
    if isinstance(value, dict):
        return {key: each if key in FIXED else mutated(each, luck) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [mutated(each, luck) for each in value]
    odd = ODD.get(type(value), ())
    return luck.choice(odd) if odd and luck.random() < 0.1 else value


def test_no_figure_whatever_breaks_the_join(shop: Shop) -> None:
    plain = msgspec.to_builtins(measured.evidence())
    for seed in range(60):
        evidence = msgspec.convert(mutated(plain, random.Random(seed)), Evidence)
        for known in shop.told(evidence).values():
            for figure in (known.share, known.ms_per_request, known.calls_per_request):
                assert figure is None or (figure >= 0 and math.isfinite(figure))
            assert known.share is None or known.share <= 1
            assert "nan" not in known.summary and "inf " not in known.summary
