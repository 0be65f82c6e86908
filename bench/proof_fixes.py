"""The findings of the live proof with what each costs, and what each fix changes."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import depot
from proof_runs import MAX_VUS, Bench, diagnosed, slowpath, told

from slowpath import parts
from slowpath.model.evidence import BundlePart, LoadPart


class Fix(NamedTuple):
    """A seeded finding, the plan's function that meets it, and the settings under which it shows most."""

    rule: str
    visit: str
    pool: int = 8
    workers: int = 2


FIXES = (
    Fix("n-plus-one", "slips"),
    Fix("missing-index", "lot"),
    Fix("regex-per-call", "part"),
    Fix("cpu-bound-in-async", "login", workers=1),
    Fix("blocking-in-async", "label", workers=1),
    Fix("connection-across-await", "dispatch", pool=2),
    Fix("eager-route", ""),
    Fix("feature-in-first-load", ""),
)
LAST = max(each.name for each in (depot.DEPOT / "migrations").iterdir())
"""The newest migration that has run; a fix brings its own."""
LOGGING = ("log_min_duration_statement", "auto_explain.log_min_duration")


def findings(bench: Bench) -> None:
    """What the mixed plan says of each finding."""
    modules = bench.folder / "modules"
    _client(depot.DEPOT, modules)
    _log(bench, True)
    with depot.service(bench.binary, bench.dsn, POOL_SIZE="8", WORKERS="2") as running:
        more = {"isolate": True, "logs": [f"{bench.cluster.folder}/data/log/*.json"], "bundle": [str(modules)]}
        diagnosed(bench, running, "mix", "mix", 8, 2, **more)
    _log(bench, False)
    project = bench.folder / "mix"
    evidence = project / "diagnosis/evidence.json"
    done = slowpath("scan", "--evidence", str(evidence), "--format", "json", str(project))
    try:
        found = json.loads(done.stdout)["findings"]
    except (ValueError, KeyError):
        raise depot.DepotError(f"scan ended with {done.returncode}: {done.stderr[-300:]}") from None
    print("\n| finding | where | status | ms/request | share | what was measured |\n|---|---|---|---|---|---|")
    for finding in sorted(found, key=lambda each: -(_figure(each, "ms_per_request") or 0)):
        measured = finding.get("measured") or {}
        cost, share = _figure(finding, "ms_per_request"), _figure(finding, "share")
        print(
            f"| {finding['rule']} | {finding['path']}:{finding['start']['line']} | {measured.get('status', 'none')} "
            f"| {'' if cost is None else f'{cost:.1f}'} | {'' if share is None else f'{share:.0%}'} "
            f"| {measured.get('summary', '')} |",
            flush=True,
        )


def fixes(bench: Bench, chosen: Iterable[Fix]) -> None:
    """Each fix applied to a copy, and the same thing measured before and after."""
    print("\n| fixed | median ms: before | after | users: before | after | first load kB: before | after |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for fix in chosen:
        project = depot.fixed(bench.folder / f"fixed-{fix.rule}", depot.DEPOT / f"fixed/{fix.rule}.patch.txt")
        if not fix.visit:
            before, after = (_first_load(bench, source, fix) for source in (depot.DEPOT, project))
            print(f"| {fix.rule} | | | | | {before} | {after} |", flush=True)
            continue
        old = _load(bench, fix, bench.binary, "before")
        binary = shutil.copy(depot.build(project), bench.folder / f"depot-{fix.rule}")
        depot.migrate(bench.database, project, after=LAST)
        new = _load(bench, fix, Path(binary), "after")
        print(
            f"| {fix.rule} | {_median(old)} | {_median(new)} | {told(old.breaking_point)} "
            f"| {told(new.breaking_point)} | | |",
            flush=True,
        )


def _load(bench: Bench, fix: Fix, binary: Path, when: str) -> LoadPart:
    """One thing alone, with more and more users."""
    out = (bench.keep or bench.folder) / f"{fix.rule}-{when}.json"
    with depot.service(binary, bench.dsn, POOL_SIZE=str(fix.pool), WORKERS=str(fix.workers)) as running:
        script = str(depot.DEPOT / "load/one.js")
        given = ["--env", f"TARGET={running.url}", "--env", f"VISIT={fix.visit}"]
        given += ["--hold", str(bench.hold), "--max-vus", str(MAX_VUS)]
        done = slowpath("measure", "load", script, "-o", str(out), *given)
    if not out.is_file():
        raise depot.DepotError(f"{fix.rule}: measure load ended with {done.returncode}: {done.stderr[-300:]}")
    return parts.read_as(out, LoadPart)


def _median(part: LoadPart) -> str:
    """At the fewest users that were held, where nothing queues yet."""
    steps = [step for step in part.steps if step.phase != "smoke" and step.figures.p50 is not None]
    return f"{min(steps, key=lambda step: step.vus).figures.p50:.1f}" if steps else ""


def _first_load(bench: Bench, source: Path, fix: Fix) -> str:
    """Kilobytes of the client's first load, as built."""
    made, out = bench.folder / "dist", bench.folder / "bundle.json"
    if not _client(source, made):
        return "node is missing"
    done = slowpath("measure", "bundle", str(made), "-o", str(out))
    if not out.is_file():
        raise depot.DepotError(f"{fix.rule}: measure bundle ended with {done.returncode}: {done.stderr[-300:]}")
    return f"{parts.read_as(out, BundlePart).first_load_bytes / 1000:.1f}"


def _client(source: Path, made: Path) -> bool:
    """Build the client into a folder; False where node or its packages are not there."""
    shutil.rmtree(made, ignore_errors=True)
    packages = depot.DEPOT / "web/node_modules"
    if shutil.which("node") is None or not packages.is_dir():
        return False
    web = source / "web"
    if not (web / "node_modules").exists():
        (web / "node_modules").symlink_to(packages)
    command = [str(web / "node_modules/.bin/vite"), "build", "--outDir", str(made), "--emptyOutDir"]
    done = subprocess.run(command, cwd=web, capture_output=True, text=True)
    if done.returncode:
        raise depot.DepotError("vite: " + " ".join(done.stderr.split())[-300:])
    return True


def _log(bench: Bench, on: bool) -> None:
    """All statements into the server's log, or none: logging has its price, so the staged cases go without."""
    for name, value in zip(LOGGING, ("0", "5ms") if on else ("-1", "-1"), strict=True):
        bench.database.ask(f"ALTER SYSTEM SET {name} = '{value}'")
    bench.database.ask("SELECT pg_reload_conf()")


def _figure(finding: dict[str, Any], name: str) -> float | None:
    value = (finding.get("measured") or {}).get(name)
    return None if value is None else float(value)
