"""A database, the replayed migrations and schema.rs, pairwise. Pure: values in, differences out.

What a side cannot know is no difference: schema.rs names no index, and a table that a statement touched which the
replay did not understand is left out on its side.
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Place
from slowpath.model.schema import EVERYTHING
from slowpath.program.schema import Catalogue, Macro, Table
from slowpath.runtime.schema_columns import columns, declared_at
from slowpath.runtime.schema_keys import constraints, indexes
from slowpath.runtime.schema_sides import MISSING, THERE, Found, Sides, Thing, disagreement

BOOKKEEPING = frozenset(
    "__diesel_schema_migrations _sqlx_migrations seaql_migrations refinery_schema_history flyway_schema_history "
    "schema_migrations ar_internal_metadata _prisma_migrations knex_migrations knex_migrations_lock "
    "goose_db_version spatial_ref_sys".split()
)
"""Tables of the tools that run migrations, and one that PostGIS makes."""
GONE = False
"""Of a table: certainly not there."""

State = Table | bool | None
"""A table that is certain, GONE, or None where a side cannot tell."""


def compare(sides: Sides, invalid: frozenset[str] = frozenset()) -> Iterator[Found]:
    """All differences, by table. `invalid` are names of indexes that the database does not use."""
    for name in _names(sides):
        own = sides.database.tables.get(name)
        full, macro = _state(sides.full, name), sides.macros.get(name)
        applied = full if _early(sides, name) else _state(sides.applied, name)
        presence = _presence(name, own, applied, full, macro)
        if own is None and _state(sides.database, name) is None:
            continue  # a dump, not all of which is understood
        if presence is not None:
            if presence.database_applied and presence.applied == MISSING and name in sides.elsewhere:
                continue
            found = disagreement(presence)
            if found is not None:
                yield found
                continue
        if own is not None and not own.uncertain:
            later = full if isinstance(full, Table) else None
            yield from columns(own, applied if isinstance(applied, Table) else None, later, macro, sides)
            if isinstance(applied, Table):
                yield from indexes(own, applied, later, invalid)
                yield from constraints(own, applied, later)


def early(sides: Sides) -> list[str]:
    """Tables that are there although the migration that makes them has yet to run."""
    return [name for name in _names(sides) if _early(sides, name)]


def _early(sides: Sides, name: str) -> bool:
    known = name in sides.database.tables and isinstance(_state(sides.full, name), Table)
    return known and _state(sides.applied, name) is GONE


def ignored_schemas(sides: Sides) -> dict[str, int]:
    """Schemas of the database that neither the migrations nor schema.rs speak of, with how many tables they hold."""
    known = _schemas(sides)
    counted: dict[str, int] = {}
    for name in sides.database.tables:
        schema = name.rpartition(".")[0]
        if schema not in known:
            counted[schema] = counted.get(schema, 0) + 1
    return counted


def undeclared(sides: Sides) -> list[str]:
    """Tables that the database and the migrations have, and schema.rs does not: on purpose, perhaps."""
    return sorted(
        name
        for name in _names(sides)
        if isinstance(_state(sides.full, name), Table)
        and name not in sides.macros
        and name in sides.database.tables
        and not sides.database.tables[name].view
        and not sides.database.tables[name].parent
    )


def unsure(sides: Sides) -> list[str]:
    """Tables of the database of which the replay is not certain."""
    return sorted(n for n in _names(sides) if n in sides.database.tables and _state(sides.full, n) is None)


def _names(sides: Sides) -> list[str]:
    catalogues = [each for each in (sides.database, sides.applied, sides.full) if each is not None]
    names = {name for each in catalogues for name in each.tables} | set(sides.macros)
    known = _schemas(sides)
    return sorted(
        name
        for name in names
        if name.rpartition(".")[2] not in BOOKKEEPING
        and name.rpartition(".")[0] in known
        and not name.startswith(("pg_catalog.", "information_schema."))
    )


def _schemas(sides: Sides) -> set[str]:
    """The unnamed one is `public`."""
    told = [*(sides.full.tables if sides.full is not None else ()), *sides.macros]
    return {"", *(name.rpartition(".")[0] for name in told)}


def _state(catalogue: Catalogue | None, name: str) -> State:
    if catalogue is None:
        return None
    table = catalogue.tables.get(name)
    if table is not None:
        return None if table.uncertain else table
    return None if {name, name.rpartition(".")[2], EVERYTHING} & catalogue.doubtful else GONE


def _presence(name: str, own: Table | None, applied: State, full: State, macro: Macro | None) -> Thing | None:
    if own is not None and own.parent and applied is GONE:
        return None  # partitions come and go at run time
    database = THERE if own is not None else MISSING
    # that schema.rs does not declare a table proves nothing
    declared = macro is not None and macro.familiar and not macro.patch.touches(macro.table, "")
    place = declared_at(macro) if macro is not None else None
    for state in (full, applied):
        if isinstance(state, Table) and state.created:
            place = place or Place(state.created, (0, 0))
    told_applied, told_full = _told(applied), _told(full)
    return Thing(
        "table",
        name,
        database,
        told_applied,
        told_full,
        THERE if declared else None,
        told_applied is not None and told_applied != database,
        declared and database == MISSING,
        declared and told_full == MISSING,
        place,
    )


def _told(state: State) -> str | None:
    return None if state is None else THERE if isinstance(state, Table) else MISSING
