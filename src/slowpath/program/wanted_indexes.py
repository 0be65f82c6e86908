"""What all queries of a program need, column by column.

In: the needs of each query. Out: one look-up per column that lacks an index. A query that could do with an index on one
column or on another takes the one that more queries have: fewer indexes serve them all.
"""

from __future__ import annotations

from collections import Counter
from re import Pattern
from typing import NamedTuple

from slowpath.model.finding import Place, Severity, Step
from slowpath.program import Program
from slowpath.program.endpoints import Endpoints
from slowpath.program.liveness import Liveness
from slowpath.program.needs import FOREIGN, LOOKUPS, Need, needs
from slowpath.program.rust import RustProgram
from slowpath.program.schema import Catalogue, PlacedQuery, Schema


class Wanted(NamedTuple):
    """All queries that need an index on one column."""

    table: str
    column: str
    function: str
    rest: tuple[str, ...]
    """Columns that an index should list after it, because each of the queries asks for them too."""
    lacking: tuple[Catalogue, ...]
    """Those that have no such index."""
    where: str
    """Names their dialects, if others have one."""
    everywhere: bool
    """No query finds such an index in any database that it may be sent to."""
    sites: tuple[Need, ...]
    """Those that endpoints which list things lead to come first, then those of others."""
    beside: tuple[tuple[Place, str], ...]
    """Other conditions on the column, which an index already spares a full read, with the functions around them."""
    declared: tuple[Place, ...]
    """Where the migrations declare the column."""

    def severity(self, rust: RustProgram) -> Severity | None:
        """A note, where only start-up and command lines send such queries."""
        functions = [rust.around(site.place) for site in self.sites]
        served = any(function is None or rust.shared(Liveness).is_live(function) for function in functions)
        return None if served else "note"

    def related(self) -> list[Step]:
        """The other sites, and the column."""
        return [
            *(Step(site.place, f"also by `{self.column}` in `{site.within}`") for site in self.sites[1:]),
            *(Step(place, f"compared beside an indexed condition in `{within}`") for place, within in self.beside),
            *(Step(place, "the column") for place in self.declared),
        ]


class _Found:
    """The needs for one column, and who was asked."""

    def __init__(self) -> None:
        self.needs: set[Need] = set()
        self.lacking: dict[str, Catalogue] = {}
        self.asked: set[str] = set()


def wanted_indexes(program: Program, flags: Pattern[str] | None, *, foreign: bool) -> list[Wanted]:
    """The needs of all queries by column: those on foreign keys, or all others."""
    view, rust = program.schema, program.rust
    asked = [
        (placed, catalogue, candidates)
        for placed in view.queries
        for catalogue in placed.schema.catalogues
        for candidates in needs(placed, catalogue, flags)
    ]
    common = Counter(
        (placed.schema.root, column)
        for placed, _, candidates in asked
        for column in {(need.table, need.column, need.function) for need in candidates}
    )
    found: dict[tuple[str, str, str, str], _Found] = {}
    for placed, catalogue, candidates in asked:
        root = placed.schema.root
        columns = list(catalogue.tables[candidates[0].table].columns)
        need = min(candidates, key=lambda need: _worth(need, common, root, columns))
        if foreign == (need.rank == FOREIGN):
            entry = found.setdefault((root, need.table, need.column, need.function), _Found())
            entry.needs.add(need)
            entry.lacking[catalogue.dialect] = catalogue
            entry.asked.update(c.dialect for c in placed.schema.catalogues if need.table in c.tables)
    schemas = {schema.root: schema for schema in view.schemas}
    beside = compared(view.queries)
    return [
        _wanted(rust, key, entry, schemas[key[0]], beside) for key, entry in sorted(found.items(), key=lambda e: e[0])
    ]


def _worth(
    need: Need, common: Counter[tuple[str, tuple[str, str, str]]], root: str, columns: list[str]
) -> tuple[bool, int, int, int]:
    """The best candidate first; where all is equal, the column that the table lists first."""
    count = common[root, (need.table, need.column, need.function)]
    return need.optional, need.rank, -count, columns.index(need.column) if need.column in columns else 0


def _wanted(
    rust: RustProgram,
    key: tuple[str, str, str, str],
    found: _Found,
    schema: Schema,
    beside: dict[tuple[str, str], list[tuple[Place, str]]],
) -> Wanted:
    root, table, column, function = key
    heat = rust.shared(Endpoints).heat
    sites = sorted(found.needs, key=lambda need: (need.optional, heat(rust.around(need.place)), _order(need)))
    taken = {site.place for site in sites}
    lacking = tuple(found.lacking[dialect] for dialect in sorted(found.lacking))
    columns = [catalogue.tables[table].columns.get(column) for catalogue in lacking]
    return Wanted(
        table,
        column,
        function,
        _shared(sites),
        lacking,
        schema.where(table, lacking),
        found.asked <= set(found.lacking),
        tuple(sites),
        tuple(entry for entry in beside.get((root, f"{table}.{column}"), ()) if entry[0] not in taken),
        tuple(known.place for known in columns if known is not None),
    )


def _shared(sites: list[Need]) -> tuple[str, ...]:
    """What all queries ask for beside the column; those that only may ask for the column do not count."""
    certain = [site.rest for site in sites if not site.optional]
    return tuple(column for column in certain[0] if all(column in rest for rest in certain)) if certain else ()


def compared(queries: list[PlacedQuery]) -> dict[tuple[str, str], list[tuple[Place, str]]]:
    """(root of a schema, column) → where the column is compared, and in which functions, in order."""
    found: dict[tuple[str, str], set[tuple[Place, str]]] = {}
    for placed in queries:
        for predicate in placed.query.predicates:
            if predicate.operator in (*LOOKUPS, "range"):
                entry = (Place(placed.path, predicate.span), placed.query.function)
                for column in (predicate.column, predicate.value):
                    if "." in column:
                        found.setdefault((placed.schema.root, column), set()).add(entry)
    return {column: sorted(places, key=lambda e: (e[0].path, e[0].span)) for column, places in found.items()}


def _order(need: Need) -> tuple[int, int, str, int, str]:
    verbs = {"select": 0, "update": 1}
    return verbs.get(need.verb, 2), need.rank, need.place.path, need.place.span[0], need.within
