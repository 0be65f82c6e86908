"""A NOT NULL column without a value for the rows that are there: the migration fails on a table that has one."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddColumn, AddKey
from slowpath.program import Program
from slowpath.program.changes import unless_ran
from slowpath.program.schema import DIALECT_NAMES, Catalogue, Schema

REFUSING = ("postgres", "sqlite")
"""MySQL gives old rows an empty value: 0, ''."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for schema in program.schema.schemas:
        yield from _schema(schema, unless_ran(program), rule)


def _schema(schema: Schema, ran: str, rule: Rule) -> Iterator[Finding]:
    """One finding for each column, whatever the dialects."""
    found: dict[tuple[str, str], list[tuple[str, Place]]] = {}
    for catalogue in schema.catalogues:
        if catalogue.dialect in REFUSING:
            for added, path in _refused(catalogue):
                entry = (catalogue.dialect, Place(path, added.column.span))
                found.setdefault((added.table, added.column.name), []).append(entry)
    for (table, column), entries in found.items():
        dialects = [DIALECT_NAMES[dialect] for dialect, _ in entries]
        yield rule.finding(
            entries[0][1],
            related=[Step(place, "here, too") for _, place in entries[1:]],
            table=table,
            column=column,
            where="" if len(entries) == len(schema.catalogues) else f" in {' and '.join(dialects)}",
            ran=ran,
        )


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
            implied = "serial" in column.type or column.type in catalogue.types
            if required and not column.default and not implied and column.name not in table.columns:
                yield operation, migration.path
