"""A measurement of `fixtures/shop` as it might be: what the tests of the join change here and there."""

from __future__ import annotations

from slowpath.model.evidence import (
    BreakingPoint,
    BundlePart,
    Chunk,
    Evidence,
    FeatureLeak,
    Figures,
    LoadPart,
    LoadStep,
    PlanScan,
    QueriesPart,
    ResourcesPart,
    RouteFigures,
    RouteStatements,
    SchemaDifference,
    SchemaPart,
    Series,
    Statement,
    TableUse,
)
from slowpath.runtime.shapes import shape

START = 1_700_000_000.0
ROUTES = {
    # route: (requests at the knee, median ms, processor ms a request)
    "POST /login": (100, 62.0, 58.0),
    "GET /orders": (400, 25.0, 3.0),
    "GET /catalog": (300, 40.0, 4.0),
    "GET /me": (200, 6.0, 1.0),
    "GET /catalog/find/lamp": (50, 2.0, 1.0),
    "GET /catalog/find/chair": (50, 2.0, 1.0),
    "POST /orders": (60, 8.0, 2.0),
    "GET /orders/{id}": (80, 5.0, 1.5),
    "GET /terms": (40, 1.0, 0.7),
    "POST /products/{id}/label": (30, 31.0, 0.9),
}
REFUSED = "POST /products/{id}/tags"
STATEMENTS = {  # id: as Diesel sends it
    "1": 'SELECT "customers"."id", "customers"."name" FROM "customers" WHERE ("customers"."email" = $1) LIMIT $2',
    "2": 'INSERT INTO "sessions" ("token", "customer_id") VALUES ($1, $2)',
    "3": 'SELECT "customers"."id", "customers"."name" FROM "customers" WHERE ("customers"."id" = $1) LIMIT $2',
    "4": 'SELECT "orders"."id", "orders"."status" FROM "orders" WHERE ("orders"."customer_id" = $1)',
    "5": 'SELECT "reviews"."stars" FROM "reviews" WHERE (("reviews"."product_id" = $1) AND ("reviews"."hidden" = $2))',
    "6": 'SELECT "customers"."id", "customers"."name" FROM ("sessions" INNER JOIN "customers" ON '
    '("sessions"."customer_id" = "customers"."id")) WHERE ("sessions"."token" = $1) LIMIT $2',
    "7": 'SELECT "products"."id" FROM "products" WHERE ("products"."title" LIKE $1) ORDER BY "products"."id" LIMIT $2',
    "8": 'SELECT "products"."price_cents" FROM "products" WHERE ("products"."id" = $1) LIMIT $2',
    "9": 'UPDATE "products" SET "stock" = ("products"."stock" - $1) WHERE ("products"."id" = $2)',
}
ISOLATED = {
    # route: {statement: (calls a request, ms a request)}
    "POST /login": {"1": (1.0, 0.3), "2": (1.0, 0.4)},
    "GET /orders": {"3": (20.0, 6.0), "4": (1.0, 0.9)},
    "GET /catalog": {"5": (24.0, 18.0)},
    "GET /me": {"6": (1.0, 4.0)},
    "GET /catalog/find/lamp": {"7": (1.0, 0.3)},
    "GET /catalog/find/chair": {"7": (1.0, 0.2)},
    "POST /orders": {"8": (1.0, 0.2), "9": (1.0, 0.3)},
    "GET /orders/{id}": {"3": (2.0, 0.3)},
    "GET /terms": {},
    "POST /products/{id}/label": {"8": (1.0, 0.2)},
}


def figures(requests: int, median: float, errors: int = 0) -> Figures:
    return Figures(requests, 30.0, requests / 30, errors, p50=median, p95=3 * median, error_rate=errors / requests)


def step(name: str, vus: int, start: float, phase: str = "double", verdict: str = "good") -> LoadStep:
    routes = [
        RouteFigures(*route.split(" "), figures(requests, median)) for route, (requests, median, _) in ROUTES.items()
    ]
    routes.append(RouteFigures(*REFUSED.split(" "), figures(20, 1.0, errors=20)))
    total = figures(sum(route.figures.requests for route in routes), 20.0)
    return LoadStep(vus, phase, start, start + 30, total, verdict, name, tuple(routes))  # type: ignore[arg-type]


def isolated(index: int, route: str) -> LoadStep:
    _, median, _ = ROUTES[route]
    start = START + 300 + 10 * index
    return LoadStep(1, "isolate", start, start + 10, figures(200, median), "good", "", (), route)


def load(*, alone: bool = True) -> LoadPart:
    steps = [
        step("quiet", 1, START, "smoke"),
        step("holds", 40, START + 60),
        step("breaks", 80, START + 120, verdict="bad"),
    ]
    if alone:
        steps += [isolated(index, route) for index, route in enumerate(ROUTES)]
    return LoadPart(
        schema="slowpath-load/1",
        started=START,
        finished=START + 400,
        script="load/shop.js",
        target="http://127.0.0.1:8080",
        steps=tuple(steps),
        breaking_point=BreakingPoint(40, 80, True, 44.0, "p95 is over 500 ms"),
        isolated=tuple(
            RouteStatements(route, 200, tuple((name, *cost) for name, cost in each.items()))
            for route, each in ISOLATED.items()
        )
        if alone
        else (),
    )


def resources() -> ResourcesPart:
    times, values = [], []
    for index, (_, _, cpu) in enumerate(ROUTES.values()):
        for second in range(10):
            times.append(START + 300 + 10 * index + second + 0.5)
            values.append(200 * cpu / 1000 / 10)
    return ResourcesPart(
        schema="slowpath-resources/1",
        started=START,
        finished=START + 400,
        series=(Series("process.cpu", "app", "cores", tuple(times), tuple(values)),),
    )


def queries(*, alone: bool = True) -> QueriesPart:
    seen = []
    driven = {route: 3 * requests + 200 * alone for route, (requests, _, _) in ROUTES.items()}
    for name, text in STATEMENTS.items():
        calls = sum(each[name][0] * driven[route] for route, each in ISOLATED.items() if name in each)
        spent = sum(each[name][1] * driven[route] for route, each in ISOLATED.items() if name in each)
        seen.append(Statement(name, text, shape(text), int(calls), spent, spent / calls, rows=int(calls)))
    return QueriesPart(
        schema="slowpath-queries/1",
        started=START - 5,
        finished=START + 405,
        server="15.4",
        statements=tuple(seen),
        scans=(
            PlanScan("5", "reviews", "(product_id = ?) AND (NOT hidden)", 4, 49_996, 900, 17_000.0, ("product_id",)),
            PlanScan("6", "sessions", "(token = ?)", 1, 80_000, 200, 800.0, ("token",)),
        ),
        tables=(TableUse("reviews", 48_000, 2_400_000_000, 0, 50_000), TableUse("sessions", 2000, 1, 0, 80_001)),
    )


def schema() -> SchemaPart:
    return SchemaPart(
        schema="slowpath-schema/1",
        started=START,
        finished=START + 1,
        compared=("database", "code", "migrations"),
        differences=(
            SchemaDifference("nullable", "orders.note", "not null", "nullable", "not null", "orders.note is NOT NULL"),
        ),
        indexes={"reviews": ("reviews_pkey (id)",), "sessions": ("sessions_pkey (id)",)},
    )


def bundle() -> BundlePart:
    first = (
        ("node_modules/react-dom/client.js", 130_000),
        ("src/pages/ReportPage.tsx", 9_000),
        ("node_modules/html2canvas/dist/html2canvas.js", 45_000),
    )
    return BundlePart(
        schema="slowpath-bundle/1",
        started=START,
        finished=START + 1,
        source="visualizer",
        folder="web/dist",
        chunks=(
            Chunk("assets/index-a1.js", 190_000, 60_000, True, first),
            Chunk("assets/OrdersPage-b2.js", 20_000, 7_000, False, (("src/pages/OrdersPage.tsx", 9_000),)),
        ),
        first_load_bytes=190_000,
        first_load_gzip=60_000,
        leaks=(
            FeatureLeak("reports", "src/pages/ReportPage.tsx", ("src/main.tsx", "src/pages/ReportPage.tsx"), 400_000),
        ),
        both_ways=("src/pages/ProductPage.tsx",),
    )


def evidence() -> Evidence:
    return Evidence(load=load(), resources=resources(), queries=queries(), database=schema(), bundle=bundle())
