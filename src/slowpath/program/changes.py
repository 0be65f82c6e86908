"""What migrations that may not have run yet do in PostgreSQL to tables that may have many rows by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from slowpath.model.schema import AddColumn, AddKey, Operation
from slowpath.program import Program
from slowpath.program.schema import Catalogue, Migration, Table

T = TypeVar("T")
APART = {
    "diesel": "`run_in_transaction = false` in its metadata.toml",
    "sqlx": "`-- no-transaction` as its first line",
}
SINCE = {"diesel": "diesel_migrations 2", "sqlx": "sqlx 0.8.3"}


def apart(migration: Migration, catalogue: Catalogue) -> str:
    """How to write one that runs outside of a transaction."""
    able = catalogue.runner is None or catalogue.runner.outside
    needs = "" if able else f", which needs {SINCE[migration.tool]}"
    return f"in a migration of its own with {APART[migration.tool]}{needs}"


class Group(NamedTuple):
    """What one migration does, with each table as the operation finds it."""

    migration: Migration
    changes: list[tuple[Operation, Table]]
    catalogue: Catalogue

    def added(self, key: AddKey) -> AddColumn | None:
        """The new column that declares the key."""
        for operation, _ in self.changes:
            if isinstance(operation, AddColumn) and operation.column.span == key.key.span:
                return operation
        return None


def unless_ran(program: Program) -> str:
    """How to settle a finding that comes too late, while the project has not said where its past ends."""
    return "" if program.start_after else ". Has it run already? Say so: `start-after` in slowpath.toml"


def groups(program: Program) -> Iterator[Group]:
    """By migration, in order. Without tables of few rows by construction, partitioned ones, and what was weighed."""
    for schema in program.schema.schemas:
        for catalogue in schema.catalogues:
            if catalogue.dialect == "postgres" and not catalogue.guessed:
                yield from _groups(catalogue)


def found_in(
    program: Program, look: Callable[[Operation, Table, Group], T | None]
) -> Iterator[tuple[Group, T, list[T]]]:
    """What a rule sees in each migration: the first, and the others."""
    for group in groups(program):
        found = [seen for change in group.changes if (seen := look(*change, group)) is not None]
        if found:
            yield group, found[0], found[1:]


def _groups(catalogue: Catalogue) -> Iterator[Group]:
    found: dict[str, Group] = {}
    for migration, operation, table, weighed in catalogue.changes:
        if table is not None and not weighed and not table.partitioned and not catalogue.tiny(table):
            group = found.setdefault(migration.path, Group(migration, [], catalogue))
            group.changes.append((operation, table))
    yield from found.values()
