"""One .sql file's bytes → what its statements do to the schema, in order.

An own reader of DDL: sqlglot costs 180 ms to import, reads a twelfth of real statements as an opaque command and loses
columns in a few. It is asked for the columns of views only. Statements that cannot change a table's shape are not even
tokenised; a change of a table that is not understood makes that table uncertain.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from msgspec.structs import replace

from slowpath.extract.sql_alter import alter_table
from slowpath.extract.sql_block import Block
from slowpath.extract.sql_index import expression, parts
from slowpath.extract.sql_signs import signs
from slowpath.extract.sql_table import Parts, item, type_name
from slowpath.extract.sql_text import Cursor, statements, tokens
from slowpath.extract.sql_yield import Output
from slowpath.model.diesel import Query
from slowpath.model.finding import Span
from slowpath.model.schema import (
    EVERYTHING,
    AddIndex,
    Column,
    CreateTable,
    DefineType,
    DropIndex,
    DropTable,
    Index,
    Operation,
    RenameIndex,
    RenameTable,
    RenameType,
    SqlFacts,
    Uncertain,
)

SHAPING = re.compile(
    r"(?:CREATE|ALTER|DROP)\s+(?:OR\s+REPLACE\s+)?"
    r"(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|VIRTUAL|FOREIGN|MATERIALIZED|RECURSIVE|UNIQUE|FULLTEXT|SPATIAL)\s+)*"
    r"(TABLE|INDEX|VIEW|TYPE|DOMAIN|SCHEMA)\b|(DO|RENAME)\b",
    re.I,
)
"""What a statement that may change a table's shape begins with."""

COMMENT = re.compile(r"--[^\n]*")
RESHAPES = re.compile(r"\b(?:ALTER|DROP|RENAME|CREATE)\s+(?:TABLE|INDEX|(?:UNIQUE|MATERIALIZED)\b)|\bEXECUTE\b", re.I)
CALL = re.compile(r"\b(?:SELECT|PERFORM|CALL)\s+(\w+)\s*\(", re.I)
ROUTINE = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?(PROCEDURE|FUNCTION)\s+[`\"]?(\w+)", re.I)
PLACEHOLDER = re.compile(r"\$\d|[=(,]\s*\?")


def extract(source: bytes) -> SqlFacts:
    """The facts of one file."""
    text = source.decode("latin-1")
    spans = list(statements(text))
    if "\0" in text or (spans and spans[-1][1] > len(text)):  # not as any database reads it
        return SqlFacts(operations=[Uncertain((EVERYTHING,), (spans[-1][0] if spans else 0, len(text)))])
    calls = {call[1].lower() for call in CALL.finditer(COMMENT.sub(" ", text))} if ROUTINE.search(text) else set()
    facts = signs(text, spans)
    facts.operations = [_placed(operation, span) for span in spans for operation in _operations(text, span, calls)]
    facts.queries = [] if facts.operations or not PLACEHOLDER.search(text) else list(_queries(text, spans))
    return facts


def _queries(text: str, spans: list[Span]) -> Iterator[Query]:
    from slowpath.extract.sql_query import read_queries

    for span in spans:
        yield from read_queries(text[slice(*span)].encode("latin-1").decode("utf-8", "replace"), "", span)


def _operations(text: str, span: Span, calls: Collection[str]) -> Iterator[Operation]:
    """What one statement does. A procedure that its own file does not call may run later; a function is none."""
    head = SHAPING.match(text, *span)
    if head is not None and (head[2] or "").upper() != "DO":
        yield from _statement(text, span)
        return
    routine = ROUTINE.match(text, *span)
    called = routine is None or routine[2].lower() in calls
    if (head or (routine and (called or routine[1].upper() == "PROCEDURE"))) and RESHAPES.search(text, *span):
        yield from Block(text, span, _statement).operations(called)


def _placed(operation: Operation, span: Span) -> Operation:
    """What is not understood, or perhaps not, says where that stands."""
    doubtful = isinstance(operation, Uncertain) or (
        isinstance(operation, CreateTable) and (operation.opaque or operation.like)
    )
    return replace(operation, span=span) if doubtful else operation


def _statement(text: str, span: Span) -> Iterator[Operation]:
    """One statement that begins as SHAPING says."""
    cursor = Cursor(tokens(text, span))
    verb = cursor.peek()
    if verb == "CREATE":
        yield from _create(cursor, text, span)
    elif verb == "DROP":
        yield from _drop(cursor)
    elif verb == "ALTER":
        yield from _alter(cursor)
    elif cursor.accept("RENAME", "TABLE"):
        for part in cursor.commas():
            name = part.name()
            part.accept("TO")
            first = part.at
            to = part.name()
            yield RenameTable(name, to, part.written(first))


def _create(cursor: Cursor, text: str, span: Span) -> Iterator[Operation]:
    cursor.at = 1
    cursor.accept("OR", "REPLACE")
    modifiers = set()
    while cursor.peek() not in ("TABLE", "INDEX", "VIEW", "TYPE", "DOMAIN", "SCHEMA", ""):
        modifiers.add(cursor.peek())
        cursor.at += 1
    subject = cursor.peek()
    cursor.at += 1
    if subject == "INDEX":
        yield from _index(cursor, modifiers)
        return
    exists = cursor.accept("IF", "NOT", "EXISTS")
    if subject == "TABLE" and not modifiers & {"TEMP", "TEMPORARY"}:
        yield from _table(cursor, exists, "VIRTUAL" in modifiers, text, span)
    elif subject == "VIEW" and not modifiers & {"TEMP", "TEMPORARY"}:
        yield _view(cursor, text, span)
    elif subject == "TYPE":
        yield DefineType(cursor.name())
    elif subject == "DOMAIN":
        name = cursor.name()
        cursor.accept("AS")
        base = type_name(cursor)
        required = False
        while not cursor.done():
            required |= cursor.accept("NOT", "NULL")
            cursor.skip()
        yield DefineType(name, base, required)


def _table(cursor: Cursor, exists: bool, virtual: bool, text: str, span: Span) -> Iterator[Operation]:
    first = cursor.at
    name = cursor.name()
    written = cursor.written(first)
    into = Parts()
    partition = cursor.accept("PARTITION", "OF")
    if partition or cursor.accept("LIKE"):
        parent = cursor.name()
        within = "PARTITION" in _words(cursor)
        yield CreateTable(
            name,
            (),
            if_not_exists=exists,
            like=parent,
            copies="partition" if partition else "indexes",
            partitioned=within,
        )
        return
    if cursor.peek() == "(" and not virtual:
        for part in cursor.group():
            item(part, into)
    query = next(
        (at for at in range(cursor.at, len(cursor.items)) if cursor.items[at][1].upper() in ("SELECT", "WITH")), 0
    )
    if query and not into.columns:
        from slowpath.extract.sql_query import output_columns

        names = output_columns(text[cursor.items[query][2] : span[1]])
        yield CreateTable(name, _yielded(names, span), if_not_exists=exists, opaque=not names, written=written)
        return
    if cursor.accept("INHERITS"):
        parents = [parent.name() for parent in cursor.group()]
        into.understood &= len(parents) == 1 and not into.like
        into.like, into.copies = parents[0] if parents else "", "heir"
    yield CreateTable(
        name,
        tuple(into.columns),
        tuple(into.keys),
        tuple(into.indexes),
        if_not_exists=exists,
        like=into.like,
        view=virtual,
        opaque=virtual or not into.understood,
        copies=into.copies,
        partitioned="PARTITION" in _words(cursor),
        written=written,
    )


def _words(cursor: Cursor) -> list[str]:
    """The words that are left."""
    return [cursor.peek(ahead) for ahead in range(len(cursor.items) - cursor.at)]


def _yielded(columns: list[Output], span: Span) -> tuple[Column, ...]:
    return tuple(Column(each.name, each.type, None, True, span, source=each.source) for each in columns)


def _view(cursor: Cursor, text: str, span: Span) -> Operation:
    from slowpath.extract.sql_query import output_columns

    name = cursor.name()
    names = [part.ident() for part in cursor.group()] if cursor.peek() == "(" else []
    query = next((at for at in range(cursor.at, len(cursor.items)) if cursor.peek(at - cursor.at) == "AS"), -1)
    found = output_columns(text[cursor.items[query][3] : span[1]] if query >= 0 else "", names)
    return CreateTable(name, _yielded(found, span), view=True, opaque=not found)


def _index(cursor: Cursor, modifiers: set[str]) -> Iterator[Operation]:
    concurrently = cursor.accept("CONCURRENTLY")
    cursor.accept("IF", "NOT", "EXISTS")
    name = "" if cursor.peek() == "ON" else cursor.name()
    first = max(cursor.at - 1, 0)
    method = "fulltext" if modifiers & {"FULLTEXT", "SPATIAL"} else ""
    if cursor.accept("USING"):
        method = cursor.ident()
    if not cursor.accept("ON"):
        return
    only = cursor.accept("ONLY")
    table = cursor.name()
    if cursor.accept("USING"):
        method = cursor.ident()
    listed, options = parts(cursor) if cursor.peek() == "(" else ((), ())
    place = cursor.span(first)
    where = ""
    include: tuple[str, ...] = ()
    while not cursor.done():
        if cursor.accept("WHERE"):
            where = expression(cursor)
        elif cursor.accept("INCLUDE"):
            include, _ = parts(cursor)
        elif listed and cursor.accept("NULLS", "NOT", "DISTINCT"):
            options = (*(options or ("",) * len(listed))[:-1], "nulls not distinct")
        else:
            cursor.skip()
    index = Index(name, listed, "UNIQUE" in modifiers, method, where, place, include, options)
    yield AddIndex(table, index, concurrently, only)


def _drop(cursor: Cursor) -> Iterator[Operation]:
    cursor.at = 1
    cursor.accept("MATERIALIZED")
    cursor.accept("FOREIGN")
    cursor.accept("TEMPORARY")
    subject = cursor.peek()
    cursor.at += 1
    concurrently = cursor.accept("CONCURRENTLY")
    cursor.accept("IF", "EXISTS")
    names = cursor.names()
    span = cursor.span(0)
    table = cursor.name() if cursor.accept("ON") else ""
    for name in names:
        if subject in ("TABLE", "VIEW"):
            yield DropTable(name)
        elif subject == "INDEX":
            yield DropIndex(name, table, concurrently, span)
        elif subject == "SCHEMA":
            yield DropTable(f"{name}.{EVERYTHING}")


def _alter(cursor: Cursor) -> Iterator[Operation]:
    cursor.at = 1
    cursor.accept("MATERIALIZED")
    cursor.accept("FOREIGN")
    subject = cursor.peek()
    cursor.at += 1
    cursor.accept("IF", "EXISTS")
    cursor.accept("ONLY")
    name = cursor.name()
    if subject in ("TABLE", "VIEW"):
        yield from alter_table(name, cursor)
    elif cursor.accept("RENAME", "TO"):
        to = cursor.name()
        yield RenameIndex(name, to) if subject == "INDEX" else RenameType(name, to)
