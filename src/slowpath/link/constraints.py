"""Keys and indexes while migrations are replayed: their names, what partitions share, what goes with what.

PostgreSQL's rules, with the exceptions of MySQL and SQLite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from slowpath.link.kin import Kin
from slowpath.model.finding import Place
from slowpath.model.schema import DropKey, Index, Key
from slowpath.program.pg_names import Names, cut, index_name, key_name
from slowpath.program.schema import Catalogue, Table


class Constraints:
    """Those of all tables of a catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.tables = catalogue.tables
        self.dialect = catalogue.dialect
        self.kin = Kin(catalogue.tables)
        self.names: dict[str, Names] = {}
        """Schema → names in use; counted anew after something went."""

    def create(self, table: Table, keys: Iterable[Key], indexes: Iterable[Index], path: str) -> None:
        """Those that CREATE TABLE lists."""
        self._taken(table).add(table.name.rpartition(".")[2])
        for key in keys if self.dialect == "mysql" else _merged(keys):
            self.add_key(table, key, path)
        for index in indexes:
            self.add_index(table, index, path)

    def _partitions(self, table: Table) -> list[Table]:
        return self.kin.children(table) if table.partitioned else []

    def add_key(self, table: Table, key: Key, path: str) -> None:
        if key.using_index:
            index = next((index for index in table.indexes if index.name == key.using_index), None)
            if index is None:
                table.doubt(Place(path, key.span))
                return
            table.indexes.remove(index)
            key = replace(key, columns=index.parts, using_index="")
        if key.kind == "primary":
            for each in self.kin.family(table):
                self._require(each, key.columns)
        todo = [(table, key)]
        while todo:
            each, own = todo.pop()
            own = replace(own, name=own.name or self._key_name(each, own))
            if own.kind == "primary":  # pg_dump names those of partitions that their parent gave them
                each.keys = [entry for entry in each.keys if entry[0].kind != "primary"]
            each.keys.append((own, path))
            self.kin.refer(each, own)
            self._taken(each).add(own.name)
            todo += [(child, _passed_on(own)) for child in self._partitions(each)[::-1] if not _has_key(child, own)]

    def match(self, table: Table, like: Table, *, foreign: bool) -> None:
        """Keys and indexes as another table has them, where there is none alike."""
        for key, path in like.keys:
            if foreign or key.kind != "foreign":
                self._match_key(table, key, path)
        for index in like.indexes:
            if not _has_index(table, index):
                self.add_index(table, replace(index, name=""))

    def _match_key(self, table: Table, key: Key, path: str) -> None:
        if not _has_key(table, key):
            self.add_key(table, _passed_on(key), path)

    def validate(self, table: Table, name: str) -> None:
        table.keys = [(replace(key, valid=True) if key.name == name else key, path) for key, path in table.keys]

    def drop_key(self, table: Table, drop: DropKey) -> None:
        for key, _ in list(table.keys):
            if (drop.name and self._cut(key.name) == self._cut(drop.name)) or (
                drop.kind == "primary" and key.kind == "primary"
            ):
                self._remove_key(table, key)

    def _remove_key(self, table: Table, key: Key) -> None:
        """Also from partitions, and with it the foreign keys that rest on it: PostgreSQL asks for CASCADE then."""
        todo = [(table, key)]
        for each, own in todo:
            each.keys = [entry for entry in each.keys if entry[0] is not own]
            for child in self._partitions(each):
                todo += [(child, twin) for twin, _ in child.keys if _same(twin, own)][:1]
            if self.dialect == "postgres" and own.kind in ("primary", "unique") and not _keyed(each, own.columns):
                for other in self.kin.referring(each.name):
                    other.keys = [(k, path) for k, path in other.keys if k.table != each.name or not _rests(k, own)]

    def add_index(self, table: Table, index: Index, path: str = "") -> None:
        if index.name and any(index.name == other.name for other in table.indexes):
            return  # IF NOT EXISTS
        todo = [(table, index.name, path)]
        while todo:
            each, name, source = todo.pop()
            named = name or index_name(each.name, index, self._taken(each))
            each.indexes.append(replace(index, name=named))
            each.sources[named] = source
            self._taken(each).add(named)
            todo += [(child, "", "") for child in self._partitions(each)[::-1] if not _has_index(child, index)]

    def drop_index(self, name: str, only: str) -> None:
        short = self._cut(name.rpartition(".")[2])
        for table in self.tables.values():
            if only and table.name != only:
                continue
            for index in [index for index in table.indexes if self._cut(index.name.rpartition(".")[2]) == short]:
                self._remove_index(table, index)
            if only:
                table.keys = [(key, path) for key, path in table.keys if key.kind != "unique" or key.name != short]

    def _remove_index(self, table: Table, index: Index) -> None:
        todo = [(table, index)]
        for each, own in todo:
            each.indexes = [other for other in each.indexes if other is not own]
            for child in self._partitions(each):
                todo += [(child, twin) for twin in child.indexes if _alike(twin, own)][:1]

    def rename_index(self, name: str, to: str, only: str) -> None:
        for table in self.tables.values():
            if only and table.name != only:
                continue
            table.indexes = [replace(index, name=to) if index.name == name else index for index in table.indexes]
            if name in table.sources:
                table.sources[to] = table.sources[name]
            table.keys = [(replace(key, name=to) if key.name == name else key, path) for key, path in table.keys]

    def forget(self, table: Table, column: str) -> None:
        """A column goes, and with it the keys and indexes that name it."""
        for key, _ in [entry for entry in table.keys if column in entry[0].columns]:
            self._remove_key(table, key)
        table.indexes = [index for index in table.indexes if not _mentions(index, column)]

    def rename(self, name: str, to: str) -> None:
        """A table has another name."""
        (schema, _, old), (new_schema, _, new) = name.rpartition("."), to.rpartition(".")
        if schema != new_schema:
            self.names.clear()  # its keys and indexes moved, too
        elif schema in self.names:
            self.names[schema].free(old)
            self.names[schema].add(new)

    def _require(self, table: Table, columns: Iterable[str]) -> None:
        """Columns of a primary key are never null, but in SQLite they may be."""
        for name in columns:
            column = table.columns.get(name)
            if column is not None and column.nullable is not False:
                table.columns[name] = column._replace(nullable=None if self.dialect == "sqlite" else False)

    def _key_name(self, table: Table, key: Key) -> str:
        """MySQL's unique keys are called after their first column."""
        if self.dialect == "mysql":
            return key.columns[0] if key.columns and key.kind == "unique" else ""
        return key_name(table.name, key, self._taken(table))

    def _cut(self, name: str) -> str:
        """A name as PostgreSQL keeps it."""
        return cut(name) if self.dialect == "postgres" else name

    def _taken(self, table: Table) -> Names:
        """Names of the tables, keys and indexes in the table's schema."""
        schema = table.name.rpartition(".")[0]
        if schema not in self.names:
            self.names[schema] = Names(
                name
                for other in self.tables.values()
                if other.name.rpartition(".")[0] == schema
                for name in (other.name.rpartition(".")[2], *other.names())
            )
        return self.names[schema]


def _mentions(index: Index, column: str) -> bool:
    texts = (*(part for part in index.parts if part.startswith("(")), index.where)
    return column in (*index.parts, *index.include) or any(
        re.search(rf"\b{re.escape(column)}\b", text) for text in texts
    )


def _alike(one: Index, other: Index) -> bool:
    return replace(one, name="", span=(0, 0)) == replace(other, name="", span=(0, 0))


def _has_index(table: Table, index: Index) -> bool:
    return any(_alike(index, other) for other in table.indexes)


def _has_key(table: Table, key: Key) -> bool:
    return any(_same(other, key) for other, _ in table.keys)


def _passed_on(key: Key) -> Key:
    """The key as a partition has it: PostgreSQL names those that rest on an index anew."""
    return key if key.kind in ("foreign", "check") else replace(key, name="")


def _same(one: Key, other: Key) -> bool:
    return (one.kind, one.columns, one.table) == (other.kind, other.columns, other.table)


def _merged(keys: Iterable[Key]) -> list[Key]:
    """The primary key first; a unique key on the same columns as another one is that one, and gives it its name."""
    found: list[Key] = []
    for key in sorted(keys, key=lambda key: key.kind != "primary"):
        same = [n for n, other in enumerate(found) if key.kind == "unique" and _unique(other, key.columns)]
        if not same:
            found.append(key)
        elif not found[same[0]].name:
            found[same[0]] = replace(found[same[0]], name=key.name)
    return found


def _unique(key: Key, columns: tuple[str, ...]) -> bool:
    return key.kind in ("primary", "unique") and key.columns == columns


def _keyed(table: Table, columns: tuple[str, ...]) -> bool:
    """A key of the table says already that these columns are unique."""
    return any(_unique(key, columns) for key, _ in table.keys)


def _rests(foreign: Key, key: Key) -> bool:
    """A foreign key of the table refers to these columns; to the primary key where it names none."""
    return foreign.targets == key.columns or (not foreign.targets and key.kind == "primary")
