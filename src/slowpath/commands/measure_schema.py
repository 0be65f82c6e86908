"""`slowpath measure schema`: the running database against schema.rs and the migrations."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slowpath.commands.exits import fail, needs_extra

if TYPE_CHECKING:
    from psycopg import Connection

    from slowpath.link.layout import Version
    from slowpath.runtime.baseline import Made
    from slowpath.runtime.catalogue import Live
    from slowpath.runtime.database_schema import Project

Answer = TypeVar("Answer")


@click.command("schema")
@click.argument("project", type=click.Path(path_type=Path), default=Path())
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The part to write.")
@click.option("--database-env", default="DATABASE_URL", show_default=True, help="Variable that holds the connection.")
@click.option("--dump", type=click.Path(path_type=Path), help="Read `pg_dump --schema-only` instead of a database.")
@click.option("--migrations", default="", metavar="FOLDER", help="Which migrations, where a project has several.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="With no migrations: write 00000000000000_baseline there.",
)
@click.option("--i-own-this-target", "owned", is_flag=True, help="Allow a database with a public address.")
def command(
    project: Path,
    output: Path,
    database_env: str,
    dump: Path | None,
    migrations: str,
    baseline: Path | None,
    owned: bool,
) -> None:
    """Compare the running database with schema.rs and the migrations of PROJECT (default: here).

    Reads the catalogue of PostgreSQL in a read-only session, or a dump of it.
    """
    from msgspec.structs import replace

    from slowpath import parts
    from slowpath.runtime import checkout, database_schema

    if baseline is not None and dump is not None:
        fail("--baseline asks the database: it goes without --dump")
    started = time.time()
    live = _dumped(dump) if dump is not None else _live(database_env, owned)
    described = _described(project, live, migrations)
    part = database_schema.compare(live, described, dump.name if dump is not None else "")
    if baseline is not None:
        if described.own is not None and described.own.catalogue is not None:
            fail(f"--baseline: the project has migrations, in {described.own.label}")
        made = _baseline(baseline, database_env, owned)
        remarks = [remark for remark in part.remarks if "--baseline" not in remark.instead]
        part = replace(part, baseline=made.up.as_posix(), remarks=(*remarks, *made.remarks))
    tools, commit = {"postgresql": live.server}, checkout.commit(project)
    part = replace(part, started=started, finished=time.time(), tools=tools, commit=commit)
    try:
        parts.write(output, part)
    except parts.PartError as error:
        fail(str(error))
    click.echo(database_schema.told(part), nl=False)


def _live(variable: str, owned: bool) -> Live:
    from slowpath.runtime import catalogue

    return _asked(variable, owned, catalogue.read)


def _baseline(folder: Path, variable: str, owned: bool) -> Made:
    from slowpath.runtime import baseline

    try:
        return _asked(variable, owned, lambda open: baseline.write(folder, open, os.environ.get(variable, "")))
    except baseline.BaselineError as error:
        fail(str(error))


def _asked(variable: str, owned: bool, question: Callable[[Connection[Any]], Answer]) -> Answer:
    try:
        import psycopg
    except ImportError:
        needs_extra("psycopg")
    from slowpath.runtime import database, targets

    try:
        with database.connect(variable, owned) as connection:
            return question(connection)
    except (database.DatabaseError, targets.TargetError) as error:
        fail(str(error))
    except psycopg.Error as error:
        code = f" ({error.sqlstate})" if error.sqlstate else ""
        fail(f"the database of {variable}: its catalogue could not be read: {type(error).__name__}{code}")


def _dumped(path: Path) -> Live:
    """The replay of a dump; the dump's own search path and owners do not matter to it."""
    from slowpath import parts
    from slowpath.link.replay import replay
    from slowpath.runtime import schema_dump
    from slowpath.runtime.catalogue import Live

    try:
        if path.stat().st_size > parts.MAX_BYTES:
            fail(f"{path}: larger than {parts.MAX_BYTES >> 20} MiB: use --schema-only")
        dump = schema_dump.read(path.read_bytes())
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except schema_dump.DumpError as error:
        fail(f"{path}: {error}")
    catalogue = schema_dump.settled(replay("postgres", [(path.name, dump.operations)]))
    return Live(catalogue, dump.server, dump.applied, frozenset(), whole=dump.whole)


def _described(path: Path, live: Live, wanted: str) -> Project:
    """What the project says of this database."""
    from hashlib import sha384

    from slowpath import config
    from slowpath.cache import Cache, directory
    from slowpath.discover import discover
    from slowpath.facts import facts_of
    from slowpath.link import link
    from slowpath.link.layout import version
    from slowpath.link.replay import replay
    from slowpath.model.schema import EVERYTHING, SqlFacts
    from slowpath.model.source import Sources
    from slowpath.runtime.catalogue import version_key
    from slowpath.runtime.database_schema import Project
    from slowpath.runtime.schema_choice import ChoiceError, choose, described

    try:
        root = config.project_root([path])
        found = discover(root, config.load(root).exclude)
    except config.ConfigError as error:
        fail(str(error))
    kept = [file for file in found.files if file[1] in ("rust", "sql", "toml", "patch")]
    files, _, _ = facts_of(found._replace(files=kept), [], 0, Cache(directory()))
    program = link(files, found.unread | {name for name, _, _ in kept if name not in files})
    sources = Sources({name: text for name, _, text in kept})
    try:
        candidates = described(program.schema)
        own = choose(candidates, live.catalogue.tables, wanted)
    except ChoiceError as error:
        fail(str(error))

    def replayed(paths: Iterable[str]) -> Any:
        texts = [(name, files[name].facts) for name in paths]
        steps = [(name, facts.operations) for name, facts in texts if isinstance(facts, SqlFacts)]
        made = replay("postgres", steps)
        whole = own.catalogue if own is not None else None
        if whole is not None and EVERYTHING in whole.doubtful:
            made.doubtful.add(EVERYTHING)
            for table in made.tables.values():
                table.uncertain = True
        return made

    placed = {name: known for name in files if name.endswith(".sql") and (known := version(name))}
    return Project(
        own,
        tuple(each for each in candidates if each is not own),
        program.schema.sql_types,
        {name: version_key(_written(known)) for name, known in placed.items()},
        {name: sha384(text).hexdigest() for name, _, text in kept if name in placed},
        replayed,
        lambda place: sources.line(place.path, place.span[0]),
    )


def _written(known: Version) -> str:
    """A version as the tool that runs it notes it."""
    (numbers, digits) = known.order
    return digits if known.diesel else "-".join(map(str, numbers))
