"""Migrations in order → the catalogue that they leave. Method: each operation changes a dictionary of tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec.structs import replace

from slowpath.link.constraints import Constraints
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
    Operation,
    RenameColumn,
    RenameIndex,
    RenameTable,
    RenameType,
    SetSchema,
    Uncertain,
    ValidateKey,
)
from slowpath.program.schema import Catalogue, Table, TableColumn

SERIAL = {"serial": "integer", "bigserial": "bigint", "smallserial": "smallint"}
"""What a query makes of columns that count by themselves."""


Watch = Callable[[str, Operation, Mapping[str, Table]], None]
"""Is told each operation, of which migration, before it is applied to the tables."""


def replay(dialect: str, migrations: Iterable[tuple[str, list[Operation]]], watch: Watch | None = None) -> Catalogue:
    """The catalogue after all migrations, given as (path, operations)."""
    run = _Replay(dialect)
    for path, operations in migrations:
        run.path = path
        run.catalogue.migrations.append(path)
        for operation in operations:
            if watch is not None:
                watch(path, operation, run.tables)
            run.apply(operation)
    return run.catalogue


class _Replay:
    def __init__(self, dialect: str) -> None:
        self.catalogue = Catalogue(dialect)
        self.tables = self.catalogue.tables
        self.dialect = dialect
        self.path = ""
        self.constraints = Constraints(self.catalogue)
        self.kin = self.constraints.kin

    def apply(self, operation: Operation) -> None:
        if isinstance(operation, DropTable | DropColumn | DropKey | DropIndex | RenameIndex | SetSchema):
            self.constraints.names.clear()
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
                self.constraints.drop_index(name, table)
            case RenameIndex(name, to, table):
                self.constraints.rename_index(name, to, table)
            case DefineType(name, base, required):
                self.catalogue.types[name] = base
                (self.catalogue.required.add if required else self.catalogue.required.discard)(name)
            case RenameType(name, to):
                self._rename_type(name, to)
            case Uncertain(names, span):
                self._doubt(names, Place(self.path, span))
            case _:
                altered = self.tables.get(operation.table)
                if altered is not None:
                    self._alter(altered, operation)

    def _alter(self, table: Table, operation: Operation) -> None:
        match operation:
            case AddColumn(_, column, exists):
                for each in self.kin.family(table):
                    if not (exists and column.name in each.columns):
                        each.columns[column.name] = self._column(column)
            case DropColumn(_, name):
                for each in self.kin.family(table):
                    each.columns.pop(name, None)
                    self.constraints.forget(each, name)
            case RenameColumn(_, name, to, written):
                for each in self.kin.family(table):
                    self._rename_column(each, name, to, written)
            case AlterColumn():
                for each in self.kin.family(table):
                    self._alter_column(each, operation)
            case AddIndex(_, index):
                self.constraints.add_index(table, index, self.path)
            case AddKey(_, key):
                self.constraints.add_key(table, key, self.path)
            case DropKey():
                self.constraints.drop_key(table, operation)
            case ValidateKey(_, name):
                self.constraints.validate(table, name)

    def _column(self, column: Column, view: bool = False) -> TableColumn:
        nullable = column.nullable
        if nullable is None and not view and (column.type or self.dialect != "mysql"):
            serial = column.type in SERIAL or column.type in ("serial2", "serial4", "serial8")
            implicit = self.dialect == "mysql" and column.type.startswith("timestamp")
            nullable = False if serial else None if implicit else True
        place = Place(self.path, column.span)
        return TableColumn(column.name, self._type(column), nullable, column.default, place, column.written)

    def _type(self, column: Column) -> str:
        """As declared, or that of the column that a query takes it from."""
        table, _, name = column.source.rpartition(".")
        origin = self.tables[table].columns.get(name) if table in self.tables else None
        return column.type or (SERIAL.get(origin.type, origin.type) if origin is not None else "")

    def _create(self, create: CreateTable) -> None:
        if create.if_not_exists and create.name in self.tables:
            return
        table = Table(create.name, create.view)
        table.created = self.path
        like = self.tables.get(create.like)
        if like is not None:
            table.uncertain, table.doubts = like.uncertain, list(like.doubts)
        if create.opaque or (create.like and like is None):
            table.doubt(Place(self.path, create.span))
        table.partitioned = create.partitioned
        table.written = create.written
        self.tables[create.name] = table
        if like is not None:
            table.columns.update(like.columns)
        for column in create.columns:
            table.columns[column.name] = self._column(column, create.view)
        self.constraints.create(table, create.keys, create.indexes, self.path)
        if like is not None:
            self._take_over(table, like, create)

    def _take_over(self, table: Table, like: Table, create: CreateTable) -> None:
        """What a new table gets of another one's keys and indexes."""
        if create.copies in ("partition", "heir"):
            self.kin.adopt(table, like.name)
        if create.copies in ("partition", "indexes"):
            self.constraints.match(table, like, foreign=create.copies == "partition")

    def _attach(self, name: str, child: str, attached: bool) -> None:
        table, part = self.tables.get(name), self.tables.get(child)
        if part is None:
            return
        self.kin.adopt(part, name if attached else "")
        if table is not None and attached:
            self.constraints.match(part, table, foreign=True)

    def _drop(self, name: str) -> None:
        gone = {name}
        if name.endswith(f".{EVERYTHING}"):
            gone = {table for table in self.tables if table.startswith(name[:-1])}
        gone |= {each.name for one in gone & self.tables.keys() for each in self.kin.family(self.tables[one])}
        for table in gone:
            self.tables.pop(table, None)
        if self.dialect == "sqlite":
            return  # a table is rebuilt under a second name, and the keys that refer to it stay
        for other in [other for table in gone for other in self.kin.referring(table)]:
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
        self.constraints.rename(name, to)
        # in SQLite, whether references follow depends on a pragma; tables are rebuilt under a second name
        self.kin.rename(table, name, follow=self.dialect != "sqlite")

    def _rename_column(self, table: Table, name: str, to: str, written: str) -> None:
        columns = {}
        for column in table.columns.values():
            renamed = column._replace(name=to, written=written) if column.name == name else column
            columns[renamed.name] = renamed
        table.columns = columns
        word = re.compile(rf"\b{re.escape(name)}\b")

        def text(told: str) -> str:
            return word.sub(lambda _: to, told)

        def names(parts: Iterable[str]) -> tuple[str, ...]:
            return tuple(text(p) if p.startswith("(") else to if p == name else p for p in parts)

        table.keys = [(replace(key, columns=names(key.columns), text=text(key.text)), path) for key, path in table.keys]
        table.indexes = [
            replace(i, parts=names(i.parts), where=text(i.where), include=names(i.include)) for i in table.indexes
        ]
        for other in self.kin.referring(table.name):
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

    def _rename_type(self, name: str, to: str) -> None:
        types = self.catalogue.types
        if name not in types:
            return
        types[to] = types.pop(name)
        if name in self.catalogue.required:
            self.catalogue.required.add(to)
        for table in self.tables.values():
            for column in table.columns.values():
                if column.type.removesuffix("[]") == name:
                    table.columns[column.name] = column._replace(type=column.type.replace(name, to))

    def _doubt(self, names: tuple[str, ...], place: Place) -> None:
        self.catalogue.doubtful.update(names)
        for name in self.tables if EVERYTHING in names else names:
            if name in self.tables:
                self.tables[name].doubt(place)
