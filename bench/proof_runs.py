"""The staged cases of the live proof: limits that are known by construction, and what `diagnose` says of each."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import depot
import postgres

from slowpath import parts
from slowpath.model.evidence import BreakingPoint, Evidence, LimiterVerdict

THINK = 0.4
"""Seconds that a user of the staged plans waits between requests."""
LIMIT = 0.5
"""Seconds of p95 that a good step keeps within."""
MAX_VUS = 160
OPEN = "inconclusive"


class Bench(NamedTuple):
    """Where everything is."""

    binary: Path
    dsn: str
    cluster: postgres.Cluster
    database: postgres.Postgres
    hold: float
    folder: Path
    keep: Path | None


class Case(NamedTuple):
    """One limit, clear by construction."""

    name: str
    limiter: str
    pool: int = 8
    workers: int = 2
    capacity: float | None = None
    """Requests a second, where the service's code says it."""

    @property
    def knee(self) -> float | None:
        """Users at which the wait reaches the limit: in a closed loop N users see N / capacity - think time."""
        return None if self.capacity is None else self.capacity * (LIMIT + THINK)


CASES = (
    Case("pool", "db-pool", pool=3, capacity=3 / 0.05),
    Case("db-cpu", "db-cpu"),
    Case("workers", "blocked-workers", workers=1, capacity=1 / 0.02),
    Case("cpu", "cpu"),
    Case("generator", "load-generator"),
)


class Outcome(NamedTuple):
    verdict: LimiterVerdict | None
    point: BreakingPoint | None
    seconds: float


def cases(bench: Bench, chosen: Iterable[Case], repeat: int) -> None:
    """A line for each run, then how often each was right."""
    print(f"{os.cpu_count()} cores; load of the machine before the first case: {os.getloadavg()[0]:.1f}\n")
    print(
        "| case | limiter: expected | found | confidence | users: expected | found | off by | seconds | if not, why |"
    )
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    said: Counter[tuple[str, str]] = Counter()
    near: dict[str, list[float]] = {}
    for number in range(1, repeat + 1):
        for case in chosen:
            outcome = _outcome(bench, case, number)
            found = outcome.verdict.limiter if outcome.verdict else "none"
            sure = outcome.verdict.confidence if outcome.verdict else ""
            why = outcome.verdict.summary if outcome.verdict and found != case.limiter else ""
            off = _off(case, outcome.point)
            said[case.name, "right" if found == case.limiter else "undecided" if found == OPEN else "wrong"] += 1
            if off is not None:
                near.setdefault(case.name, []).append(off)
            print(
                f"| {case.name} | {case.limiter} | {found} | {sure} | {_users(case.knee)} | {told(outcome.point)} "
                f"| {'' if off is None else f'{off:+.0%}'} | {outcome.seconds:.0f} | {why} |",
                flush=True,
            )
    print()
    for case in chosen:
        within = [abs(off) <= 0.2 for off in near.get(case.name, [])]
        knee = f"; breaking point within 20 % in {sum(within)} of {repeat}" if case.knee else ""
        counts = ", ".join(f"{word} {said[case.name, word]}" for word in ("right", "undecided", "wrong"))
        print(f"{case.name}: of {repeat} the limiter was {counts}{knee}", flush=True)


def _outcome(bench: Bench, case: Case, number: int) -> Outcome:
    started = time.monotonic()
    settings = {"POOL_SIZE": str(case.pool), "WORKERS": str(case.workers)}
    with depot.service(bench.binary, bench.dsn, **settings) as running:
        evidence = diagnosed(bench, running, f"{case.name}-{number}", case.name, case.pool, case.workers)
    verdict = evidence.resources.verdict if evidence.resources else None
    return Outcome(verdict, evidence.load.breaking_point if evidence.load else None, time.monotonic() - started)


def diagnosed(
    bench: Bench, running: depot.Service, name: str, script: str, pool: int, workers: int, **more: object
) -> Evidence:
    """What `slowpath diagnose` measures of the running service."""
    project = depot.fixed(bench.folder / name)
    settings = {
        "script": f"load/{script}.js",
        "env": {"TARGET": running.url},
        "hold": bench.hold,
        "start-vus": 10,
        "max-vus": MAX_VUS,
        "app": [str(running.pid)],
        "postgres": str(bench.cluster.pid),
        "pool-max": pool,
        "workers": workers,
        **more,
    }
    plan = project / "slowpath.toml"
    plan.write_text(plan.read_text().partition("# What `slowpath diagnose`")[0] + _toml(settings))
    done = slowpath("diagnose", str(project), DATABASE_URL=bench.dsn)
    made = project / "diagnosis"
    if bench.keep:
        shutil.copytree(made, bench.keep / name, dirs_exist_ok=True)
    if not (made / "evidence.json").is_file():
        raise depot.DepotError(f"{name}: diagnose ended with {done.returncode}: {done.stderr[-400:]}")
    return parts.read_as(made / "evidence.json", Evidence)


def slowpath(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command of this checkout. An interrupt is handed on, and it has the time to end what it started."""
    command = [sys.executable, "-m", "slowpath", *arguments]
    told = os.environ | environment
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=told) as running:
        try:
            out, errors = running.communicate()
        except KeyboardInterrupt:
            running.terminate()
            running.communicate(timeout=120)
            raise
    return subprocess.CompletedProcess(command, running.returncode, out, errors)


def told(point: BreakingPoint | None) -> str:
    """The breaking point in a table's cell."""
    if point is None or (point.last_good is None and point.first_bad is None):
        return "none"
    if point.first_bad is None:
        return f"over {point.last_good}"
    return f"{point.last_good or 0}–{point.first_bad}" + ("" if point.confirmed else " (unconfirmed)")


def _off(case: Case, point: BreakingPoint | None) -> float | None:
    """How far the middle of what was found is from what is known; 0.1 is 10 % too high."""
    if case.knee is None or point is None or point.last_good is None or point.first_bad is None:
        return None
    return statistics.mean((point.last_good, point.first_bad)) / case.knee - 1


def _users(knee: float | None) -> str:
    return "" if knee is None else f"{knee:.0f}"


def _toml(settings: dict[str, object]) -> str:
    """A `[diagnose]` table; JSON's values are TOML's, tables apart."""
    lines = ["[diagnose]"]
    for name, value in settings.items():
        if isinstance(value, dict):
            pairs = ", ".join(f"{key} = {json.dumps(each)}" for key, each in value.items())
            lines.append(f"{name} = {{ {pairs} }}")
        else:
            lines.append(f"{name} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"
