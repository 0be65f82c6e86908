"""What CREATE TABLE and ALTER TABLE declare: columns, constraints and MySQL's inline indexes, from tokens to values."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from msgspec.structs import replace

from slowpath.extract.sql_index import expression, parts
from slowpath.extract.sql_text import Cursor
from slowpath.model.finding import Span
from slowpath.model.schema import Column, Copies, Index, Key, KeyKind

AFTER_TYPE = frozenset(
    "NOT NULL DEFAULT PRIMARY UNIQUE REFERENCES CHECK CONSTRAINT COLLATE GENERATED AUTO_INCREMENT AUTOINCREMENT ON "
    "COMMENT AS KEY FIRST AFTER STORAGE COMPRESSION VISIBLE INVISIBLE VIRTUAL STORED DEFERRABLE INITIALLY "
    "USING CHARSET".split()
)
"""What ends a column's type, or a DEFAULT."""

Generated = Literal["", "identity", "stored", "virtual"]

ACTIONS = {"CASCADE": "cascade", "SET": "set", "RESTRICT": "restrict", "NO": "no action"}


class Parts:
    """What the items of one table declare."""

    def __init__(self) -> None:
        self.columns: list[Column] = []
        self.keys: list[Key] = []
        self.indexes: list[Index] = []
        self.like = ""
        self.copies: Copies = "columns"
        self.understood = True


def item(cursor: Cursor, into: Parts) -> None:
    """One item between the commas of CREATE TABLE."""
    if not (constraint(cursor, into) or inline_index(cursor, into) or _like(cursor, into)):
        column(cursor, into)


def _like(cursor: Cursor, into: Parts) -> bool:
    if cursor.peek() != "LIKE" or cursor.peek(1) == ".":
        return False
    cursor.at += 1
    into.understood &= not into.like and not into.columns
    into.like = cursor.name()
    while not cursor.done():
        including = cursor.peek() == "INCLUDING"
        cursor.at += 1
        if cursor.peek() in ("ALL", "INDEXES"):
            into.copies = "indexes" if including else "columns"
        cursor.at += 1
    return True


def constraint(cursor: Cursor, into: Parts) -> bool:
    """A table constraint, if one comes next."""
    start, first = cursor.at, cursor.at
    name = ""
    if cursor.accept("CONSTRAINT"):
        name = "" if cursor.peek() in ("PRIMARY", "UNIQUE", "FOREIGN", "CHECK") else cursor.ident()
    if cursor.accept("PRIMARY", "KEY"):
        _key(cursor, into, "primary", name, first)
    elif cursor.peek() == "UNIQUE":
        cursor.at += 1
        _ = cursor.accept("KEY") or cursor.accept("INDEX")
        _key(cursor, into, "unique", name or _own_name(cursor), first)
    elif cursor.accept("FOREIGN", "KEY"):
        columns_name = name or _own_name(cursor)
        columns = _columns(cursor)
        if not cursor.accept("REFERENCES"):
            into.understood = False
            return True
        into.keys.append(_reference(cursor, columns, columns_name, first))
    elif cursor.peek() == "CHECK" and cursor.peek(1) == "(":
        cursor.at += 1
        into.keys.append(Key("check", (), name, cursor.span(first), text=_condition(cursor)))
    elif cursor.peek() == "EXCLUDE" and cursor.peek(1) in "(USING":
        into.keys.append(Key("check", (), name, cursor.span(first)))
    else:
        cursor.at = start
        return False
    if _not_valid(cursor):
        into.keys[-1] = replace(into.keys[-1], valid=False)
    return True


def _not_valid(cursor: Cursor) -> bool:
    """Whether NOT VALID follows somewhere."""
    return any(
        cursor.peek(ahead) == "NOT" and cursor.peek(ahead + 1) == "VALID"
        for ahead in range(len(cursor.items) - cursor.at)
    )


def _condition(cursor: Cursor) -> str:
    """What a parenthesis holds, as text."""
    first = cursor.at
    cursor.skip()
    return expression(Cursor(cursor.items[first : cursor.at]))


def _own_name(cursor: Cursor) -> str:
    return "" if cursor.peek() in ("(", "NULLS", "USING") else cursor.ident()


def _key(cursor: Cursor, into: Parts, kind: KeyKind, name: str, first: int) -> None:
    if cursor.accept("USING", "INDEX"):
        index = cursor.ident()
        into.keys.append(Key(kind, (), name or index, cursor.span(first), using_index=index))
        return
    while not cursor.done() and cursor.peek() != "(":
        cursor.at += 1
    into.keys.append(Key(kind, _columns(cursor), name, cursor.span(first)))


def _columns(cursor: Cursor) -> tuple[str, ...]:
    return tuple(part.ident() for part in cursor.group()) if cursor.peek() == "(" else ()


def _reference(cursor: Cursor, columns: tuple[str, ...], name: str, first: int) -> Key:
    """What follows REFERENCES."""
    table = cursor.name()
    targets = _columns(cursor)
    on_delete = ""
    span = cursor.span(first)
    while cursor.peek() in ("ON", "MATCH"):
        if cursor.accept("MATCH"):
            cursor.at += 1
            continue
        deletes = cursor.peek(1) == "DELETE"
        cursor.at += 2
        action = ACTIONS.get(cursor.peek(), "")
        cursor.at += 2 if action in ("set", "no action") else 1
        if action == "set" and cursor.peek() == "(":
            cursor.skip()
        on_delete = action if deletes else on_delete
    return Key("foreign", columns, name, span, table, targets, on_delete)


def inline_index(cursor: Cursor, into: Parts) -> bool:
    """MySQL's `KEY name (columns)` inside a table; a column may be called `key`, too."""
    start = cursor.at
    special = cursor.peek() in ("FULLTEXT", "SPATIAL") and cursor.peek(1) in ("KEY", "INDEX")
    cursor.at += special
    if cursor.peek() not in ("KEY", "INDEX"):
        cursor.at = start
        return False
    cursor.at += 1
    name = _own_name(cursor)
    if cursor.accept("USING"):
        cursor.at += 1
    after = cursor.items[cursor.at + 1][0] if cursor.at + 1 < len(cursor.items) else ""
    if cursor.peek() != "(" or after not in ("word", "quoted"):
        cursor.at = start
        return False
    method = "fulltext" if special else ""
    listed, options = parts(cursor)
    into.indexes.append(Index(name, listed, False, method, "", cursor.span(start), options=options))
    return True


def column(cursor: Cursor, into: Parts) -> None:
    """A column's name, type and constraints."""
    first = cursor.at
    name = cursor.ident()
    if not name:
        into.understood = False
        return
    written = cursor.written(first)
    kind = type_name(cursor)
    span = cursor.span(first)
    nullable: bool | None = None
    default = False
    calls: tuple[str, ...] = ()
    generated: Generated = ""
    key_name = ""
    while not cursor.done():
        word = cursor.peek()
        if cursor.accept("NOT", "NULL"):
            nullable = False
        elif cursor.accept("NULL"):
            nullable = True
        elif cursor.accept("CONSTRAINT"):
            key_name = cursor.ident()
            continue
        elif cursor.accept("DEFAULT"):
            default = True
            calls = _value(cursor)
        elif cursor.accept("PRIMARY", "KEY"):
            into.keys.append(Key("primary", (name,), key_name, span))
        elif cursor.accept("UNIQUE"):
            cursor.accept("KEY")
            into.keys.append(Key("unique", (name,), key_name, span))
        elif cursor.accept("REFERENCES"):
            into.keys.append(_named_reference(cursor, name, key_name, span))
        elif cursor.accept("GENERATED"):
            default = True
            generated = _generated(cursor)
            nullable = False if generated == "identity" else nullable
        elif word == "CHECK" and cursor.peek(1) == "(":
            cursor.at += 1
            into.keys.append(Key("check", (name,), key_name, span, text=_condition(cursor)))
            cursor.accept("NO", "INHERIT")
        elif not _minor(cursor, word):
            into.understood = False
            break
        key_name = ""
    into.columns.append(Column(name, kind, nullable, default, span, written, calls=calls, generated=generated))


def _named_reference(cursor: Cursor, column: str, name: str, span: Span) -> Key:
    key = _reference(cursor, (column,), name, 0)
    return Key("foreign", key.columns, name, span, key.table, key.targets, key.on_delete)


def _generated(cursor: Cursor) -> Generated:
    """What follows GENERATED."""
    while not cursor.done() and not cursor.accept("AS"):
        cursor.at += 1
    identity = cursor.accept("IDENTITY")
    if cursor.peek() == "(":
        cursor.skip()
    virtual = not cursor.accept("STORED")
    if virtual:
        cursor.accept("VIRTUAL")
    return "identity" if identity else "virtual" if virtual else "stored"


def _value(cursor: Cursor) -> tuple[str, ...]:
    """The functions that a DEFAULT calls: at least one token, to the next word that begins something else."""
    first = cursor.at
    cursor.skip()
    while not cursor.done():
        kind, text, _, _ = cursor.items[cursor.at - 1]
        if cursor.peek() in AFTER_TYPE and not (kind == "sign" and text in "+-*/|"):
            break
        cursor.skip()
    value = cursor.items[first : cursor.at]
    return tuple(
        name[1].lower()
        for name, after in pairwise(value)
        if after[0] == "sign" and after[1] == "(" and name[0] in ("word", "quoted")
    )


def _minor(cursor: Cursor, word: str) -> bool:
    """Step over what changes neither type, nullability nor keys."""
    if word in ("AUTO_INCREMENT", "AUTOINCREMENT", "ASC", "DESC", "KEY", "FIRST", "VISIBLE", "INVISIBLE", "STORED",
                "VIRTUAL", "DEFERRABLE", "UNSIGNED", "ZEROFILL"):  # fmt: skip
        cursor.at += 1
    elif word in ("COLLATE", "COMMENT", "AFTER", "STORAGE", "COMPRESSION", "CHARSET", "INITIALLY"):
        cursor.at += 2
        if cursor.peek() == ".":
            cursor.at += 2
    elif word == "CHARACTER" and cursor.peek(1) == "SET":
        cursor.at += 3
    elif word == "AS" and cursor.peek(1) == "(":
        cursor.at += 1
        cursor.skip()
    elif word == "ON" and cursor.peek(1) in ("UPDATE", "CONFLICT"):
        cursor.at += 3
        if cursor.peek() == "(":
            cursor.skip()
    elif word == "NOT" and cursor.peek(1) in ("DEFERRABLE", "VALID"):
        cursor.at += 2
    else:
        return False
    return True


def type_name(cursor: Cursor) -> str:
    """A type as lower-case text: `varchar(40)`, `timestamp with time zone`, `int4[]`, `app.status`."""
    words: list[str] = []
    while not cursor.done():
        word = cursor.peek()
        if word in AFTER_TYPE or (word == "CHARACTER" and cursor.peek(1) == "SET"):
            break
        kind, text, _, _ = cursor.items[cursor.at]
        if word == "(":
            inner = cursor.group()
            words.append("(" + ",".join(" ".join(token[1] for token in part.items) for part in inner) + ")")
            continue
        cursor.at += 1
        if kind not in ("word", "quoted", "sign", "number"):
            break
        words.append("[]" if word == "ARRAY" else text.lower())
    text = " ".join(words)
    for sign in (".", "(", "[", "]"):
        text = text.replace(f" {sign}", sign)
    return text.replace(". ", ".").replace("[ ", "[").removeprefix("public.").removeprefix("pg_catalog.")
