"""A foreign key that no index begins with, where a query looks rows up by it or the parent's rows are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.needs import Lookup, compared, lookups
from slowpath.program.schema import DIALECT_NAMES, PlacedQuery, Schema


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    view = program.schema
    queried = lookups(view.queries, None, foreign=True)
    for lookup in queried:
        yield _queried(lookup, rule)
    seen = {(lookup.table, lookup.column) for lookup in queried}
    for schema in view.schemas:
        queries = [placed for placed in view.queries if placed.schema.root == schema.root]
        yield from _unqueried(schema, queries, seen, rule)


def _queried(lookup: Lookup, rule: Rule) -> Finding:
    hottest = lookup.sites[0]
    related = [Step(site.place, f"also by `{lookup.column}` in `{site.within}`") for site in lookup.sites[1:]]
    related += [Step(place, f"compared beside an indexed condition in `{within}`") for place, within in lookup.beside]
    related += [Step(place, "the column") for place in lookup.declared]
    return rule.finding(
        hottest.place,
        function=hottest.within,
        confidence="medium" if all(site.optional for site in lookup.sites) else "high",
        related=related,
        cost=f"so `{hottest.within}` reads the whole table, and so does each delete of a parent row",
        **_names(lookup.table, lookup.column, lookup.dialects, lookup.everywhere),
    )


def _names(table: str, column: str, dialects: tuple[str, ...], everywhere: bool) -> dict[str, Any]:
    where = "" if everywhere else " in " + " and ".join(DIALECT_NAMES[dialect] for dialect in dialects)
    return {"table": table, "column": column, "where": where, "name": f"{table.replace('.', '_')}_{column}_idx"}


def _unqueried(schema: Schema, queries: list[PlacedQuery], seen: set[tuple[str, str]], rule: Rule) -> Iterator[Finding]:
    """Foreign keys that only the database looks up: when a row of the parent goes."""
    deletes = {
        placed.query.tables[0]: placed for placed in queries if placed.query.verb == "delete" and placed.query.tables
    }
    bare: dict[tuple[str, str], list[tuple[str, Place, str]]] = {}
    for catalogue in schema.catalogues:
        for name in catalogue.tables:
            table = catalogue.certain(name)
            if table is None:
                continue
            for key, place in table.foreign():
                column = key.columns[0] if key.columns else ""
                if key.table in deletes and (name, column) not in seen and not catalogue.covers(table, column):
                    bare.setdefault((name, column), []).append((catalogue.dialect, place, key.table))
    beside = compared(queries)
    for (name, column), entries in bare.items():
        known = sum(name in catalogue.tables for catalogue in schema.catalogues)
        parent = deletes[entries[0][2]]
        dialects = tuple(dialect for dialect, _, _ in entries)
        site = Place(parent.path, parent.query.span)
        yield rule.finding(
            entries[0][1],
            function=parent.query.function,
            severity="note",
            confidence="medium",
            related=[
                Step(site, f"deletes from `{entries[0][2]}`"),
                *(Step(place, "the key") for _, place, _ in entries[1:]),
                *(
                    Step(place, f"compared beside an indexed condition in `{within}`")
                    for place, within in beside.get((schema.root, f"{name}.{column}"), ())
                ),
            ],
            cost=f"so each delete from `{entries[0][2]}` reads the whole table to find the rows that refer to it",
            **_names(name, column, dialects, len(dialects) == known),
        )
