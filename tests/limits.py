"""Resources and load of a system at two levels of users, as figures: what tests of the limiter start from."""

from __future__ import annotations

from slowpath.model.evidence import BreakingPoint, Figures, LoadPart, LoadStep, ResourcesPart, Series

GOOD, BAD = (1000.0, 1030.0), (1100.0, 1130.0)
"""When the two steps ran."""
CALM: dict[str, float | tuple[float, float]] = {
    "host.cores": 2,
    "host.cpu": 0.4,
    "host.memory": 4e9,
    "host.memory_total": 16e9,
    "psi.io": 0.5,
    "disk.busy": 0.02,
    "net.bytes/lo": 1e6,
    "process.cpu/app": 0.15,
    "process.cpu/postgres": 0.1,
    "process.cpu/k6": 0.1,
    "process.cpu/slowpath": 0.03,
    "process.busiest_thread/app": 0.1,
    "process.threads/app": 12,
    "process.event_loops/app": 2,
    "process.stalled_loops/app": 0,
    "db.active": 1,
    "db.idle": 7,
    "db.idle_in_transaction": 0,
    "db.used": 3,
    "db.wait.none": 1,
    "db.wait.Lock": 0,
    "db.wait.LWLock": 0,
    "db.wait.IO": 0,
    "db.blocked": 0,
    "db.oldest_transaction": 0.1,
}
"""Nothing is busy. `name/subject` → value, or (at the good step, at the bad step)."""


def resources(*, pool_max: int | None = 8, workers: int | None = None, **changes: object) -> ResourcesPart:
    """CALM with changes; a name's `.` and `/` are written `__` and `___`; None leaves a series out."""
    figures: dict[str, object] = dict(CALM)
    figures |= {name.replace("___", "/").replace("__", "."): value for name, value in changes.items()}
    series = tuple(_series(name, value) for name, value in figures.items() if value is not None)
    return ResourcesPart(schema="slowpath-resources/1", series=series, pool_max=pool_max, workers=workers)


def _series(name: str, value: object) -> Series:
    good, bad = value if isinstance(value, tuple) else (value, value)
    name, _, subject = name.partition("/")
    times = [start + second for start in (GOOD[0], BAD[0]) for second in range(1, 30)]
    return Series(name, subject, "", tuple(times), tuple([float(good)] * 29 + [float(bad)] * 29))


def load(
    *,
    rps: tuple[float, float] = (100.0, 110.0),
    users: tuple[int, int] = (20, 80),
    errors: int = 0,
    limited: int = 0,
    dropped: int = 0,
) -> LoadPart:
    """A good step, and one that is bad by its p95."""
    good = LoadStep(users[0], "confirm", *GOOD, _figures(rps[0], 80.0, 0, 0), "good", "")
    bad = LoadStep(users[1], "confirm", *BAD, _figures(rps[1], 800.0, errors, limited), "bad", "p95", dropped=dropped)
    point = BreakingPoint(users[0], users[1], True, rps[0], "p95")
    return LoadPart(schema="slowpath-load/1", steps=(good, bad), breaking_point=point)


def _figures(rps: float, p95: float, errors: int, limited: int) -> Figures:
    count = int(rps * 30)
    return Figures(count, 30.0, rps, errors, limited, errors / count, p50=p95 * 0.7, p95=p95, p99=p95 * 1.2)
