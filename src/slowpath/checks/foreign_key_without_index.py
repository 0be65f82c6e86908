"""A foreign key that no index begins with, where a query looks rows up by it or the parent's rows are deleted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import reached
from slowpath.program.new_migrations import propose_index
from slowpath.program.schema import Catalogue, PlacedQuery, Schema
from slowpath.program.wanted_indexes import Wanted, compared, wanted_indexes


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    view = program.schema
    turns = count(1, 2)
    queried = wanted_indexes(program, None, foreign=True)
    for want in queried:
        yield _queried(program, want, rule, next(turns))
    seen = {(want.table, want.column) for want in queried}
    for schema in view.schemas:
        queries = [placed for placed in view.queries if placed.schema.root == schema.root]
        yield from _unqueried(schema, queries, seen, rule, turns)


def _queried(program: Program, want: Wanted, rule: Rule, turn: int) -> Finding:
    hottest = want.sites[0]
    endpoints = reached(program.rust, program.rust.around(hottest.place))
    return rule.finding(
        hottest.place,
        function=hottest.within,
        severity=want.severity(program.rust),
        confidence="medium" if all(site.optional for site in want.sites) else "high",
        related=want.related(),
        cost=f"so `{hottest.within}` reads the whole table{endpoints}, and so does each delete of a parent row",
        where=want.where,
        **_index(want.lacking, want.table, (want.column, *want.rest), turn),
    )


def _index(lacking: tuple[Catalogue, ...], table: str, columns: tuple[str, ...], turn: int) -> dict[str, Any]:
    """The index to make, in words and as a fix."""
    proposal = propose_index(lacking, table, columns, turn=turn)
    return {"table": table, "column": columns[0], "statement": proposal.statement, "fix": proposal.fix}


def _unqueried(
    schema: Schema, queries: list[PlacedQuery], seen: set[tuple[str, str]], rule: Rule, turns: Iterator[int]
) -> Iterator[Finding]:
    """Foreign keys that only the database looks up: when a row of the parent goes."""
    deletes = {
        placed.query.tables[0]: placed for placed in queries if placed.query.verb == "delete" and placed.query.tables
    }
    bare: dict[tuple[str, tuple[str, ...]], list[tuple[Catalogue, Place, str]]] = {}
    for catalogue in schema.catalogues:
        for name in catalogue.tables:
            table = catalogue.certain(name)
            if table is None:
                continue
            for key, place in table.foreign():
                covered = any(catalogue.covers(table, column) for column in key.columns)
                known = covered or not key.columns or (name, key.columns[0]) in seen
                if key.table in deletes and not known:
                    bare.setdefault((name, key.columns), []).append((catalogue, place, key.table))
    beside = compared(queries)
    for (name, columns), entries in bare.items():
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
                    for place, within in beside.get((schema.root, f"{name}.{columns[0]}"), ())
                ),
            ],
            cost=f"so each delete from `{entries[0][2]}` reads the whole table to find the rows that refer to it",
            where=schema.where(name, lacking),
            **_index(lacking, name, columns, next(turns)),
        )
