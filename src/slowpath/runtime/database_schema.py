"""A database against what a project says of it: the part that `measure schema` writes, and its text for a human."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from slowpath.model.evidence import Remark, SchemaDifference, SchemaPart
from slowpath.model.finding import Place
from slowpath.program.schema import Catalogue
from slowpath.runtime import schema_compare
from slowpath.runtime.catalogue import Live
from slowpath.runtime.schema_choice import Described
from slowpath.runtime.schema_keys import shown
from slowpath.runtime.schema_sides import Found, Sides

SHOWN = 8
RUN = {"diesel": "diesel migration run", "sqlx": "sqlx migrate run"}


class Project(NamedTuple):
    """What a project says of the database. `versions` are the keys of the migrations' versions, by path."""

    own: Described | None
    others: tuple[Described, ...]
    markers: Mapping[str, str]
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    """SHA-384 of the migrations, by path."""
    replayed: Callable[[list[str]], Catalogue]
    """What these migrations leave."""
    line: Callable[[Place], int]


class Progress(NamedTuple):
    """Migrations against the versions that a database notes."""

    ran: list[str]
    pending: list[str]
    unknown: list[str]
    """Versions that no migration of the project has."""


def compare(live: Live, project: Project, dump: str = "") -> SchemaPart:
    """The differences. `dump` names the file that the database's side was read from, if it was one."""
    own = project.own
    full = own.catalogue if own is not None else None
    progress = _progress(live, full, project)
    applied = project.replayed(progress.ran) if full is not None and progress.pending else full
    elsewhere = frozenset(name for other in project.others for name in other.tables())
    macros = own.macros if own is not None else {}
    sides = Sides(live.catalogue, applied, full, macros, project.markers, elsewhere)
    differences = tuple(_placed(found, project) for found in schema_compare.compare(sides, live.invalid))
    return SchemaPart(
        schema="slowpath-schema/1",
        complete=live.whole,
        server=live.server,
        compared=("database", *(["code"] if macros else []), *(["migrations"] if full is not None else [])),
        differences=differences if own is not None else (),
        indexes={name: tuple(_listed(live.catalogue, name)) for name in sorted(live.catalogue.tables)},
        remarks=tuple(_remarks(live, project, progress, sides, dump)),
    )


def _placed(found: Found, project: Project) -> SchemaDifference:
    place = found.place
    if place is None or not place.path:
        return found.difference
    known = found.difference
    return SchemaDifference(
        known.what, known.name, known.database, known.code, known.migrations, known.message, place.path,
        project.line(place),
    )  # fmt: skip


def _listed(catalogue: Catalogue, name: str) -> Iterator[str]:
    table = catalogue.tables[name]
    for key, _ in table.keys:
        if key.kind in ("primary", "unique"):
            yield f"{'unique ' if key.kind == 'unique' else ''}{key.name} ({', '.join(key.columns)})"
    yield from (shown(index) for index in table.indexes)


def _progress(live: Live, full: Catalogue | None, project: Project) -> Progress:
    paths = full.migrations if full is not None else []
    if live.applied is None:
        empty = full is not None and not live.catalogue.tables.keys() & full.tables.keys()
        return Progress([], paths, []) if empty else Progress(paths, [], [])
    known = {project.versions.get(path, "") for path in paths}
    ran = [path for path in paths if project.versions.get(path, "") in live.applied]
    pending = [path for path in paths if path not in set(ran)]
    return Progress(ran, pending, sorted(live.applied - known) if full is not None else [])


def _remarks(live: Live, project: Project, progress: Progress, sides: Sides, dump: str) -> Iterator[Remark]:
    own = project.own
    full = own.catalogue if own is not None else None
    where = dump or "database"
    if not live.whole:
        yield Remark("error", where, "it is cut off: what stands at its end counts as missing", instead="dump it again")
    if own is None:
        yield Remark(
            "warning",
            "migrations",
            "the project has neither migrations nor `table!`s for PostgreSQL: there is nothing to compare with",
        )
    elif full is None:
        yield Remark(
            "warning",
            own.label,
            "no migration makes this database: only schema.rs was compared, and nobody can build the database anew",
            instead="write a baseline migration from the database: --baseline DIR",
        )
    if full is not None and progress.pending:
        few = ", ".join(_name(path) for path in progress.pending[:SHOWN])
        more = f" and {len(progress.pending) - SHOWN} more" if len(progress.pending) > SHOWN else ""
        count = len(progress.pending)
        yield Remark(
            "warning",
            where,
            f"{count} migration{' has' if count == 1 else 's have'} yet to run here: {few}{more}",
            instead=f"run `{RUN['diesel' if full.diesel else 'sqlx']}`",
        )
    if progress.unknown:
        few = ", ".join(progress.unknown[:SHOWN])
        yield Remark(
            "warning",
            where,
            f"the database ran migrations that the project does not have, versions {few}"
            + (f" and {len(progress.unknown) - SHOWN} more" if len(progress.unknown) > SHOWN else "")
            + ": it belongs to another state of the source, so differences are to be expected",
            instead="compare with the commit that was deployed",
        )
    digests = {path: live.digests.get(project.versions.get(path, "")) for path in progress.ran}
    changed = [_name(path) for path, digest in digests.items() if digest and digest != project.digests.get(path)]
    if changed:
        yield Remark(
            "warning",
            where,
            f"changed after they ran here: {_some(changed)}",
            instead="change nothing that ran: add a migration",
        )
    if live.failed:
        yield Remark("error", where, f"sqlx began migration {', '.join(live.failed[:SHOWN])} and did not finish it")
    for name in live.unreadable:
        yield Remark("warning", where, f"this user may not read {name}, so it is not known which migrations ran")
    if full is not None and live.applied is None and not live.unreadable and progress.ran:
        told = "holds no rows of" if dump else "has no"
        yield Remark(
            "note",
            where,
            f"the {'dump' if dump else 'database'} {told} table of Diesel or sqlx that says which migrations ran: "
            "all are taken as run",
        )
    yield from _left_out(sides)


def _left_out(sides: Sides) -> Iterator[Remark]:
    early = schema_compare.early(sides)
    if early:
        yield Remark(
            "warning",
            "database",
            f"{_some(early)}: a migration that has yet to run makes {'it' if len(early) == 1 else 'them'}, "
            "and will fail: it ran without being noted, or somebody made the table by hand",
            instead="note its version as run if the table is as it should be",
        )
    for schema, count in schema_compare.ignored_schemas(sides).items():
        yield Remark("note", f"schema {schema}", f"not compared: the project speaks of none of its {count} tables")
    doubted = schema_compare.unsure(sides) if sides.full is not None else []
    if doubted:
        yield Remark("note", "migrations", f"not judged, since not every statement is understood: {_some(doubted)}")
    lacking = schema_compare.undeclared(sides) if sides.macros else []
    if lacking:
        yield Remark("note", "schema.rs", f"declares no `table!` for {_some(lacking)}: on purpose, perhaps")


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _name(path: str) -> str:
    """A migration as its runner calls it."""
    folder, _, file = path.rpartition("/")
    return folder.rpartition("/")[2] if file == "up.sql" else file


def told(part: SchemaPart) -> str:
    """For a human."""
    sides = {"database": "the database", "code": "schema.rs", "migrations": "the migrations"}
    names = [sides[name] for name in part.compared]
    version = f" (PostgreSQL {part.server})" if part.server else ""
    lines = [f"Compared {_listing(names)}{version}: {_count(part.differences)}."]
    extra = [each for each in part.differences if _is_extra(each)]
    extra = extra if len(extra) > SHOWN else []
    lines += [f"  {_line(each)}" for each in part.differences if each not in extra]
    if extra:
        few = _some([each.name for each in extra])
        lines.append(f"  {len(extra)} tables that no migration makes: {few}: of another program, or made by hand")
    for remark in part.remarks:
        then = f": {remark.instead}" if remark.instead else ""
        lines.append(f"{remark.level}: {remark.about}: {remark.message}{then}")
    if part.baseline:
        lines.append(f"Baseline migration: {part.baseline}")
    return "\n".join(lines) + "\n"


def _is_extra(difference: SchemaDifference) -> bool:
    known = (difference.what, difference.database, difference.code, difference.migrations)
    return known == ("table", "there", "unknown", "missing")


def _line(difference: SchemaDifference) -> str:
    place = f"{difference.path}:{difference.line}: " if difference.path else ""
    return f"{place}{difference.message}"


def _count(differences: Iterable[SchemaDifference]) -> str:
    count = len(list(differences))
    return "no difference" if not count else f"{count} difference{'' if count == 1 else 's'}"


def _listing(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
