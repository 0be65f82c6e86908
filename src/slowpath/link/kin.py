"""Which tables go with which while migrations are replayed, so that no step looks through all of them.

What is remembered by name may be out of date: it is compared with the tables when it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from slowpath.model.schema import Key
from slowpath.program.schema import Table

Names = dict[str, dict[str, None]]
"""Names by name, in the order that they came in."""


class Kin:
    """Partitions and heirs by parent, and the tables with foreign keys by what these refer to."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self.tables = tables
        self._children: Names = {}
        self._referring: Names = {}

    def adopt(self, child: Table, parent: str) -> None:
        """The table is a partition of another one, inherits from it, or no longer does."""
        child.parent = parent
        if parent:
            self._children.setdefault(parent, {})[child.name] = None

    def refer(self, table: Table, key: Key) -> None:
        """The table has this key."""
        if key.table:
            self._referring.setdefault(key.table, {})[table.name] = None

    def children(self, table: Table) -> list[Table]:
        return [child for child in self._named(self._children, table.name) if child.parent == table.name]

    def family(self, table: Table) -> list[Table]:
        """The table, its partitions and the tables that inherit from it, and theirs."""
        found = {table.name: table}
        todo = [table]
        for each in todo:
            new = [child for child in self.children(each) if child.name not in found]
            found.update((child.name, child) for child in new)
            todo += new
        return todo

    def referring(self, name: str) -> list[Table]:
        """The tables that may have a foreign key to the one of this name."""
        return self._named(self._referring, name)

    def rename(self, table: Table, old: str, *, follow: bool) -> None:
        """The table had another name. `follow`: its partitions, and the keys that refer to it, now say this one."""
        self.adopt(table, table.parent)
        for key, _ in table.keys:
            self.refer(table, key)
        if not follow:
            return
        for child in self._named(self._children, old):
            self.adopt(child, table.name if child.parent == old else child.parent)
        for other in self.referring(old):
            other.keys = [(replace(k, table=table.name) if k.table == old else k, path) for k, path in other.keys]
            for key, _ in other.keys:
                self.refer(other, key)
        self._children.pop(old, None)
        self._referring.pop(old, None)

    def _named(self, names: Names, name: str) -> list[Table]:
        return [self.tables[each] for each in names.get(name, ()) if each in self.tables]
