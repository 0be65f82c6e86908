"""LIKE conditions whose pattern begins with anything, on columns that no index of trigrams or words serves.

In: queries with resolved names, and the calls of their functions. Out: by query and table the columns searched so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.diesel import FILLERS, MANDATORY, Predicate
from slowpath.model.finding import Place
from slowpath.program import Program
from slowpath.program.elements import call_of
from slowpath.program.needs import LOOKUPS, split
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.schema import Access, Catalogue, PlacedQuery, Schema, Table

SEARCHES = ("contains", "other")
LIKES = frozenset(["like", "ilike", "similar_to"])
SEARCHED = frozenset(["gin", "gist", "fulltext", "rum", "pgroonga", "bm25"])
"""Kinds of indexes that find a word in the middle of a text."""
MAX_DEPTH = 6


class Search(NamedTuple):
    """`columns` of one table that one function searches, the conditions, and the catalogues that do not serve them."""

    function: Function
    table: Table
    catalogues: tuple[Catalogue, ...]
    columns: tuple[str, ...]
    places: tuple[Place, ...]


class Hit(NamedTuple):
    """A condition on a column, in SQL names."""

    function: Function
    table: str
    column: str
    place: Place
    schema: Schema


def searches(program: Program) -> Iterator[Search]:
    """One for each function and table, in source order."""
    groups: dict[tuple[int, str], list[Hit]] = {}
    for hit in sorted(
        {hit.place: hit for hit in hits(program)}.values(), key=lambda hit: (hit.place.path, hit.place.span)
    ):
        groups.setdefault((id(hit.function), hit.table), []).append(hit)
    placed: dict[tuple[str, str], list[PlacedQuery]] = {}
    for query in program.schema.queries:
        placed.setdefault((query.path, query.query.function), []).append(query)
    for (_, name), found in groups.items():
        function, schema = found[0].function, found[0].schema
        beside = placed.get((function.file, function.fact.name), [])
        lacking = {}
        for catalogue, table in schema.certain(name):
            columns = [hit.column for hit in found if not serves(catalogue, table, hit.column)]
            if columns and not any(is_narrowed(query, catalogue, table) for query in beside):
                lacking[catalogue.dialect] = (catalogue, table, columns)
        for _, table, columns in list(lacking.values())[:1]:
            catalogues = tuple(catalogue for catalogue, _, _ in lacking.values())
            places = tuple(hit.place for hit in found if hit.column in columns)
            yield Search(function, table, catalogues, tuple(dict.fromkeys(columns)), places)


def hits(program: Program) -> Iterator[Hit]:
    """LIKE conditions that begin with a wildcard: of builders by their calls, of SQL as it was read."""
    view = program.rust
    macros = {macro.table.rust: macro for macro in program.schema.macros if macro.fullest}
    for name in sorted(LIKES):
        for site in view.sites.get(name, ()):
            path = [part for part in site.call.receiver.split("::") if part not in FILLERS]
            macro = macros.get(path[-2]) if len(path) > 1 else None
            column = next((c.name for c in macro.table.columns if c.rust == path[-1]), "") if macro is not None else ""
            if macro is not None and column and is_search(view, site):
                yield Hit(site.function, macro.table.name, column, head(site), macro.schema)
    for placed in program.schema.queries:
        for predicate in placed.query.predicates:
            function = view.around(Place(placed.path, predicate.span)) if predicate.operator in SEARCHES else None
            if function is not None:
                found = call_at(function, predicate) if predicate.operator == "other" else None
                place = head(found) if found is not None else Place(placed.path, predicate.span)
                if predicate.operator == "contains" or (found is not None and is_search(view, found)):
                    yield Hit(function, *split(predicate.column), place, placed.schema)


def head(site: Site) -> Place:
    return Place(site.function.file, (site.call.head, site.call.end))


def call_at(function: Function, predicate: Predicate) -> Site | None:
    """The call that a builder's condition is."""
    start, end = predicate.span
    for number, call in enumerate(function.fact.calls):
        if call.name in LIKES and call.head == start and call.end <= end:
            return Site(function, number)
    return None


def is_search(view: RustProgram, site: Site) -> bool:
    """Whether a condition's pattern begins with `%`."""
    args = site.call.args
    return not site.function.test and bool(args) and begins_with_any(view, site.function, args[0], site)


def serves(catalogue: Catalogue, table: Table, column: str) -> bool:
    """Whether an index finds words in a column, or the table has few rows."""
    word = re.compile(rf"\b{re.escape(column)}\b")
    searched = (index for index in table.indexes if index.method in SEARCHED)
    return table.view or catalogue.tiny(table) or any(word.search(part) for index in searched for part in index.parts)


def is_narrowed(placed: PlacedQuery, catalogue: Catalogue, table: Table) -> bool:
    """Whether an index serves another condition of the query on the table, or on one that it is joined with."""
    for predicate in placed.query.predicates:
        owner, column = split(predicate.column)
        other = table if owner == table.name else catalogue.certain(owner)
        joins = split(predicate.value)[0] in placed.query.tables
        bounds = predicate.role == MANDATORY and predicate.operator in (*LOOKUPS, "range") and not joins
        if (
            bounds
            and other is not None
            and catalogue.leads(other, Access(column, predicate.operator, predicate.function))
        ):
            return True
    return False


def begins_with_any(view: RustProgram, function: Function, operand: str, site: Site, depth: int = 0) -> bool:
    """Whether a text begins with `%`: a literal, a `format!`, also through locals and helpers that make it."""
    operand = operand.rstrip("?*")
    if operand[:1] == '"':
        return operand.startswith('"%')
    if depth > MAX_DEPTH or not operand:
        return False
    call = call_of(function, operand)
    if call is None:
        local = view.resolver.binding(function, operand, site.call.start, site.call.scope)
        return local is not None and begins_with_any(view, function, local.init, site, depth + 1)
    if call.name in ("format!", "concat!"):
        return bool(call.args) and call.args[0].startswith('"%')
    made = view.resolve(Site(function, int(operand[1:]))).functions
    if len(made) == 1 and made[0].fact.scopes:
        inner = made[0]
        last = len(inner.fact.calls) - 1
        return last >= 0 and begins_with_any(view, inner, inner.fact.scopes[0].result, Site(inner, last), depth + 1)
    below = call.receiver if call.receiver != "-" else next(iter(call.args), "")
    return begins_with_any(view, function, below, site, depth + 1)
