"""Statements of migrations that were not understood, and the tables of the code that are therefore not judged."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.schema import Schema, SchemaProgram


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    view = program.schema
    for schema in view.schemas:
        spoken = _spoken(view, schema)
        doubts = _doubts(schema, spoken)
        if not doubts:
            continue
        (first, tables), *others = doubts.items()
        unjudged = {table for named in doubts.values() for table in named}
        yield rule.finding(
            first,
            related=[Step(place, f"this neither, on {_listed(named)}") for place, named in others],
            tables=_listed(tables),
            share=f"{len(unjudged)} of {len(spoken)}",
            more=f", nor {'is one more' if len(others) == 1 else f'are {len(others)} more'}" if others else "",
        )


def _spoken(view: SchemaProgram, schema: Schema) -> set[str]:
    """The tables that the code speaks of."""
    declared = {macro.table.name for macro in view.macros if macro.schema.root == schema.root}
    queried = {table for placed in view.queries if placed.schema.root == schema.root for table in placed.query.tables}
    return {name for name in declared | queried if schema.has(name)}


def _doubts(schema: Schema, spoken: set[str]) -> dict[Place, list[str]]:
    """Statement → its tables, in the order of the migrations. What a view selects is not judged anyway."""
    found: dict[Place, list[str]] = {}
    for catalogue in schema.catalogues:
        order = {path: number for number, path in enumerate(catalogue.migrations)}
        unsure = [table for name, table in catalogue.tables.items() if name in spoken and not table.view]
        places = {place for table in unsure for place in table.doubts}
        for place in sorted(places, key=lambda place: (order[place.path], place.span)):
            found[place] = sorted(table.name for table in unsure if place in table.doubts)
    return found


def _listed(names: list[str], shown: int = 4) -> str:
    rest = len(names) - shown
    return ", ".join(f"`{name}`" for name in names[:shown]) + (f" and {rest} more" if rest > 0 else "")
