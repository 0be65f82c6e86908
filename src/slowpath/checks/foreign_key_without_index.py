"""A foreign key that no index begins with, where a query looks rows up by it or the parent's rows are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.needs import Lookup, compared, lookups
from slowpath.program.new_migrations import index
from slowpath.program.schema import Catalogue, PlacedQuery, Schema


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    view = program.schema
    turns = count(1, 2)
    queried = lookups(view, None, foreign=True)
    for lookup in queried:
        yield _queried(program, lookup, rule, next(turns))
    seen = {(lookup.table, lookup.column) for lookup in queried}
    for schema in view.schemas:
        queries = [placed for placed in view.queries if placed.schema.root == schema.root]
        yield from _unqueried(schema, queries, seen, rule, turns)


def _queried(program: Program, lookup: Lookup, rule: Rule, turn: int) -> Finding:
    hottest = lookup.sites[0]
    return rule.finding(
        hottest.place,
        function=hottest.within,
        severity=lookup.severity(program.rust),
        confidence="medium" if all(site.optional for site in lookup.sites) else "high",
        related=lookup.related(),
        cost=f"so `{hottest.within}` reads the whole table, and so does each delete of a parent row",
        where=lookup.where,
        **_index(lookup.lacking, lookup.table, (lookup.column, *lookup.rest), turn),
    )


def _index(lacking: tuple[Catalogue, ...], table: str, columns: tuple[str, ...], turn: int) -> dict[str, Any]:
    """The index to make, in words and as a fix."""
    proposal = index(lacking, table, columns, turn=turn)
    return {"table": table, "column": columns[0], "statement": proposal.statement, "fix": proposal.fix}


def _unqueried(
    schema: Schema, queries: list[PlacedQuery], seen: set[tuple[str, str]], rule: Rule, turns: Iterator[int]
) -> Iterator[Finding]:
    """Foreign keys that only the database looks up: when a row of the parent goes."""
    deletes = {
        placed.query.tables[0]: placed for placed in queries if placed.query.verb == "delete" and placed.query.tables
    }
    bare: dict[tuple[str, str], list[tuple[Catalogue, Place, str]]] = {}
    for catalogue in schema.catalogues:
        for name in catalogue.tables:
            table = catalogue.certain(name)
            if table is None:
                continue
            for key, place in table.foreign():
                column = key.columns[0] if key.columns else ""
                if key.table in deletes and (name, column) not in seen and not catalogue.covers(table, column):
                    bare.setdefault((name, column), []).append((catalogue, place, key.table))
    beside = compared(queries)
    for (name, column), entries in bare.items():
        parent = deletes[entries[0][2]]
        lacking = tuple({catalogue.dialect: catalogue for catalogue, _, _ in entries}.values())
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
            where=schema.where(name, lacking),
            **_index(lacking, name, (column,), next(turns)),
        )
