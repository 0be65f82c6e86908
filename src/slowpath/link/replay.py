"""Migrations in order → the catalogue that they leave. Method: each operation changes a dictionary of tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from slowpath.model.finding import Place
from slowpath.model.schema import (
    EVERYTHING,
    AddColumn,
    AddIndex,
    AddKey,
    AlterColumn,
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
    Uncertain,
)
from slowpath.program.schema import Catalogue, Table, TableColumn


def replay(dialect: str, migrations: Iterable[tuple[str, list[Operation]]]) -> Catalogue:
    """The catalogue after all migrations, given as (path, operations)."""
    run = _Replay(dialect)
    for path, operations in migrations:
        run.path = path
        for operation in operations:
            run.apply(operation)
    return run.catalogue


class _Replay:
    def __init__(self, dialect: str) -> None:
        self.catalogue = Catalogue(dialect)
        self.tables = self.catalogue.tables
        self.dialect = dialect
        self.path = ""

    def apply(self, operation: Operation) -> None:
        match operation:
            case CreateTable():
                self._create(operation)
            case DropTable(name):
                self._drop(name)
            case RenameTable(name, to):
                self._rename_table(name, to)
            case AddIndex(name, index):
                self._add_index(name, index)
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
                if not (exists and column.name in table.columns):
                    table.columns[column.name] = self._column(column)
            case DropColumn(_, name):
                self._drop_column(table, name)
            case RenameColumn(_, name, to):
                self._rename_column(table, name, to)
            case AlterColumn():
                self._alter_column(table, operation)
            case AddKey(_, key):
                self._add_key(table, key)
            case DropKey():
                self._drop_key(table, operation)

    def _column(self, column: Column) -> TableColumn:
        nullable = column.nullable
        if nullable is None and column.type:
            serial = re.match(r"(?:small|big)?serial", column.type) is not None
            implicit = self.dialect == "mysql" and column.type.startswith("timestamp")
            nullable = False if serial else None if implicit else True
        return TableColumn(column.name, column.type, nullable, column.default, Place(self.path, column.span))

    def _create(self, create: CreateTable) -> None:
        if create.if_not_exists and create.name in self.tables:
            return
        table = Table(create.name, create.view)
        table.uncertain = create.opaque or bool(create.like and create.like not in self.tables)
        like = self.tables.get(create.like)
        if like is not None:
            table.columns.update(like.columns)
            table.indexes += like.indexes
            table.keys += like.keys
        for column in create.columns:
            table.columns[column.name] = self._column(column)
        self.tables[create.name] = table
        for key in create.keys:
            self._add_key(table, key)
        table.indexes += create.indexes

    def _drop(self, name: str) -> None:
        if name.endswith(f".{EVERYTHING}"):
            for table in [table for table in self.tables if table.startswith(name[:-1])]:
                del self.tables[table]
        self.tables.pop(name, None)

    def _rename_table(self, name: str, to: str) -> None:
        table = self.tables.pop(name, None)
        if table is None:
            return
        schema, _, _ = name.rpartition(".")
        table.name = to if "." in to or not schema else f"{schema}.{to}"
        self.tables[table.name] = table
        if self.dialect == "sqlite":
            return  # whether references follow depends on a pragma; tables are rebuilt under a second name
        for other in self.tables.values():
            other.keys = [(_retarget(key, name, table.name), path) for key, path in other.keys]

    def _drop_column(self, table: Table, name: str) -> None:
        table.columns.pop(name, None)
        table.keys = [(key, path) for key, path in table.keys if name not in key.columns]
        word = re.compile(rf"\b{re.escape(name)}\b")
        table.indexes = [
            index
            for index in table.indexes
            if name not in index.parts and not word.search(" ".join((*_expressions(index), index.where)))
        ]

    def _rename_column(self, table: Table, name: str, to: str) -> None:
        columns = {}
        for column in table.columns.values():
            renamed = column._replace(name=to) if column.name == name else column
            columns[renamed.name] = renamed
        table.columns = columns
        table.keys = [(_rename_in_key(key, name, to), path) for key, path in table.keys]
        word = re.compile(rf"\b{re.escape(name)}\b")
        table.indexes = [
            Index(
                index.name,
                tuple(
                    word.sub(to, part) if part.startswith("(") else to if part == name else part for part in index.parts
                ),
                index.unique,
                index.method,
                word.sub(to, index.where),
                index.span,
            )
            for index in table.indexes
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

    def _add_key(self, table: Table, key: Key) -> None:
        if key.using_index:
            index = next((index for index in table.indexes if index.name == key.using_index), None)
            if index is None:
                table.uncertain = True
                return
            table.indexes.remove(index)
            key = Key(key.kind, index.parts, key.name, key.span)
        named = key.name or _automatic_name(table.name, key, self.dialect)
        table.keys.append(
            (Key(key.kind, key.columns, named, key.span, key.table, key.targets, key.on_delete), self.path)
        )
        if key.kind == "primary":
            for name in key.columns:
                column = table.columns.get(name)
                if column is not None and column.nullable is not False:
                    table.columns[name] = column._replace(nullable=None if self.dialect == "sqlite" else False)

    def _drop_key(self, table: Table, drop: DropKey) -> None:
        table.keys = [
            (key, path)
            for key, path in table.keys
            if not ((drop.name and key.name == drop.name) or (drop.kind == "primary" and key.kind == "primary"))
        ]

    def _add_index(self, name: str, index: Index) -> None:
        table = self.tables.get(name)
        if table is None:
            return
        if index.name and any(index.name == other.name for other in table.indexes):
            return  # IF NOT EXISTS
        named = index.name or "_".join((table.name, *index.parts, "idx"))
        table.indexes.append(Index(named, index.parts, index.unique, index.method, index.where, index.span))

    def _drop_index(self, name: str, only: str) -> None:
        short = name.rpartition(".")[2]
        for table in self.tables.values():
            if not only or table.name == only:
                table.indexes = [index for index in table.indexes if index.name.rpartition(".")[2] != short]
                if only:
                    table.keys = [(key, path) for key, path in table.keys if key.kind != "unique" or key.name != short]

    def _rename_index(self, name: str, to: str, only: str) -> None:
        for table in self.tables.values():
            if only and table.name != only:
                continue
            table.indexes = [
                Index(to, i.parts, i.unique, i.method, i.where, i.span) if i.name == name else i for i in table.indexes
            ]
            table.keys = [
                (Key(k.kind, k.columns, to, k.span, k.table, k.targets, k.on_delete) if k.name == name else k, path)
                for k, path in table.keys
            ]

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


def _retarget(key: Key, name: str, to: str) -> Key:
    if key.table != name:
        return key
    return Key(key.kind, key.columns, key.name, key.span, to, key.targets, key.on_delete)


def _rename_in_key(key: Key, name: str, to: str) -> Key:
    columns = tuple(to if column == name else column for column in key.columns)
    return Key(key.kind, columns, key.name, key.span, key.table, key.targets, key.on_delete)


def _automatic_name(table: str, key: Key, dialect: str) -> str:
    """How PostgreSQL names a key that has no name; MySQL's unique keys are called after their first column."""
    if dialect == "mysql":
        return key.columns[0] if key.columns and key.kind == "unique" else ""
    bare = table.rpartition(".")[2]
    ending = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check"}[key.kind]
    middle = () if key.kind == "primary" else key.columns
    return "_".join((bare, *middle, ending))
