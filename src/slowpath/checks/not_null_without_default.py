"""A NOT NULL column without a value for the rows that are there: the migration fails on a table that has one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddColumn, AddKey
from slowpath.program import Program
from slowpath.program.changes import unless_ran
from slowpath.program.schema import DIALECT_NAMES, Catalogue, Schema

REFUSING = ("postgres", "sqlite")
"""MySQL gives old rows an empty value: 0, ''."""


class Refused(NamedTuple):
    """A column, where it is added, and the dialects that refuse it."""

    name: str
    places: list[Place]
    dialects: list[str]


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for schema in program.schema.schemas:
        migrations: dict[str, list[Refused]] = {}
        for refused in _columns(schema):
            migrations.setdefault(refused.places[0].path, []).append(refused)
        for first, *others in migrations.values():
            related = [Step(refused.places[0], f"so is `{refused.name}`") for refused in others]
            related += [Step(place, "here, too") for refused in (first, *others) for place in refused.places[1:]]
            yield rule.finding(
                first.places[0],
                related=related,
                column=first.name,
                where="" if len(first.dialects) == len(schema.catalogues) else f" in {' and '.join(first.dialects)}",
                ran=unless_ran(program),
            )


def _columns(schema: Schema) -> Iterable[Refused]:
    """Each column once, whatever the dialects."""
    found: dict[str, Refused] = {}
    for catalogue in schema.catalogues:
        if catalogue.dialect in REFUSING:
            for added, path in _refused(catalogue):
                name = f"{added.table}.{added.column.name}"
                refused = found.setdefault(name, Refused(name, [], []))
                refused.places.append(Place(path, added.column.span))
                refused.dialects.append(DIALECT_NAMES[catalogue.dialect])
    return found.values()


def _refused(catalogue: Catalogue) -> Iterator[tuple[AddColumn, str]]:
    keys = {
        (change.migration.path, change.operation.key.span)
        for change in catalogue.changes
        if isinstance(change.operation, AddKey) and change.operation.key.kind == "primary"
    }
    for migration, operation, table, _ in catalogue.changes:
        if isinstance(operation, AddColumn) and table is not None:
            column = operation.column
            required = column.nullable is False or (migration.path, column.span) in keys
            implied = "serial" in column.type or bool(catalogue.types.get(column.type))  # a domain may have a default
            if required and not column.default and not implied and column.name not in table.columns:
                yield operation, migration.path
