"""What was measured of the running system: parts, one file of one command each, and the evidence that joins them.

Times are seconds since the epoch (UTC, by the clock of the machine that measured); durations are milliseconds unless
said otherwise; sizes are bytes; CPU is in cores (1.0 is one core busy). None of it holds a bind value, a DSN, a token.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.limiter import Limiter

Verdict = Literal["good", "bad", "undecided"]
Range = tuple[float | None, float | None]
"""Lower and upper bound of a 95 % confidence interval; None where the samples are too few for one."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What every part begins with."""

    schema: str
    """`slowpath-load/1`, `slowpath-resources/1`, `slowpath-queries/1`, `slowpath-schema/1`, `slowpath-bundle/1`."""
    tools: dict[str, str] = {}
    """Name → version of the programs that were used."""
    commit: str = ""
    """The measured checkout's, where one is at hand."""
    started: float = 0.0
    finished: float = 0.0
    complete: bool = True
    """False where it was interrupted or a tool failed; `remarks` say what happened."""
    clock_offset: float = 0.0
    """Seconds that the measured host's clock is ahead of ours."""
    remarks: tuple[Remark, ...] = ()


class Remark(msgspec.Struct, frozen=True):
    """What the reader must know: what is wrong with a script, what could not be read, what weakens a verdict."""

    level: Literal["error", "warning", "note"]
    about: str
    """File, route, tool or source."""
    message: str
    line: int = 0
    """1-based; 0 where no line is meant."""
    instead: str = ""
    """What to write or do instead."""


class Figures(msgspec.Struct, frozen=True):
    """Requests within a window of time."""

    requests: int
    seconds: float
    """Length of the window."""
    rps: float
    errors: int = 0
    """Answers that count as failed, rate-limited ones included."""
    limited: int = 0
    """Answers with status 429."""
    error_rate: float = 0.0
    """0 to 1."""
    error_interval: Range = (None, None)
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    p95_interval: Range = (None, None)


class RouteFigures(msgspec.Struct, frozen=True):
    """One route as k6 names it, numbers and ids in its path replaced: `/orders/{id}`."""

    method: str
    path: str
    figures: Figures
    names: tuple[str, ...] = ()
    """Some of the `name` tags that were counted here."""
    statuses: dict[str, int] = {}
    """Status → answers."""


class Tick(msgspec.Struct, frozen=True, array_like=True):
    """One second of a load test."""

    time: float
    vus: int
    requests: int
    errors: int
    p95: float | None


class LoadStep(msgspec.Struct, frozen=True):
    """One level of concurrent users, held. `start` to `end` is what was judged: warm-up lies before it."""

    vus: int
    phase: Literal["smoke", "double", "narrow", "confirm", "isolate", "soak"]
    start: float
    end: float
    figures: Figures
    verdict: Verdict
    reason: str
    routes: tuple[RouteFigures, ...] = ()
    route: str = ""
    """With `isolate`: the one that ran, as `METHOD path`."""
    generator_cpu: float | None = None
    """Cores that k6 used."""
    dropped: int = 0
    """Iterations that arrival-rate executors could not start."""


class BreakingPoint(msgspec.Struct, frozen=True):
    """The most concurrent users before a limit is crossed lies between the two steps."""

    last_good: int | None
    """Users; None where no step was good."""
    first_bad: int | None
    """Users; None where no step was bad: the system held all that was tried."""
    confirmed: bool
    """Both were run once more, with the same verdicts."""
    rps: float | None
    """At the last good step."""
    reason: str
    """Why the first bad step is bad, or why none was found."""


class Limits(msgspec.Struct, frozen=True):
    """What a good step keeps within."""

    p95_ms: float = 500.0
    error_rate: float = 0.01
    """0 to 1."""


class RouteStatements(msgspec.Struct, frozen=True):
    """Exact: what ran while one route was driven alone."""

    route: str
    """`METHOD path` as in the load part."""
    requests: int
    statements: tuple[tuple[str, float, float], ...]
    """(id, calls per request, milliseconds per request)."""


class LoadPart(Header, frozen=True, kw_only=True):
    """`measure load`."""

    script: str = ""
    """As it was given, relative to the project where it lies there."""
    target: str = ""
    """Scheme, host and port that most requests went to."""
    limits: Limits = Limits()
    steps: tuple[LoadStep, ...] = ()
    breaking_point: BreakingPoint | None = None
    ticks: tuple[Tick, ...] = ()
    isolated: tuple[RouteStatements, ...] = ()
    """With `--isolate`: what each route asked the database."""


class Series(msgspec.Struct, frozen=True):
    """One measured quantity over time.

    Names: `host.cpu` (cores), `host.cores`, `host.iowait`, `host.steal`, `host.softirq`, `host.memory` (bytes used),
    `host.memory_total`, `psi.cpu` | `psi.memory` | `psi.io` (some task waited: % of the second), `disk.read` |
    `disk.write` (bytes/s), `disk.busy` (share, busiest disk), `net.bytes` | `net.link` (bytes/s, of a card),
    `process.cpu` | `process.memory` | `process.threads` (of `subject`: app, postgres, k6, reader of
    k6's results, slowpath),
    `other.cpu` (cores of processes that nobody asked to watch, by name),
    `process.cpu_wait` (cores' worth of threads that were ready and waited), `process.busiest_thread` (share of the time
    that one thread ran or was ready), `process.blocked` (threads in uninterruptible sleep), `process.event_loops` and
    `process.stalled_loops` (those that sleep in something else than their events), `container.cpu` |
    `container.cpu_limit` | `container.memory` | `container.memory_limit`, `container.throttled` (share of periods),
    `db.active` | `db.idle` | `db.idle_in_transaction` (sessions of the app), `db.used` (those that did something in the
    last two seconds), `db.wait.<Type>` (active sessions waiting, `db.wait.none` those that run), `db.blocked` (sessions
    behind a lock), `db.oldest_transaction` (s), `db.max_connections`,
    `prom.<query's name>`.
    """

    name: str
    subject: str = ""
    unit: str = ""
    times: tuple[float, ...] = ()
    values: tuple[float, ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """One quantity at the last good and at the first bad step: median of its samples there."""

    name: str
    subject: str
    good: float | None
    bad: float | None
    limit: float | None = None
    """What it can reach at most, where that is known."""


class LimiterVerdict(msgspec.Struct, frozen=True):
    """What holds the system at its knee."""

    limiter: Limiter
    confidence: Literal["high", "medium", "low"]
    summary: str
    """One sentence."""
    evidence: tuple[str, ...] = ()
    exonerated: tuple[str, ...] = ()
    """What it is not, with the figure that says so."""
    probe: tuple[str, ...] = ()
    """What to measure next where it is inconclusive."""
    readings: tuple[Reading, ...] = ()


class MemoryGrowth(msgspec.Struct, frozen=True):
    """Of one process under constant load, by Theil and Sen."""

    subject: str
    seconds: float
    slope: float
    """Bytes a minute."""
    interval: Range
    verdict: Literal["grows", "steady", "undecided"]
    reason: str


class ResourcesPart(Header, frozen=True, kw_only=True):
    """`measure resources`."""

    series: tuple[Series, ...] = ()
    pool_max: int | None = None
    """Connections that the app's pool may open, where that is known."""
    workers: int | None = None
    """Async worker threads of the app, where that is known."""
    verdict: LimiterVerdict | None = None
    growth: tuple[MemoryGrowth, ...] = ()


class StatementShape(msgspec.Struct, frozen=True):
    """What a statement does, as sqlglot reads it; empty where it cannot."""

    verb: str = ""
    """select, insert, update, delete, other."""
    tables: tuple[str, ...] = ()
    """The one selected from first; lower case, `schema.` left out for public."""
    filters: tuple[str, ...] = ()
    """`table.column` of WHERE, compared with a value; `.column` where the table is not certain."""
    joins: tuple[tuple[str, str], ...] = ()
    order: tuple[str, ...] = ()
    limited: bool = False


class Statement(msgspec.Struct, frozen=True):
    """One normalised statement within the measured window."""

    id: str
    """`query_id` of PostgreSQL as decimal text, or `fp:` and a fingerprint of the text."""
    text: str
    """With parameters in the place of values; cut at 2,000 characters."""
    shape: StatementShape
    calls: int
    total_ms: float
    mean_ms: float
    max_ms: float | None = None
    rows: int | None = None
    blocks_read: int | None = None
    source: Literal["log", "pg_stat_statements"] = "log"


class StatementGroup(msgspec.Struct, frozen=True):
    """An N+1 at run time: one statement again and again within one checkout of a connection, or one transaction."""

    statement: str
    """Its id."""
    windows: int
    """Checkouts in which it repeats."""
    repeats_median: float
    repeats_max: int
    ms_median: float
    """Time in the repeats of one window."""
    first: str = ""
    """Id of the statement right before the repeats: perhaps the one that gave the rows."""
    confidence: Literal["high", "medium", "low"] = "high"
    how: str = ""
    """How the windows were found: `ping` (SELECT 1 on checkout), `transaction`, `idle gap`."""


class PlanScan(msgspec.Struct, frozen=True):
    """A sequential scan in a plan."""

    statement: str
    table: str
    filter: str
    """With values replaced."""
    rows_kept: float
    rows_removed: float
    executions: int
    """Plans seen with it."""
    total_ms: float
    columns: tuple[str, ...] = ()
    """That the filter compares: what an index would lead with."""
    hint: str = ""


class TableUse(msgspec.Struct, frozen=True):
    """pg_stat_user_tables, after less before."""

    table: str
    seq_scans: int
    seq_rows: int
    index_scans: int
    rows: int
    """Live rows, estimated."""


class QueriesPart(Header, frozen=True, kw_only=True):
    """`measure queries`."""

    server: str = ""
    """PostgreSQL's version."""
    sources: tuple[str, ...] = ()
    """Of: jsonlog, csvlog, stderr, auto_explain, pg_stat_statements, pg_stat_user_tables."""
    statements: tuple[Statement, ...] = ()
    """By total time, most first."""
    groups: tuple[StatementGroup, ...] = ()
    scans: tuple[PlanScan, ...] = ()
    tables: tuple[TableUse, ...] = ()


class SchemaDifference(msgspec.Struct, frozen=True):
    """A thing that two of the three do not agree on."""

    what: Literal["table", "column", "type", "nullable", "index", "constraint"]
    name: str
    """`table`, `table.column` or the index."""
    database: str
    code: str
    """What schema.rs says; `unknown` where it cannot know."""
    migrations: str
    message: str
    path: str = ""
    line: int = 0


class SchemaPart(Header, frozen=True, kw_only=True):
    """`measure schema`."""

    server: str = ""
    compared: tuple[str, ...] = ()
    """Of: database, code, migrations."""
    differences: tuple[SchemaDifference, ...] = ()
    indexes: dict[str, tuple[str, ...]] = {}
    """Table → its indexes in the database, each as `name (column, column)`."""
    baseline: str = ""
    """Where a baseline migration was written, or nothing."""


class Chunk(msgspec.Struct, frozen=True):
    """One file of the build."""

    file: str
    bytes: int
    gzip: int
    first_load: bool
    """Loaded with the first page: the closure of static imports of the entries."""
    modules: tuple[tuple[str, int], ...] = ()
    """(module, approximate bytes of it in the chunk), largest first; at most 200."""


class FeatureLeak(msgspec.Struct, frozen=True):
    """A module of a feature that the first load holds, and the shortest chain of imports that brings it in."""

    feature: str
    module: str
    chain: tuple[str, ...]
    bytes: int


class BundlePart(Header, frozen=True, kw_only=True):
    """`measure bundle`."""

    source: str = ""
    """Of: visualizer, vite-manifest, esbuild, webpack."""
    folder: str = ""
    chunks: tuple[Chunk, ...] = ()
    first_load_bytes: int = 0
    first_load_gzip: int = 0
    leaks: tuple[FeatureLeak, ...] = ()
    both_ways: tuple[str, ...] = ()
    """Modules that are imported both statically and by `import()`: the latter splits nothing."""
    predicted: tuple[str, ...] = ()
    """Packages and modules that the static reading expects in the first load."""
    predicted_bytes: int | None = None
    exact: bool = False
    """The modules' bytes are those in the file, not a share of it by the length of their source."""
    entries: tuple[str, ...] = ()
    """The modules that the first load begins with."""
    absent: tuple[str, ...] = ()
    """Predicted, and not in the first load that was built."""
    unpredicted: tuple[tuple[str, int], ...] = ()
    """(package or module, bytes) of the first load that the static reading does not expect, largest first."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`measure join`: the parts, checked against each other. Read by `scan --evidence` and `report`."""

    schema: str = "slowpath-evidence/1"
    load: LoadPart | None = None
    resources: ResourcesPart | None = None
    queries: QueriesPart | None = None
    database: SchemaPart | None = None
    bundle: BundlePart | None = None
    remarks: tuple[Remark, ...] = ()
    """What the join found: clocks that differ, parts of other commits, windows that do not overlap."""
