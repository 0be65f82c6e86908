# ruff: noqa: E501
"""Evidence as it could have been measured of `fixtures/shop`, for tests of the report."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import msgspec

from slowpath.commands.project import scanned
from slowpath.model.evidence import (
    BreakingPoint,
    BundlePart,
    Chunk,
    Evidence,
    FeatureLeak,
    Figures,
    LimiterVerdict,
    LoadPart,
    LoadStep,
    MemoryGrowth,
    PlanScan,
    QueriesPart,
    Reading,
    Remark,
    ResourcesPart,
    RouteFigures,
    SchemaDifference,
    SchemaPart,
    Series,
    Statement,
    StatementGroup,
    StatementShape,
    TableUse,
    Tick,
    Verdict,
)
from slowpath.model.finding import Finding, Measured
from slowpath.model.report import Report

SHOP = Path(__file__).parents[1] / "fixtures/shop"
START = 1_790_000_000.0

MEASURED = {
    ("n-plus-one", "Order::summary"): Measured(
        "confirmed", "2.0 + 40 statements a request, 96 ms of the 143 ms of GET /orders.", 96.0, 0.41, 41.0, "GET /orders",
        ("GET /orders", "`list` server/src/routes/orders.rs:22", "`Order::summary`", "SELECT … FROM customers WHERE id = $1"),
        ("-4411", "-4412"),
    ),
    ("missing-index", "sessions.token"): Measured(
        "confirmed", "One sequential scan over 48,000 rows in each request: 9.1 ms of GET /me.", 9.1, 0.13, 1.0, "GET /me",
        ("GET /me", "`by_token`", "SELECT … FROM sessions WHERE token = $1"), ("77",),
    ),
    ("regex-per-call", "tag"): Measured("not-exercised", "The script never goes to POST /products/{id}/tags."),
    ("cpu-bound-in-async", "Passwords::matches"): Measured(
        "confirmed", "POST /login takes 210 ms, of which the database accounts for 4 ms.", 206.0, 0.08, None, "POST /login",
    ),
    ("foreign-key-without-index", "reviews.product_id"): Measured(
        "cheap", "0.04 ms a request: `reviews` has 12 rows.", 0.04, 0.0002, 1.0, "GET /catalog", (), ("91",)
    ),
    ("leading-wildcard", "titled"): Measured(
        "ambiguous", "Two statements fit: which one it is cannot be told.", statements=("55", "56")
    ),
    ("write-per-row", "add_tag"): Measured("contradicted", "POST /products/{id}/tags ran 40 times and wrote once each."),
}  # fmt: skip


@cache
def shop() -> Report:
    """The findings of the shop, some of them joined."""
    return joined(scanned(SHOP)[1])


def joined(report: Report) -> Report:
    return msgspec.structs.replace(report, findings=tuple(map(_joined, report.findings)), measured=True)


def _joined(finding: Finding) -> Finding:
    for (rule, word), measured in MEASURED.items():
        if finding.rule == rule and word in finding.message:
            return msgspec.structs.replace(finding, measured=measured)
    return finding


def figures(requests: int, p95: float, errors: int = 0, seconds: float = 30.0, width: float = 0.06) -> Figures:
    rate = errors / requests if requests else 0.0
    spread = 1.96 * math.sqrt(max(rate, 0.001) / max(requests, 1))
    return Figures(
        requests,
        seconds,
        requests / seconds,
        errors,
        error_rate=rate,
        error_interval=(max(0.0, rate - spread), rate + spread),
        mean=p95 / 2.5,
        p50=p95 / 3,
        p95=p95,
        p99=p95 * 1.6,
        p95_interval=(p95 * (1 - width), p95 * (1 + width)),
    )


def step(
    vus: int, phase: str, at: int, requests: int, p95: float, verdict: Verdict, reason: str, errors: int = 0
) -> LoadStep:
    routes = tuple(
        RouteFigures(method, path, figures(int(requests * share), p95 * slow), (), {"200": int(requests * share)})
        for method, path, share, slow in (
            ("GET", "/orders", 0.5, 1.1), ("GET", "/catalog", 0.3, 0.5), ("POST", "/login", 0.05, 1.6), ("GET", "/me", 0.15, 0.3),
        )
    )  # fmt: skip
    start = START + at * 40 + 6
    own = figures(requests, p95, errors)
    return LoadStep(vus, phase, start, start + 30, own, verdict, reason, routes, "", 0.2 + vus / 900)  # type: ignore[arg-type]


STEPS = (
    step(1, "smoke", 0, 210, 41, "good", "p95 39 to 43 ms"),
    step(10, "double", 1, 2150, 48, "good", "p95 45 to 51 ms"),
    step(20, "double", 2, 4240, 66, "good", "p95 62 to 70 ms"),
    step(40, "double", 3, 7900, 128, "good", "p95 120 to 136 ms"),
    step(80, "double", 4, 11200, 350, "good", "p95 329 to 371 ms"),
    step(160, "double", 5, 11350, 1420, "bad", "p95 is at least 1,335 ms, the limit is 500 ms", 60),
    step(100, "narrow", 6, 11300, 447, "good", "p95 420 to 474 ms"),
    step(115, "narrow", 7, 11420, 493, "undecided", "p95 463 to 523 ms straddles 500 ms"),
    step(130, "narrow", 8, 11380, 610, "bad", "p95 is at least 573 ms, the limit is 500 ms"),
    step(100, "confirm", 9, 11310, 441, "good", "p95 415 to 467 ms"),
    step(130, "confirm", 10, 11390, 622, "bad", "p95 is at least 585 ms, the limit is 500 ms"),
)
TICKS = tuple(
    Tick(START + second, STEPS[second // 40].vus, int(STEPS[second // 40].figures.rps * (0.94 + 0.12 * ((second * 7919) % 13) / 13)),
         (second * 31) % 3 if STEPS[second // 40].vus == 160 else 0, (STEPS[second // 40].figures.p95 or 0) * (0.85 + 0.3 * ((second * 104729) % 17) / 17))
    for second in range(len(STEPS) * 40)
)  # fmt: skip
LOAD = LoadPart(
    schema="slowpath-load/1",
    tools={"k6": "1.1.0"},
    commit="3f9c2d17ab34",
    started=START,
    finished=START + 440,
    script="load/shop.js",
    target="http://127.0.0.1:8080",
    steps=STEPS,
    breaking_point=BreakingPoint(100, 130, True, 377.0, "p95 is at least 585 ms at 130 users, the limit is 500 ms"),
    ticks=TICKS,
    remarks=(
        Remark("warning", "load/shop.js", "`errors` only ever adds 1: it passes on no data", 14, "errors.add(!ok)"),
        Remark("note", "GET /favicon.ico", "fails always: it is not counted"),
    ),
)


def series(name: str, subject: str, unit: str, low: float, high: float) -> Series:
    most = max(tick.vus for tick in TICKS)
    values = tuple(
        low + (high - low) * min(1.0, tick.vus * 1.6 / most) * (0.96 + 0.08 * ((at * 7919) % 11) / 11)
        for at, tick in enumerate(TICKS)
    )
    return Series(name, subject, unit, tuple(tick.time for tick in TICKS), values)


RESOURCES = ResourcesPart(
    schema="slowpath-resources/1",
    tools={"psutil": "7.1.0", "psycopg": "3.2.12"},
    commit="3f9c2d17ab34",
    started=START,
    finished=START + 445,
    series=(
        series("host.cpu", "", "cores", 0.2, 1.7),
        series("host.cores", "", "cores", 2, 2),
        series("process.cpu", "app", "cores", 0.05, 0.35),
        series("process.cpu", "postgres", "cores", 0.05, 0.98),
        series("process.cpu", "k6", "cores", 0.1, 0.3),
        series("process.memory", "app", "bytes", 60e6, 82e6),
        series("process.memory", "postgres", "bytes", 210e6, 260e6),
        series("db.active", "", "sessions", 0, 4),
        series("db.idle", "", "sessions", 4, 0),
        series("db.wait.IO", "", "sessions", 0, 0.3),
        series("db.wait.none", "", "sessions", 0, 3.6),
        series("psi.cpu", "", "%", 0, 22),
    ),
    pool_max=4,
    workers=2,
    verdict=LimiterVerdict(
        "db-cpu",
        "high",
        "PostgreSQL uses 0.98 of 1 core while all 4 connections of the pool run statements.",
        ("`postgres` uses 0.96 cores at 100 users and 0.98 at 130", "4 of 4 sessions are active, none waits for a lock"),
        ("CPU of the application: 0.35 of 2 cores", "memory: 82 MB, steady", "the load generator: k6 uses 0.3 cores"),
        (),
        (Reading("process.cpu", "postgres", 0.96, 0.98, 1.0), Reading("process.cpu", "app", 0.31, 0.35, 2.0), Reading("db.active", "", 3.8, 4.0, 4.0)),
    ),
    growth=(MemoryGrowth("app", 600, 12_000, (-40_000, 61_000), "steady", "the interval holds 0"),),
)  # fmt: skip


def statement(id: str, text: str, calls: int, mean: float, table: str) -> Statement:
    return Statement(
        id, text, StatementShape("select", (table,), (f"{table}.id",)), calls, calls * mean, mean, mean * 9, calls, 3
    )


QUERIES = QueriesPart(
    schema="slowpath-queries/1",
    tools={"sqlglot": "27.0"},
    commit="3f9c2d17ab34",
    started=START,
    finished=START + 440,
    server="15.20",
    sources=("jsonlog", "auto_explain", "pg_stat_user_tables"),
    statements=(
        statement("-4411", 'SELECT "customers"."id", "customers"."name" FROM "customers" WHERE ("customers"."id" = $1) LIMIT $2', 402_000, 0.9, "customers"),
        statement("77", 'SELECT "sessions"."token" FROM "sessions" WHERE ("sessions"."token" = $1)', 9_800, 9.1, "sessions"),
        statement("-4412", 'SELECT "orders"."id" FROM "orders" WHERE ("orders"."customer_id" = $1) ORDER BY "orders"."placed_at" DESC', 9_900, 2.2, "orders"),
        statement("91", 'SELECT "reviews"."id" FROM "reviews" WHERE ("reviews"."product_id" = $1)', 5_900, 0.04, "reviews"),
        statement("fp:a91", "SELECT 1", 46_000, 0.01, ""),
    ),
    groups=(
        StatementGroup("-4411", 9_900, 40, 200, 36.0, "-4412", "high", "ping"),
        StatementGroup("91", 12, 5, 6, 0.2, "", "low", "idle gap"),
    ),
    scans=(PlanScan("77", "sessions", "(token = $1)", 1, 47_999, 240, 2_190, ("token",), "an index on sessions (token)"),),
    tables=(TableUse("sessions", 9_800, 470_400_000, 0, 48_000), TableUse("customers", 0, 0, 402_000, 5_000)),
)  # fmt: skip
DATABASE = SchemaPart(
    schema="slowpath-schema/1",
    commit="3f9c2d17ab34",
    started=START + 500,
    server="15.20",
    compared=("database", "code", "migrations"),
    differences=(
        SchemaDifference("nullable", "orders.note", "NOT NULL", "Nullable<Text>", "NOT NULL", "`orders.note` is NOT NULL, but schema.rs reads it as Nullable", "store/src/schema.rs", 47),
        SchemaDifference("index", "reviews_product_idx", "missing", "unknown", "missing", "no index serves the foreign key"),
    ),
    indexes={"orders": ("orders_pkey (id)",)},
)  # fmt: skip


def written_and_read(evidence: Evidence) -> Evidence:
    return msgspec.json.decode(msgspec.json.encode(evidence), type=Evidence)


BUNDLE = BundlePart(
    schema="slowpath-bundle/1",
    tools={"vite": "8.0.1"},
    commit="3f9c2d17ab34",
    started=START + 510,
    source="visualizer",
    folder="web/dist",
    chunks=(
        Chunk("assets/index-Bq1xT9.js", 812_400, 246_100, True, (("node_modules/xlsx/xlsx.mjs", 402_000), ("node_modules/react-dom/client.js", 178_000), ("node_modules/lodash/lodash.js", 71_000), ("src/pages/ReportPage.tsx", 9_400), *((f"src/components/Part{n}.tsx", 3_000 - n * 20) for n in range(40)))),
        Chunk("assets/index-C7a2.css", 31_000, 6_900, True),
        Chunk("assets/OrderPage-D1.js", 64_000, 20_200, False, (("node_modules/date-fns/index.js", 41_000), ("src/pages/OrderPage.tsx", 17_000))),
        Chunk("assets/CheckoutPage-E4.js", 38_500, 12_800, False, (("src/pages/CheckoutPage.tsx", 30_500),)),
    ),
    first_load_bytes=843_400,
    first_load_gzip=253_000,
    leaks=(FeatureLeak("reports", "node_modules/xlsx/xlsx.mjs", ("index.html", "src/main.tsx", "src/App.tsx", "src/pages/ReportPage.tsx"), 402_000),),
    both_ways=("web/src/pages/HelpPage.tsx",),
    predicted=("xlsx", "lodash"),
    predicted_bytes=790_000,
)  # fmt: skip
EVIDENCE = written_and_read(
    Evidence(
        load=LOAD,
        resources=RESOURCES,
        queries=QUERIES,
        database=DATABASE,
        bundle=BUNDLE,
        remarks=(Remark("warning", "queries", "the window of the log is 4 s longer than the load test"),),
    )
)
