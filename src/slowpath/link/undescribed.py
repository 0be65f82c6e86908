"""The `table!`s of packages whose database nothing in the project creates: no migration, no SQL file, no code."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.link.tables import printed
from slowpath.model.diesel import DieselFacts, TableMacro
from slowpath.model.finding import Place
from slowpath.model.rust import RustFacts
from slowpath.model.schema import CreateTable, SqlFacts
from slowpath.program import Program
from slowpath.program.schema import Macro, Schema, Undescribed

SYSTEM = ("pg_", "information_schema.", "sqlite_", "__diesel_", "mysql.", "performance_schema.")
"""How the names of tables begin that the database or a tool keeps for itself."""


def undescribed(
    program: Program, facts: list[tuple[str, DieselFacts]], placed: list[Macro], known: list[Schema]
) -> Iterator[Undescribed]:
    """By package. One of whose tables some are known has its database described elsewhere, as far as it cares."""
    if any(path.endswith(".sql") for path in program.unread):
        return
    created = set(_created(program, known))
    by_package: dict[str, list[tuple[str, DieselFacts]]] = {}
    for path, diesel in facts:
        by_package.setdefault(program.rust.modules[path][0].crate.folder, []).append((path, diesel))
    described = {program.rust.modules[macro.path][0].crate.folder for macro in placed}
    configured = printed(program)
    for folder, own in by_package.items():
        files = [(path, tuple(filter(_is_own, diesel.tables))) for path, diesel in own]
        files = [(path, tables) for path, tables in files if tables]
        tables = [table for _, declared in files for table in declared]
        if not tables or folder in described or any(table.name.rpartition(".")[2] in created for table in tables):
            continue
        files.sort(key=lambda file: (file[0] not in configured, -len(file[1]), file[0]))
        yield Undescribed(
            tuple(files),
            tuple(Place(path, span) for path, diesel in own for span in diesel.embeds),
            any(path in configured for path, _ in files),
        )


def _created(program: Program, known: list[Schema]) -> Iterator[str]:
    """Names of the tables that anything creates, without their schema."""
    for schema in known:
        for catalogue in schema.catalogues:
            yield from (name.rpartition(".")[2] for name in catalogue.tables)
    for file in program.of("rust", "sql"):
        if isinstance(file.facts, RustFacts):
            yield from (name.rpartition(".")[2] for name in file.facts.diesel.created)
        elif isinstance(file.facts, SqlFacts):
            names = [operation.name for operation in file.facts.operations if isinstance(operation, CreateTable)]
            yield from (name.rpartition(".")[2] for name in names)


def _is_own(table: TableMacro) -> bool:
    return not table.name.startswith(SYSTEM)
