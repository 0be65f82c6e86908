"""A change of a column for which PostgreSQL writes the whole table anew, with nobody reading it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from slowpath.model.finding import Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddColumn, AlterColumn, Column, Operation
from slowpath.program import Program
from slowpath.program.changes import Group, found_in, unless_ran
from slowpath.program.rewrites import STRINGS, converts, fills, parse
from slowpath.program.schema import Table


class Rewrite(NamedTuple):
    span: Span
    table: str
    what: str
    instead: str


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    volatile = frozenset(rule.settings["volatile"])

    def look(operation: Operation, table: Table, group: Group) -> Rewrite | None:
        return rewrite_of(operation, table, group.catalogue.types, volatile | group.catalogue.volatile)

    for group, first, others in found_in(program, look):
        path = group.migration.path
        yield rule.finding(
            Place(path, first.span),
            related=[Step(Place(path, more.span), f"in `{more.table}`, {more.what}") for more in others],
            table=first.table,
            what=first.what,
            instead=first.instead,
            ran=unless_ran(program),
        )


def rewrite_of(
    operation: Operation, table: Table, types: Mapping[str, str], volatile: frozenset[str]
) -> Rewrite | None:
    if isinstance(operation, AddColumn):
        column = operation.column
        cause = fills(column, volatile)
        what = f"`ADD COLUMN {column.name}` {cause}"
        return Rewrite(column.span, table.name, what, _instead_of_adding(column)) if cause else None
    if isinstance(operation, AlterColumn) and operation.to_type and operation.name in table.columns:
        old, new = table.columns[operation.name].type, operation.to_type
        if converts(operation.name, old, new, operation.using, types):
            known = f" from `{old}`" if old and old != new else ""
            what = f"`{operation.name}` becomes `{new}`{known}"
            return Rewrite(operation.span, table.name, what, _instead_of_converting(operation.name, old, new))
    return None


def _instead_of_adding(column: Column) -> str:
    if column.generated == "stored":
        return f"Add `{column.name}` as a plain column, let a trigger write it, and fill old rows in batches"
    return f"Add `{column.name}` without a value, then set its default, then fill old rows in batches"


def _instead_of_converting(column: str, old: str, new: str) -> str:
    before, after = parse(old), parse(new)
    if before and after and {before.name, after.name} <= STRINGS and after.sizes and not after.array:
        limit = f"CHECK (char_length({column}) <= {after.sizes[0]}) NOT VALID"
        return f"Keep the type, and limit it by `{limit}`, validated in a later migration"
    return f"Add a second column, fill it in batches while code writes both, then drop `{column}`"
