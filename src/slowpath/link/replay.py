"""Migrations in order → the catalogue that they leave. Method: each operation changes a dictionary of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from slowpath.model.finding import Place
from slowpath.model.schema import (
    EVERYTHING,
    AddColumn,
    AddIndex,
    AddKey,
    AlterColumn,
    AttachPartition,
    Column,
    CreateTable,
    DefineType,
    DropColumn,
    DropIndex,
    DropKey,
    DropTable,
    Index,
    Key,
    Operation,
    RenameColumn,
    RenameIndex,
    RenameTable,
    RenameType,
    SetSchema,
    Uncertain,
)
from slowpath.program.pg_names import index_name, key_name
from slowpath.program.schema import Catalogue, Table, TableColumn


def replay(dialect: str, migrations: Iterable[tuple[str, list[Operation]]]) -> Catalogue:
    """The catalogue after all migrations, given as (path, operations)."""
    run = _Replay(dialect)
    for path, operations in migrations:
        run.path = path
        run.catalogue.migrations.append(path)
        for operation in operations:
            run.apply(operation)
    return run.catalogue


class _Replay:
    def __init__(self, dialect: str) -> None:
        self.catalogue = Catalogue(dialect)
        self.tables = self.catalogue.tables
        self.dialect = dialect
        self.path = ""
        self.heirs = False
        """Some table takes part in what happens to another."""
        self.names: dict[str, set[str]] = {}
        """Schema → names in use; counted anew after something went."""

    def apply(self, operation: Operation) -> None:
        if not isinstance(operation, AddColumn | AlterColumn | AddKey | AddIndex | CreateTable):
            self.names.clear()
        match operation:
            case CreateTable():
                self._create(operation)
            case AttachPartition(name, child, attached):
                self._attach(name, child, attached)
            case DropTable(name):
                self._drop(name)
            case RenameTable(name, to, written):
                schema = name.rpartition(".")[0]
                self._move(name, to if "." in to or not schema else f"{schema}.{to}", written)
            case SetSchema(name, schema):
                moved = self.tables.get(name)
                written = moved.written.rpartition(".")[2] if moved is not None else ""
                self._move(name, f"{schema}.{name.rpartition('.')[2]}".removeprefix("public."), written)
            case DropIndex(name, table):
                self._drop_index(name, table)
            case RenameIndex(name, to, table):
                self._rename_index(name, to, table)
            case DefineType(name, base):
                self.catalogue.types[name] = base
            case RenameType(name, to):
                self._rename_type(name, to)
            case Uncertain(names):
                self._doubt(names)
            case _:
                altered = self.tables.get(operation.table)
                if altered is not None:
                    self._alter(altered, operation)

    def _alter(self, table: Table, operation: Operation) -> None:
        match operation:
            case AddColumn(_, column, exists):
                for each in self._family(table):
                    if not (exists and column.name in each.columns):
                        each.columns[column.name] = self._column(column)
            case DropColumn(_, name):
                for each in self._family(table):
                    self._drop_column(each, name)
            case RenameColumn(_, name, to, written):
                for each in self._family(table):
                    self._rename_column(each, name, to, written)
            case AlterColumn():
                for each in self._family(table):
                    self._alter_column(each, operation)
            case AddIndex(_, index):
                self._add_index(table, index)
            case AddKey(_, key):
                self._add_key(table, key)
            case DropKey():
                self._drop_key(table, operation)

    def _family(self, table: Table) -> list[Table]:
        """The table, its partitions and the tables that inherit from it, and theirs."""
        found = [table]
        for each in found if self.heirs else ():
            found += [child for child in self.tables.values() if child.parent == each.name and child not in found]
        return found

    def _partitions(self, table: Table) -> list[Table]:
        return [child for child in self.tables.values() if child.parent == table.name] if table.partitioned else []

    def _column(self, column: Column, view: bool = False) -> TableColumn:
        nullable = column.nullable
        if nullable is None and not view and (column.type or self.dialect != "mysql"):
            serial = re.match(r"(?:small|big)?serial", column.type) is not None
            implicit = self.dialect == "mysql" and column.type.startswith("timestamp")
            nullable = False if serial else None if implicit else True
        return TableColumn(
            column.name, column.type, nullable, column.default, Place(self.path, column.span), column.written
        )

    def _create(self, create: CreateTable) -> None:
        if create.if_not_exists and create.name in self.tables:
            return
        table = Table(create.name, create.view)
        like = self.tables.get(create.like)
        table.uncertain = create.opaque or bool(create.like and (like is None or like.uncertain))
        table.partitioned = create.partitioned
        table.written = create.written
        self.tables[create.name] = table
        self._taken(table).add(create.name.rpartition(".")[2])
        if like is not None:
            table.columns.update(like.columns)
        for column in create.columns:
            table.columns[column.name] = self._column(column, create.view)
        for key in create.keys if self.dialect == "mysql" else _merged(create.keys):
            self._add_key(table, key)
        for index in create.indexes:
            self._add_index(table, index)
        if like is not None:
            self._take_over(table, like, create)

    def _take_over(self, table: Table, like: Table, create: CreateTable) -> None:
        """What a new table gets of another one's keys and indexes."""
        if create.copies in ("partition", "heir"):
            table.parent, self.heirs = like.name, True
        if create.copies in ("partition", "indexes"):
            self._match(table, like, foreign=create.copies == "partition")

    def _match(self, table: Table, like: Table, *, foreign: bool) -> None:
        """Keys and indexes as another table has them, where there is none alike."""
        for key, path in like.keys:
            if foreign or key.kind != "foreign":
                self._match_key(table, key, path)
        for index in like.indexes:
            if not any(_alike(index, other) for other in table.indexes):
                self._add_index(table, replace(index, name=""))

    def _match_key(self, table: Table, key: Key, path: str) -> None:
        if not any(_same(other, key) for other, _ in table.keys):
            self._add_key(table, key if key.kind in ("foreign", "check") else replace(key, name=""), path)

    def _attach(self, name: str, child: str, attached: bool) -> None:
        table, part = self.tables.get(name), self.tables.get(child)
        if part is None:
            return
        part.parent, self.heirs = name if attached else "", True
        if table is not None and attached:
            self._match(part, table, foreign=True)

    def _drop(self, name: str) -> None:
        gone = {name}
        if name.endswith(f".{EVERYTHING}"):
            gone = {table for table in self.tables if table.startswith(name[:-1])}
        gone |= {each.name for one in gone & self.tables.keys() for each in self._family(self.tables[one])}
        for table in gone:
            self.tables.pop(table, None)
        if self.dialect == "sqlite":
            return  # a table is rebuilt under a second name, and the keys that refer to it stay
        for other in self.tables.values():
            other.keys = [(key, path) for key, path in other.keys if key.table not in gone]

    def _move(self, name: str, to: str, written: str) -> None:
        """Give a table another name or schema."""
        table = self.tables.pop(name, None)
        if table is None:
            return
        schema = to.rpartition(".")[0]
        table.name = to
        table.written = f"{schema}.{written}" if written and schema and "." not in written else written
        self.tables[table.name] = table
        if self.dialect == "sqlite":
            return  # whether references follow depends on a pragma; tables are rebuilt under a second name
        for other in self.tables.values():
            other.parent = table.name if other.parent == name else other.parent
            other.keys = [
                (replace(key, table=table.name) if key.table == name else key, path) for key, path in other.keys
            ]

    def _drop_column(self, table: Table, name: str) -> None:
        table.columns.pop(name, None)
        for key, _ in [entry for entry in table.keys if name in entry[0].columns]:
            self._remove_key(table, key)
        word = re.compile(rf"\b{re.escape(name)}\b")
        table.indexes = [
            index
            for index in table.indexes
            if name not in (*index.parts, *index.include)
            and not word.search(" ".join((*_expressions(index), index.where)))
        ]

    def _rename_column(self, table: Table, name: str, to: str, written: str) -> None:
        columns = {}
        for column in table.columns.values():
            renamed = column._replace(name=to, written=written) if column.name == name else column
            columns[renamed.name] = renamed
        table.columns = columns
        word = re.compile(rf"\b{re.escape(name)}\b")

        def names(parts: Iterable[str]) -> tuple[str, ...]:
            return tuple(word.sub(to, p) if p.startswith("(") else to if p == name else p for p in parts)

        table.keys = [(replace(key, columns=names(key.columns)), path) for key, path in table.keys]
        table.indexes = [
            replace(i, parts=names(i.parts), where=word.sub(to, i.where), include=names(i.include))
            for i in table.indexes
        ]
        for other in self.tables.values():
            other.keys = [
                (replace(key, targets=names(key.targets)) if key.table == table.name else key, path)
                for key, path in other.keys
            ]

    def _alter_column(self, table: Table, change: AlterColumn) -> None:
        column = table.columns.get(change.name)
        if column is None:
            return
        if change.to_type:
            column = column._replace(type=change.to_type, place=Place(self.path, change.span))
        if change.nullable is not None:
            column = column._replace(nullable=change.nullable, place=Place(self.path, change.span))
        table.columns[change.name] = column

    def _add_key(self, table: Table, key: Key, path: str = "") -> None:
        if key.using_index:
            index = next((index for index in table.indexes if index.name == key.using_index), None)
            if index is None:
                table.uncertain = True
                return
            table.indexes.remove(index)
            key = replace(key, columns=index.parts, using_index="")
        key = replace(key, name=key.name or self._key_name(table, key))
        table.keys.append((key, path or self.path))
        self._taken(table).add(key.name)
        if key.kind == "primary":
            for each in self._family(table):
                self._require(each, key.columns)
        for child in self._partitions(table):
            self._match_key(child, key, self.path)

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

    def _taken(self, table: Table) -> set[str]:
        """Names of the tables, keys and indexes in the table's schema."""
        schema = table.name.rpartition(".")[0]
        if schema not in self.names:
            self.names[schema] = {
                name
                for other in self.tables.values()
                if other.name.rpartition(".")[0] == schema
                for name in (other.name.rpartition(".")[2], *other.names())
            }
        return self.names[schema]

    def _drop_key(self, table: Table, drop: DropKey) -> None:
        for key, _ in list(table.keys):
            if (drop.name and key.name == drop.name) or (drop.kind == "primary" and key.kind == "primary"):
                self._remove_key(table, key)

    def _remove_key(self, table: Table, key: Key) -> None:
        """Also from partitions, and with it the foreign keys that rest on it: PostgreSQL asks for CASCADE then."""
        table.keys = [entry for entry in table.keys if entry[0] is not key]
        for child in self._partitions(table):
            for twin in [twin for twin, _ in child.keys if _same(twin, key)][:1]:
                self._remove_key(child, twin)
        if self.dialect != "postgres" or key.kind not in ("primary", "unique") or _keyed(table, key.columns):
            return
        for other in self.tables.values():
            other.keys = [(k, path) for k, path in other.keys if k.table != table.name or not _rests(k, key)]

    def _add_index(self, table: Table, index: Index) -> None:
        if index.name and any(index.name == other.name for other in table.indexes):
            return  # IF NOT EXISTS
        named = index.name or index_name(table.name, index, self._taken(table))
        table.indexes.append(replace(index, name=named))
        self._taken(table).add(named)
        for child in self._partitions(table):
            if not any(_alike(index, other) for other in child.indexes):
                self._add_index(child, replace(index, name=""))

    def _drop_index(self, name: str, only: str) -> None:
        short = name.rpartition(".")[2]
        for table in self.tables.values():
            if only and table.name != only:
                continue
            for index in [index for index in table.indexes if index.name.rpartition(".")[2] == short]:
                self._remove_index(table, index)
            if only:
                table.keys = [(key, path) for key, path in table.keys if key.kind != "unique" or key.name != short]

    def _remove_index(self, table: Table, index: Index) -> None:
        table.indexes = [other for other in table.indexes if other is not index]
        for child in self._partitions(table):
            for twin in [twin for twin in child.indexes if _alike(twin, index)][:1]:
                self._remove_index(child, twin)

    def _rename_index(self, name: str, to: str, only: str) -> None:
        for table in self.tables.values():
            if only and table.name != only:
                continue
            table.indexes = [replace(index, name=to) if index.name == name else index for index in table.indexes]
            table.keys = [(replace(key, name=to) if key.name == name else key, path) for key, path in table.keys]

    def _rename_type(self, name: str, to: str) -> None:
        types = self.catalogue.types
        if name not in types:
            return
        types[to] = types.pop(name)
        for table in self.tables.values():
            for column in table.columns.values():
                if column.type.removesuffix("[]") == name:
                    table.columns[column.name] = column._replace(type=column.type.replace(name, to))

    def _doubt(self, names: tuple[str, ...]) -> None:
        self.catalogue.doubtful.update(names)
        for name in names:
            if name in self.tables:
                self.tables[name].uncertain = True


def _expressions(index: Index) -> list[str]:
    return [part for part in index.parts if part.startswith("(")]


def _alike(one: Index, other: Index) -> bool:
    return replace(one, name="", span=(0, 0)) == replace(other, name="", span=(0, 0))


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
