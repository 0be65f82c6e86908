"""The sub-commands of one ALTER TABLE → operations."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.extract.sql_index import expression
from slowpath.extract.sql_table import Parts, column, constraint, inline_index, type_name
from slowpath.extract.sql_text import Cursor
from slowpath.model.schema import (
    AddColumn,
    AddIndex,
    AddKey,
    AlterColumn,
    AttachPartition,
    DropColumn,
    DropIndex,
    DropKey,
    Operation,
    RenameColumn,
    RenameIndex,
    RenameTable,
    SetSchema,
    Uncertain,
    ValidateKey,
)

HARMLESS = frozenset(
    "ENABLE DISABLE OWNER SET RESET CLUSTER REPLICA INHERIT ENGINE AUTO_INCREMENT COMMENT CONVERT DEFAULT "
    "CHARSET CHARACTER COLLATE FORCE NO ROW_FORMAT LOCK ALGORITHM NOT OF WITHOUT".split()
)
"""Sub-commands that leave columns, keys and indexes as they are."""


def alter_table(table: str, cursor: Cursor) -> Iterator[Operation]:
    """What the rest of the statement does to `table`; PostgreSQL drops first, wherever the statement says so."""
    found = [operation for command in cursor.commas() for operation in _command(table, command)]
    yield from sorted(found, key=lambda operation: not isinstance(operation, DropKey | DropColumn))


def _command(table: str, cursor: Cursor) -> Iterator[Operation]:
    word = cursor.peek()
    if cursor.accept("ADD"):
        yield from _add(table, cursor)
    elif cursor.accept("DROP"):
        yield from _drop(table, cursor)
    elif cursor.accept("ALTER"):
        yield from _alter_column(table, cursor)
    elif cursor.accept("RENAME"):
        yield from _rename(table, cursor)
    elif cursor.accept("MODIFY"):
        cursor.accept("COLUMN")
        yield from _redefine(table, "", cursor)
    elif cursor.accept("CHANGE"):
        cursor.accept("COLUMN")
        yield from _redefine(table, cursor.ident(), cursor)
    elif cursor.accept("VALIDATE", "CONSTRAINT"):
        yield ValidateKey(table, cursor.ident(), cursor.span(0))
    elif word in ("ATTACH", "DETACH"):
        cursor.at += 2
        yield AttachPartition(table, cursor.name(), word == "ATTACH")
    elif cursor.accept("SET", "SCHEMA"):
        yield SetSchema(table, cursor.ident())
    elif word not in HARMLESS:
        yield Uncertain((table,))


def _add(table: str, cursor: Cursor) -> Iterator[Operation]:
    explicit = cursor.accept("COLUMN")
    exists = cursor.accept("IF", "NOT", "EXISTS")
    into = Parts()
    if cursor.peek() == "(":
        for part in cursor.group():
            column(part, into)
    elif explicit or not (constraint(cursor, into) or inline_index(cursor, into)):
        column(cursor, into)
    for added in into.columns:
        yield AddColumn(table, added, exists)
    for key in into.keys:
        yield AddKey(table, key)
    for index in into.indexes:
        yield AddIndex(table, index)
    if not into.understood:
        yield Uncertain((table,))


def _drop(table: str, cursor: Cursor) -> Iterator[Operation]:
    if cursor.accept("CONSTRAINT") or (cursor.peek() == "CHECK" and cursor.peek(1) == "" and cursor.accept("CHECK")):
        cursor.accept("IF", "EXISTS")
        yield DropKey(table, cursor.ident())
    elif cursor.accept("PRIMARY", "KEY"):
        yield DropKey(table, "", "primary")
    elif cursor.accept("FOREIGN", "KEY"):
        yield DropKey(table, cursor.ident(), "foreign")
    elif (cursor.peek() in ("INDEX", "KEY")) and cursor.at + 1 < len(cursor.items):
        cursor.at += 1
        yield DropIndex(cursor.ident(), table)
    elif cursor.peek() == "PARTITION":
        return
    else:
        cursor.accept("COLUMN")
        cursor.accept("IF", "EXISTS")
        name = cursor.ident()
        yield DropColumn(table, name) if name else Uncertain((table,))


def _alter_column(table: str, cursor: Cursor) -> Iterator[Operation]:
    if cursor.peek() in ("CONSTRAINT", "INDEX") and cursor.peek(1) not in ("SET", "TYPE", "DROP"):
        return
    cursor.accept("COLUMN")
    name = cursor.ident()
    _ = cursor.accept("SET", "DATA")
    if cursor.accept("TYPE"):
        kind = type_name(cursor)
        span = cursor.span(0)
        while not cursor.done() and not cursor.accept("USING"):
            cursor.skip()
        yield AlterColumn(table, name, span, to_type=kind, using=expression(cursor))
    elif cursor.accept("SET", "NOT", "NULL"):
        yield AlterColumn(table, name, cursor.span(0), nullable=False)
    elif cursor.accept("DROP", "NOT", "NULL"):
        yield AlterColumn(table, name, cursor.span(0), nullable=True)
    elif cursor.peek() not in ("SET", "DROP", "ADD", "RESTART", "RESET"):
        yield Uncertain((table,))


def _rename(table: str, cursor: Cursor) -> Iterator[Operation]:
    if cursor.accept("TO") or cursor.accept("AS"):
        first = cursor.at
        to = cursor.name()
        yield RenameTable(table, to, cursor.written(first))
        return
    named = cursor.peek() in ("CONSTRAINT", "INDEX", "KEY") and cursor.peek(1) != "TO"
    if named or cursor.peek() == "COLUMN":
        cursor.at += 1
    name = cursor.ident()
    if not name or not cursor.accept("TO"):
        yield Uncertain((table,))
        return
    first = cursor.at
    to = cursor.ident()
    yield RenameIndex(name, to, table) if named else RenameColumn(table, name, to, cursor.written(first))


def _redefine(table: str, old: str, cursor: Cursor) -> Iterator[Operation]:
    """MySQL's MODIFY and CHANGE: the whole column anew; keys stay."""
    into = Parts()
    column(cursor, into)
    if not into.columns or not into.understood:
        yield Uncertain((table,))
        return
    new = into.columns[0]
    if old and old != new.name:
        yield RenameColumn(table, old, new.name, new.written)
    yield AlterColumn(table, new.name, new.span, to_type=new.type, nullable=new.nullable is not False)
    for key in into.keys:
        yield AddKey(table, key)
