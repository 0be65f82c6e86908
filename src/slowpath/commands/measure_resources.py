"""`slowpath measure resources`: watch the system while it is loaded, or judge what was watched."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from slowpath import parts
from slowpath.commands import exits
from slowpath.model.evidence import LoadPart, Remark, ResourcesPart

if TYPE_CHECKING:
    from slowpath.runtime.resources import WatchPlan


DATABASE_ENV = "DATABASE_URL"


@click.command("resources")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the part there.")
@click.option("--app", multiple=True, metavar="PID|:PORT|NAME", help="Processes of the application, with children.")
@click.option("--postgres", default="", metavar="PID|NAME", help="PostgreSQL's; found by itself on the same host.")
@click.option("--database-env", metavar="NAME", help=f"Variable with the database's address. Default: {DATABASE_ENV}.")
@click.option("--docker", multiple=True, metavar="[app=|postgres=]NAME", help="Containers, by Docker's Engine API.")
@click.option("--kubectl", default="", metavar="SELECTOR", help="Pods with this label, by `kubectl top`.")
@click.option("--prometheus", default="", metavar="URL", help="Where to ask for the ranges, at the end.")
@click.option("--range", "ranges", multiple=True, metavar="NAME=PROMQL", help="A query, and the name of its series.")
@click.option("--target", default="", metavar="URL", help="The measured host, to compare its clock with ours.")
@click.option("--pool-max", type=click.IntRange(min=1), help="Connections that the application's pool may open.")
@click.option("--workers", type=click.IntRange(min=1), help="Worker threads of the application.")
@click.option("--seconds", type=click.FloatRange(min=1), help="How long; without it, until Ctrl-C.")
@click.option("--i-own-this-target", "owned", is_flag=True, help="Public addresses above are mine to measure.")
@click.option("--judge", "judged", type=click.Path(path_type=Path), metavar="RESOURCES", help="Name the limiter.")
@click.option("--load", type=click.Path(path_type=Path), metavar="LOAD", help="With --judge: the load of that time.")
def command(
    output: Path | None,
    app: tuple[str, ...],
    postgres: str,
    database_env: str | None,
    docker: tuple[str, ...],
    kubectl: str,
    prometheus: str,
    ranges: tuple[str, ...],
    target: str,
    pool_max: int | None,
    workers: int | None,
    seconds: float | None,
    owned: bool,
    judged: Path | None,
    load: Path | None,
) -> None:
    """Watch processors, memory, disk, network and the database while the system is loaded.

    With --judge and --load: say what limits it, from the last good and the first bad step.
    """
    from slowpath.runtime.resources import ResourcesError, WatchPlan

    if judged is not None or load is not None:
        _judge(judged, load, output, pool_max, workers)
        return
    if output is None:
        exits.fail("say where the part goes: -o resources.json")
    if importlib.util.find_spec("psutil") is None:
        exits.needs_extra("psutil")
    if bool(prometheus) != bool(ranges):
        exits.fail("--prometheus and --range go together")
    plan = WatchPlan(
        app=app,
        postgres=postgres,
        database_env=_database_env(database_env),
        docker=docker,
        kubectl=kubectl,
        prometheus=prometheus,
        ranges=_ranges(ranges),
        target=target,
        pool_max=pool_max,
        workers=workers,
        owned=owned,
    )
    try:
        parts.writable(output)
        part = _watched(plan, seconds)
        parts.write(output, part)
    except (ResourcesError, parts.PartError) as error:
        exits.fail(str(error))
    from slowpath.runtime import resources_text

    click.echo(resources_text.watched(part), nl=False)
    if not part.complete:
        sys.exit(exits.INCONCLUSIVE)


def _watched(plan: WatchPlan, seconds: float | None) -> ResourcesPart:
    """Until the time is over or a signal comes; without a time, the signal is how it is meant to end."""
    from slowpath.runtime.resources import Watch

    end = threading.Event()
    before = {number: signal.signal(number, lambda *_: end.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        watch = Watch(plan)
        watch.start()
        if sys.stderr.isatty():
            until = f"for {seconds:.0f} s" if seconds else "until Ctrl-C"
            click.echo(f"watching {until} …", err=True)
        interrupted = end.wait(seconds)
        part = watch.stop(complete=not (interrupted and seconds))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if part.complete:
        return part
    told = Remark("warning", "measure resources", f"interrupted after {part.finished - part.started:.0f} s")
    return msgspec.structs.replace(part, remarks=(*part.remarks, told))


def _judge(
    resources: Path | None, load: Path | None, output: Path | None, pool_max: int | None, workers: int | None
) -> None:
    from slowpath.runtime import growth, limiter, resources_text

    if resources is None or load is None:
        exits.fail("--judge and --load go together: the resources part, and the load part of the same time")
    try:
        part, driven = parts.read_as(resources, ResourcesPart), parts.read_as(load, LoadPart)
        known = {name: value for name, value in (("pool_max", pool_max), ("workers", workers)) if value}
        part = msgspec.structs.replace(part, **known)
        verdict, grown = limiter.judge(part, driven), growth.growth(part, driven)
        parts.write(output or resources, msgspec.structs.replace(part, verdict=verdict, growth=grown))
    except parts.PartError as error:
        exits.fail(str(error))
    click.echo(resources_text.judged(verdict, grown), nl=False)
    if verdict.limiter == "inconclusive":
        sys.exit(exits.INCONCLUSIVE)


def _database_env(named: str | None) -> str:
    """The default only where it is set; a name that was given must be."""
    if named and not os.environ.get(named):
        exits.fail(f"the environment variable {named} is not set")
    return named or (DATABASE_ENV if os.environ.get(DATABASE_ENV) else "")


def _ranges(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for entry in given:
        name, sign, query = entry.partition("=")
        if not sign or not name.strip() or not query.strip():
            exits.fail(f"--range {entry[:60]!r} is not NAME=PROMQL")
        found[name.strip()] = query.strip()
    return found
