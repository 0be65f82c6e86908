"""Migrations that may not have run yet, and the tables that they find.

Migrations that ran can no longer be helped. Which those are, source does not say: all up to the version that a project
sets as `start-after`, else all but the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from slowpath.model.schema import AddColumn, AddIndex, AddKey, AlterColumn, Operation, SqlFacts, ValidateKey
from slowpath.program.schema import Change, Migration, Table

YOUNG = timedelta(days=30)
"""A table that was created less than this before has few rows: it ships in the same release, or was just released."""
DAY = 8
"""How many digits a date has."""


class Versioned(NamedTuple):
    """A migration in its place. `number` is a version of sqlx, `version` one of Diesel, which compares the digits."""

    number: int
    version: str
    path: str
    facts: SqlFacts

    @property
    def digits(self) -> str:
        return self.version or str(self.number)


def pending(steps: Sequence[Versioned], start_after: str) -> list[Versioned]:
    """Those that may not have run yet, of all in order."""
    if not start_after:
        return list(steps[-1:])
    digits = version(start_after)
    return [step for step in steps if _is_after(step, digits)]


def version(name: str) -> str:
    """The digits of a migration's name, of its version, or of a date."""
    return name.partition("_")[0].replace("-", "").strip()


def _is_after(step: Versioned, digits: str) -> bool:
    """A bare date stands for the whole of that day, and for the same with all tools."""
    if len(digits) >= DAY:
        digits = digits.ljust(len(step.digits), "9" if len(digits) == DAY else "0")
    return step.version > digits if step.version else step.number > int(digits)


class Watcher:
    """Keeps what the pending migrations of a replay do."""

    def __init__(self, steps: Sequence[Versioned], start_after: str, untransacted: frozenset[str]) -> None:
        self.changes: list[Change] = []
        self._days = {step.path: _day(step.digits) for step in steps}
        self._weighed = {step.path: step.facts.weighed for step in steps}
        self._emptied = {step.path: frozenset(step.facts.emptied) for step in steps}
        self._migrations = {step.path: _migration(step, untransacted) for step in pending(steps, start_after)}

    def __call__(self, path: str, operation: Operation, tables: Mapping[str, Table]) -> None:
        migration = self._migrations.get(path)
        if migration is not None:
            table = tables.get(getattr(operation, "table", ""))
            grown = table is not None and not table.view and not self._young(table, path)
            before = table.copy() if table is not None and grown else None
            at = _start(operation)
            weighed = any(start <= at < end for start, end in self._weighed[path])
            self.changes.append(Change(migration, operation, before, weighed))

    def _young(self, table: Table, path: str) -> bool:
        if table.created == path or table.name in self._emptied[path]:
            return True
        then, now = self._days.get(table.created), self._days[path]
        return then is not None and now is not None and now - then < YOUNG


def _start(operation: Operation) -> int:
    match operation:
        case AddColumn(_, part) | AddKey(_, part) | AddIndex(_, part):
            return part.span[0]
        case AlterColumn() | ValidateKey():
            return operation.span[0]
        case _:
            return -1


def _migration(step: Versioned, untransacted: frozenset[str]) -> Migration:
    if not step.version:
        return Migration(step.path, "sqlx", not step.facts.no_transaction, step.facts.statements)
    folder = step.path.rpartition("/")[0]
    return Migration(step.path, "diesel", folder not in untransacted, step.facts.statements)


def _day(digits: str) -> date | None:
    """The day that a version begins with."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:DAY]))
    except ValueError:
        return None
