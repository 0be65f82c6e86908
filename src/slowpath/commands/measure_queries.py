"""`slowpath measure queries`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slowpath.commands import exits

if TYPE_CHECKING:
    import psycopg

Answer = TypeVar("Answer")
FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("-o", "--output", type=FILE, help="Write the part there.")
@click.option(
    "--log", "logs", type=FILE, multiple=True, metavar="FILE", help="A log of PostgreSQL: JSON, CSV, or text."
)
@click.option("--before", type=FILE, help="A snapshot that was taken before the load.")
@click.option("--after", type=FILE, help="A snapshot that was taken after it.")
@click.option("--load", type=FILE, help="A part of `measure load`: only what ran within it counts.")
@click.option("--snapshot", "taken", type=FILE, help="Take a snapshot of the running database, and write it there.")
@click.option("--database-env", metavar="NAME", help="Environment variable that names the database.")
@click.option(
    "--i-own-this-target", "owned", is_flag=True, help="The database is yours, although its address is public."
)
@click.option("--setup", is_flag=True, help="Print how to turn on what is read here.")
def command(
    output: Path | None,
    logs: tuple[Path, ...],
    before: Path | None,
    after: Path | None,
    load: Path | None,
    taken: Path | None,
    database_env: str | None,
    owned: bool,
    setup: bool,
) -> None:
    """Read what PostgreSQL was asked: N+1 per checkout, sequential scans, slow and chatty statements.

    From its logs, the plans in them, and snapshots of its statistics; no value that a statement held is kept.
    """
    from slowpath import parts

    if (setup or taken) and (logs or before or after or load or output or (setup and taken)):
        exits.fail(f"{'--setup' if setup else '--snapshot'} goes alone, or with --database-env")
    try:
        if setup:
            _setup(database_env, owned)
        elif taken:
            _snapshot(taken, database_env or "DATABASE_URL", owned)
        else:
            _analyse(output, logs, before, after, load)
    except parts.PartError as error:
        exits.fail(str(error))


def _setup(database_env: str | None, owned: bool) -> None:
    from slowpath.runtime import queries_setup

    if database_env is None:
        click.echo(queries_setup.text(None, {}), nl=False)
    else:
        click.echo(queries_setup.text(*_asked(database_env, owned, queries_setup.current)), nl=False)


def _snapshot(path: Path, database_env: str, owned: bool) -> None:
    from slowpath import parts
    from slowpath.runtime import statements

    found = _asked(database_env, owned, statements.snapshot)
    parts.write(path, found)
    counted = "no statements" if found.statements is None else f"{len(found.statements)} statements"
    click.echo(f"{path}: {counted}, {len(found.tables)} tables, {len(found.indexes)} indexes")
    for remark in found.remarks:
        click.echo(f"slowpath: {remark.about}: {remark.message}: {remark.instead}", err=True)


def _analyse(output: Path | None, logs: tuple[Path, ...], before: Path | None, after: Path | None,
             load: Path | None) -> None:  # fmt: skip
    from slowpath import parts
    from slowpath.model.evidence import LoadPart
    from slowpath.model.snapshot import Snapshot
    from slowpath.runtime import queries, queries_text
    from slowpath.runtime.log_files import LogError

    if bool(before) != bool(after):
        exits.fail("--before and --after go together")
    if not logs and not before:
        exits.fail("nothing to read: name a --log, or --before and --after (--setup tells how to get them)")
    then = parts.read_as(before, Snapshot) if before else None
    now = parts.read_as(after, Snapshot) if after else None
    window = queries.window_of(parts.read_as(load, LoadPart)) if load else None
    if load and window is None:
        exits.fail(f"{load}: its load test has no steps, so there is no window")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        part = queries.analyse(logs, then, now, window, _progress)
    except LogError as error:
        exits.fail(str(error))
    if output:
        parts.write(output, part)
    for line in queries_text.lines(part):
        click.echo(line)
    if not part.complete or any(remark.level == "error" for remark in part.remarks):
        sys.exit(exits.INCONCLUSIVE)


def _progress(message: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"slowpath: {message}", err=True)


def _asked(database_env: str, owned: bool, question: Callable[[psycopg.Connection[Any]], Answer]) -> Answer:
    """What a question of a live database yields, or the end of the program with one line."""
    from slowpath.runtime.database import DatabaseError, connect
    from slowpath.runtime.targets import TargetError

    try:
        with connect(database_env, owned) as connection:
            return question(connection)
    except ImportError:
        exits.needs_extra("psycopg")
    except (DatabaseError, TargetError) as error:
        exits.fail(str(error))
