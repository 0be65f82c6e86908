"""An index built without CONCURRENTLY on a table that was there before: nobody writes to it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.finding import Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddIndex, AddKey, Operation
from slowpath.program import Program
from slowpath.program.changes import Group, apart, found_in, unless_ran
from slowpath.program.schema import Table


class Build(NamedTuple):
    """`constraint` is what needs the index, where a constraint does."""

    span: Span
    table: str
    what: str
    constraint: str


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for group, first, others in found_in(program, build_of):
        yield _finding(group, first, others, unless_ran(program), rule)


def build_of(operation: Operation, table: Table, group: Group) -> Build | None:
    if isinstance(operation, AddIndex) and not operation.concurrently and not operation.only:
        if any(index.name == operation.index.name for index in table.indexes):
            return None  # IF NOT EXISTS
        unique = "UNIQUE " if operation.index.unique else ""
        what = f"CREATE {unique}INDEX {operation.index.name}".strip()
        return Build(operation.index.span, table.name, f"`{what}`", "")
    if isinstance(operation, AddKey) and operation.key.kind in ("primary", "unique") and not operation.key.using_index:
        key = operation.key
        column = group.added(operation)
        if column is not None and (key.kind == "primary" or column.column.default or column.column.nullable is False):
            return None  # each row needs a value: the column itself is the trouble
        kind = "PRIMARY KEY" if key.kind == "primary" else "UNIQUE"
        return Build(key.span, table.name, f"`{kind} ({', '.join(key.columns)})`", kind)
    return None


def _finding(group: Group, first: Build, others: list[Build], ran: str, rule: Rule) -> Finding:
    path = group.migration.path
    alone = apart(group.migration, group.catalogue)
    if first.constraint:
        instead = f"`CREATE UNIQUE INDEX CONCURRENTLY` {alone}, then `ADD {first.constraint} USING INDEX`"
    else:
        instead = f"{first.what.replace('INDEX', 'INDEX CONCURRENTLY')} {alone}"
    return rule.finding(
        Place(path, first.span),
        related=[Step(Place(path, build.span), f"so does {build.what} on `{build.table}`") for build in others],
        table=first.table,
        what=first.what,
        whom="reading or writing it" if first.constraint else "writing to it",
        instead=instead,
        ran=ran,
    )
