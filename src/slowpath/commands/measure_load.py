"""`slowpath measure load`: the most users that a system serves within its limits, by the user's own k6 script."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from slowpath.commands import exits
from slowpath.model.evidence import Limits, LoadPart, Remark

LOADER = ("LD_", "DYLD_")


@click.command("load")
@click.argument("script", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the part there.")
@click.option("--p95-ms", type=click.FloatRange(min=0, min_open=True), default=500.0, show_default=True)
@click.option("--error-rate", type=click.FloatRange(0, 1), default=0.01, show_default=True, help="Share of answers.")
@click.option("--hold", type=click.FloatRange(min=1), default=30.0, show_default=True, help="Seconds for each level.")
@click.option(
    "--start-vus", type=click.IntRange(min=1), default=10, show_default=True, help="Users of the first level."
)
@click.option("--max-vus", type=click.IntRange(min=1), help="Never more users. Default: what the free memory holds.")
@click.option(
    "--env",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="For the script's __ENV; `-` reads them from stdin, a line each.",
)
@click.option(
    "--status", "statuses", type=click.IntRange(100, 599), multiple=True, help="An answer that is no failure."
)
@click.option("--isolate", is_flag=True, help="Drive each route alone, and take what it asks the database.")
@click.option(
    "--database-env", metavar="NAME", help="With --isolate: variable that holds the DSN. Default: DATABASE_URL."
)
@click.option("--soak", type=click.FloatRange(min=1), metavar="SECONDS", help="Hold one level, without a search.")
@click.option("--vus", type=click.IntRange(min=1), help="Users of --soak.")
@click.option("--i-own-this-target", "owned", is_flag=True, help="Public addresses may be loaded.")
@click.option(
    "--check", "only_check", is_flag=True, help="Only say what is wrong with the script, by ten iterations too."
)
def command(
    script: Path,
    output: Path | None,
    p95_ms: float,
    error_rate: float,
    hold: float,
    start_vus: int,
    max_vus: int | None,
    pairs: tuple[str, ...],
    statuses: tuple[int, ...],
    isolate: bool,
    database_env: str | None,
    soak: float | None,
    vus: int | None,
    owned: bool,
    only_check: bool,
) -> None:
    """Find the breaking point of a system with a k6 script, which stays as it is.

    Exit codes: 0 measured (with --check: no error), 2 bad input, 4 inconclusive or cut short (with --check: errors).
    """
    try:
        import psutil  # noqa: F401
    except ImportError:
        exits.needs_extra("psutil")
    from slowpath import parts
    from slowpath.runtime import load, load_text

    plan = load.LoadPlan(
        script=script,
        limits=Limits(p95_ms, error_rate),
        hold=hold,
        start_vus=start_vus,
        max_vus=max_vus,
        env=_pairs(pairs),
        statuses=statuses,
        owned=owned,
        isolate=isolate,
        database_env=database_env,
        soak=soak,
        vus=vus,
        root=_root(script),
    )
    if output is not None:
        try:
            parts.writable(output)
        except parts.PartError as error:
            exits.fail(str(error))
    _hear_interrupts()
    display = load_text.Display(sys.stderr)
    try:
        if only_check:
            _checked(load.check(plan, lambda moment: None))
        part = load.run(plan, display.show)
    except load.LoadError as error:
        display.clear()
        exits.fail(str(error))
    except KeyboardInterrupt:
        display.clear()
        exits.fail("interrupted", exits.INCONCLUSIVE)
    display.clear()
    click.echo(load_text.told(part), nl=False)
    if output is not None:
        try:
            parts.write(output, part)
        except parts.PartError as error:
            exits.fail(str(error))
    sys.exit(_code(part))


def _root(script: Path) -> Path:
    """The project's folder, where one is marked; else the one that we are in, if the script lies there."""
    from slowpath import config

    here, lies = Path.cwd(), script.resolve().parent
    try:
        found = config.project_root([script])
    except config.ConfigError as error:
        exits.fail(str(error))
    return here if found == lies and lies.is_relative_to(here) else found


def _pairs(given: Sequence[str]) -> dict[str, str]:
    env = {}
    told = sys.stdin.read().splitlines() if "-" in given else []
    for pair in (*(entry for entry in given if entry != "-"), *told):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
            what = "a line of stdin" if pair in told else repr(name[:40])  # which may be the rest of a value
            exits.fail(f"--env {what}: not NAME=VALUE")
        if name.startswith(LOADER):
            exits.fail(f"--env {name}: is for the loader of programs, not for a script")
        env[name] = value
    return env


def _checked(remarks: Iterable[Remark]) -> None:
    from slowpath.runtime import load_text

    remarks = list(remarks)
    click.echo(load_text.remarked(remarks) or "nothing wrong is seen in the script\n", nl=False)
    sys.exit(exits.INCONCLUSIVE if any(remark.level == "error" for remark in remarks) else 0)


def _code(part: LoadPart) -> int:
    point = part.breaking_point
    if all(step.figures.p50 is None for step in part.steps):
        return exits.USAGE  # not one answer
    found = point is None or (point.confirmed and (point.first_bad is not None or not _tried_more(part)))
    return 0 if part.complete and found else exits.INCONCLUSIVE


def _tried_more(part: LoadPart) -> bool:
    """Levels above the last good one that nothing decided: where it ends is open."""
    good = (part.breaking_point and part.breaking_point.last_good) or 0
    return any(step.vus > good for step in part.steps)


def _hear_interrupts() -> None:
    """The first one ends the measurement, which is then written; more of them end k6 at once, and nothing else."""
    from slowpath.runtime import k6_run

    heard: list[bool] = []

    def interrupted(*_: object) -> None:
        if heard:
            k6_run.kill_all()
            return
        heard.append(True)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
