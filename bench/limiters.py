"""Is the limiter named right? Servers that are slow for one known reason, driven by k6 at two levels while watched.

    python bench/limiters.py [CASE…] [--rounds N] [--record FOLDER]

Needs k6, psycopg and PostgreSQL's programs on PATH, and a machine on which nothing else runs. A line for each run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import postgres

from slowpath import parts
from slowpath.model.evidence import BreakingPoint, Figures, LoadPart, LoadStep, ResourcesPart
from slowpath.runtime.limiter import judge
from slowpath.runtime.resources import Watch, WatchPlan

SERVER = Path(__file__).with_name("staged_server.py")
POOL = 4
TABLE = (
    "CREATE TABLE staged AS SELECT i AS id, md5(i::text) || md5((i + 1)::text) AS note FROM generate_series(1, 60000) i"
)
SCRIPT = """import http from 'k6/http'; import { sleep } from 'k6';
const burn = Number(__ENV.BURN);
export const options = { vus: Number(__ENV.USERS), duration: `${__ENV.SECONDS}s`, thresholds: {
  'http_reqs{status:429}': ['count>=0'] }, summaryTrendStats: ['med', 'p(95)', 'p(99)'] };
export default () => { http.get(__ENV.URL); let x = 0; for (let i = 0; i < burn; i++) { x += Math.sqrt(i); }
  if (!burn) { sleep(0.1); } };
export const handleSummary = (data) => ({ [__ENV.SUMMARY]: JSON.stringify(data) });
"""


class Case(NamedTuple):
    """One staged reason, and what the verdict must be."""

    mode: str
    users: tuple[int, int]
    expected: str
    burn: int = 0
    """Turns of an empty loop of the script after each request: k6 gets busy."""
    database: bool = False
    workers: int | None = None


CASES = {
    "cpu": Case("cpu", (5, 60), "cpu"),
    "blocked": Case("blocked", (1, 20), "blocked-workers"),
    "pool": Case("pool", (2, 24), "db-pool", database=True),
    "held": Case("held", (2, 24), "db-pool", database=True),
    "transaction": Case("transaction", (2, 24), "db-pool", database=True),
    "db-cpu": Case("db-cpu", (1, 24), "db-cpu", database=True),
    "locks": Case("locks", (1, 24), "db-locks", database=True),
    "rate-limit": Case("rate-limit", (2, 20), "rate-limit"),
    "generator": Case("fast", (1, 40), "load-generator", burn=400_000),
    "holds": Case("fast", (1, 5), "inconclusive"),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("cases", nargs="*", choices=[*CASES, []])
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--hold", type=float, default=9.0)
    arguments.add_argument("--record", type=Path)
    given = arguments.parse_args()
    names = given.cases or list(CASES)
    right = 0
    with contextlib.ExitStack() as stack:
        address = _database(stack) if any(CASES[name].database for name in names) else ""
        for name in names * given.rounds:
            case = CASES[name]
            resources, load = run(case, address, given.hold)
            verdict = judge(resources, load)
            right += verdict.limiter == case.expected
            sign = "ok " if verdict.limiter == case.expected else "NOT"
            print(f"{sign} {name:12} {verdict.limiter:16} {verdict.confidence:7} {verdict.summary}")
            print("".join(f"      {line}\n" for line in verdict.evidence), end="", flush=True)
            if given.record:
                parts.write(given.record / f"{name}-resources.json", resources)
                parts.write(given.record / f"{name}-load.json", load)
    print(f"{right} of {len(names) * given.rounds} right")


def run(case: Case, address: str, hold: float) -> tuple[ResourcesPart, LoadPart]:
    """One server from start to end, at both levels."""
    environment = {**os.environ, "DATABASE_URL": address if case.database else "", "POOL": str(POOL)}
    command = [sys.executable, str(SERVER), case.mode]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}/"
            os.environ["STAGED_DATABASE"] = address
            watch = Watch(
                WatchPlan(
                    app=(str(server.pid),),
                    database_env="STAGED_DATABASE" if case.database else "",
                    pool_max=POOL if case.database else None,
                    workers=case.workers,
                )
            )
            watch.start()
            steps = [step(url, users, hold, case.burn) for users in case.users]
            return watch.stop(), _load(case, steps)
        finally:
            server.terminate()


def step(url: str, users: int, hold: float, burn: int) -> LoadStep:
    with tempfile.TemporaryDirectory() as made:
        script, summary = Path(made, "script.js"), Path(made, "summary.json")
        script.write_text(SCRIPT)
        k6 = shutil.which("k6") or str(Path(sys.executable).with_name("k6"))
        values = {"USERS": users, "SECONDS": hold, "URL": url, "BURN": burn, "SUMMARY": summary}
        command = [k6, "run", "-q", "--no-usage-report", "--address", "", str(script)]
        command += [word for name, value in values.items() for word in ("-e", f"{name}={value}")]
        start = time.time()
        subprocess.run(command, check=True, capture_output=True)
        end = time.time()
        metrics = json.loads(summary.read_text())["metrics"]
    times, count = metrics["http_req_duration"]["values"], int(metrics["http_reqs"]["values"]["count"])
    errors = round(metrics["http_req_failed"]["values"]["rate"] * count)
    limited = int(metrics.get("http_reqs{status:429}", {}).get("values", {}).get("count", 0))
    figures = Figures(
        count,
        hold,
        count / hold,
        errors,
        limited,
        errors / count,
        p50=times["med"],
        p95=times["p(95)"],
        p99=times["p(99)"],
    )
    bad = times["p(95)"] > 150 or errors > 0.01 * count
    return LoadStep(users, "confirm", start + 0.2 * hold, end - 0.5, figures, "bad" if bad else "good", "staged")


def _load(case: Case, steps: list[LoadStep]) -> LoadPart:
    good, bad = steps
    point = BreakingPoint(good.vus, bad.vus if bad.verdict == "bad" else None, True, good.figures.rps, "staged")
    return LoadPart(schema="slowpath-load/1", script=case.mode, steps=tuple(steps), breaking_point=point)


def _database(stack: contextlib.ExitStack) -> str:
    cluster = stack.enter_context(postgres.cluster())
    database = cluster.database()
    database.ask(TABLE)
    database.ask("ANALYZE staged")
    return database.address


if __name__ == "__main__":
    main()
