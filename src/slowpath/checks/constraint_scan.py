"""A constraint that is checked against all rows at once, under a lock, on a table that was there before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.finding import Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.model.schema import AddKey, AlterColumn, Key, Operation, ValidateKey
from slowpath.program import Program
from slowpath.program.changes import Group, found_in, unless_ran
from slowpath.program.schema import Table

OR = re.compile(r"\bor\b")


class Scan(NamedTuple):
    span: Span
    table: str
    what: str
    whom: str
    instead: str


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for group, first, others in found_in(program, scan_of):
        path = group.migration.path
        yield rule.finding(
            Place(path, first.span),
            related=[Step(Place(path, scan.span), f"{scan.what} reads `{scan.table}`") for scan in others],
            table=first.table,
            what=first.what,
            whom=first.whom,
            instead=first.instead,
            ran=unless_ran(program),
        )


def scan_of(operation: Operation, table: Table, group: Group) -> Scan | None:
    if isinstance(operation, AddKey):
        return _added(operation, table, group)
    if isinstance(operation, AlterColumn) and operation.nullable is False:
        column = table.columns.get(operation.name)
        if column is None or column.nullable is not True or proven(table, operation.name):
            return None
        instead = (
            f"`ADD CHECK ({operation.name} IS NOT NULL) NOT VALID`, in a later migration `VALIDATE CONSTRAINT`, then "
            "`SET NOT NULL`, which trusts it, and drop the check"
        )
        return Scan(
            operation.span, table.name, f"`SET NOT NULL` on `{operation.name}`", "reading or writing it", instead
        )
    if isinstance(operation, ValidateKey) and group.migration.together:
        key = _unvalidated(operation, group)
        what = f"`VALIDATE CONSTRAINT {operation.name}` in the transaction that adds it"
        instead = "Validate it in a later migration: by itself it lets others read and write"
        return Scan(operation.span, table.name, what, _kept_from(key), instead) if key is not None else None
    return None


def _kept_from(key: Key) -> str:
    return f"writing to it or to `{key.table}`" if key.kind == "foreign" else "reading or writing it"


def _added(operation: AddKey, table: Table, group: Group) -> Scan | None:
    key = operation.key
    column = group.added(operation)
    if not key.valid or (column is not None and key.kind == "foreign" and not column.column.default):
        return None
    instead = "Add it as `NOT VALID`, and `VALIDATE CONSTRAINT` in a later migration"
    if key.kind == "foreign":
        return Scan(key.span, table.name, f"The new foreign key to `{key.table}`", _kept_from(key), instead)
    if key.kind == "check" and key.text:
        return Scan(key.span, table.name, "The new CHECK", _kept_from(key), instead)
    return None


def _unvalidated(operation: ValidateKey, group: Group) -> Key | None:
    """The constraint, if this migration adds it."""
    keys = [change.key for change, _ in group.changes if isinstance(change, AddKey)]
    return next((key for key in keys if key.name == operation.name and not key.valid), None)


def proven(table: Table, column: str) -> bool:
    """A validated CHECK says that the column is not NULL, which PostgreSQL takes as proof since 12."""
    texts = [key.text for key, _ in table.keys if key.kind == "check" and key.valid]
    return any(
        not OR.search(text) and any(part.strip(" ()") == f"{column} is not null" for part in text.split(" and "))
        for text in texts
    )
