"""Code in SQL, DO blocks and called routines: what it surely does to a schema, else which tables it may have changed.

A statement is sure where nothing decides about it, or only whether it is needed at all: `IF NOT EXISTS (…) THEN ALTER
TABLE … ADD COLUMN`, and handlers for what is there already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from slowpath.extract.sql_text import bare
from slowpath.model.finding import Span
from slowpath.model.schema import (
    EVERYTHING,
    AddColumn,
    AddIndex,
    AddKey,
    AlterColumn,
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
    Uncertain,
)

Read = Callable[[str, Span], Iterator[Operation]]
"""Reads the statement that stands there."""

DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w*)?\$")
STEP = re.compile(
    r"\bEND\s+IF\b|\bRAISE\s+\w+"
    r"|\b(?:ELSIF|ELSEIF|ELSE|LOOP|WHILE|CASE|RETURN|EXCEPTION|IF|THEN)\b"
    r"|\b(?:CREATE|ALTER|DROP|RENAME)\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+){0,2}?(?:TABLE|INDEX|VIEW|TYPE|DOMAIN|SCHEMA)\b",
    re.I,
)
"""What decides in a block, and what changes a schema."""
HANDLED = re.compile(r"(?:\s|\bOR\b|\bWHEN\b|\b(?:duplicate|undefined)_\w+)*\bTHEN\b", re.I)
"""Handlers for what is there already, or gone."""
RUNS = re.compile(r"\b(?:EXECUTE|PREPARE)\b", re.I)
LITERAL = re.compile(r"\s*(?:format\s*\(\s*)?e?'\s*(\w+)(?:\s+(?:OR\s+REPLACE\s+)?(\w+))?", re.I)
CHANGING = frozenset(["CREATE", "ALTER", "DROP", "RENAME"])
CHANGED = frozenset("TABLE INDEX VIEW TYPE DOMAIN SCHEMA UNIQUE MATERIALIZED TEMP TEMPORARY UNLOGGED FOREIGN".split())
CATALOGUE = re.compile(r"\bpg_(?:tables|class|namespace)\b|\binformation_schema\.(?:tables|columns)\b", re.I)
CHOSEN = re.compile(r"\b(?:table_?name|relname)\s*=\s*'", re.I)
"""Only tables of this name are looked up there."""
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?")

Guard = tuple[type[Operation], ...]
"""The operations that only make sense under a condition."""
ADDING: Guard = (AddColumn, AddKey, AddIndex, CreateTable, DefineType)
LEAVING: Guard = (DropTable, DropColumn, DropKey, DropIndex, RenameTable, RenameColumn, RenameIndex, AlterColumn)


class _UnsureError(Exception):
    """Only the database can say whether a statement runs."""


class Block:
    """The code of one DO, or of a routine, between `start` and `end`."""

    def __init__(self, text: str, span: Span, read: Read) -> None:
        start, end = span
        opening = DOLLAR.search(text, start, end)
        if opening is not None:
            start = opening.end()
            end = max(text.rfind(opening[0], start, end), start)
        self.text = text
        self.read = read
        self.start = start
        self.code = text[start:end]
        self.shown = bare(self.code)

    def operations(self, called: bool) -> Iterator[Operation]:
        """What it surely does; of a routine that nothing is seen to call, only which tables it may change."""
        if any(self._reshapes(run.end()) for run in RUNS.finditer(self.shown)):
            names = {name.lower().removeprefix("public.") for name in NAME.findall(self.code)}
            anything = CATALOGUE.search(self.code) and not CHOSEN.search(self.code)
            yield Uncertain((EVERYTHING,) if anything else tuple(sorted(names)))
            return
        try:
            found = list(self._steps())
            sure = called and not any(isinstance(operation, Uncertain) for operation in found)
        except _UnsureError:
            found = list(self._all())
            sure = False
        if sure:
            yield from found
        elif found:
            yield Uncertain(tuple(sorted({name for operation in found for name in _tables(operation)})))

    def _reshapes(self, at: int) -> bool:
        """What EXECUTE runs may change a table: it does not begin with other words, nor is it a trigger's function."""
        literal = LITERAL.match(self.code, at)
        if literal is None:
            return not re.match(r"\s+(?:FUNCTION|PROCEDURE)\b", self.code[at : at + 40], re.I)
        return literal[1].upper() in CHANGING and (literal[2] is None or literal[2].upper() in CHANGED)

    def _statement(self, start: int) -> tuple[int, list[Operation]]:
        """Where the statement ends, and what it does."""
        end = self.shown.find(";", start)
        end = end if end >= 0 else len(self.shown)
        return end, list(self.read(self.text, (self.start + start, self.start + end)))

    def _all(self) -> Iterator[Operation]:
        """What any of its statements would do."""
        for step in STEP.finditer(self.shown):
            if step[0].split()[0].upper() in CHANGING:
                yield from self._statement(step.start())[1]

    def _steps(self) -> Iterator[Operation]:
        """Raises _UnsureError at the first change that may not happen, and was not there before either."""
        guards: list[Guard] = []
        condition = -1
        at = 0
        while step := STEP.search(self.shown, at):
            at = step.end()
            word = " ".join(step[0].upper().split())
            if word == "IF":
                condition = at
            elif word == "THEN" and condition >= 0:
                guards.append(_guard(self.shown[condition : step.start()]))
                condition = -1
            elif word == "END IF":
                del guards[-1:]
            elif word == "EXCEPTION" and (handled := HANDLED.match(self.shown, at)):
                at = handled.end()
            elif word.partition(" ")[0] in CHANGING:
                at, found = self._statement(step.start())
                if not all(isinstance(operation, guard) for operation in found for guard in guards):
                    raise _UnsureError
                yield from map(_once, found) if guards else found
            elif not word.startswith("RAISE"):
                raise _UnsureError


def _guard(condition: str) -> Guard:
    """What only makes sense under `NOT EXISTS (…)` or `EXISTS (…)`; nothing under another condition."""
    words, _, rest = condition.strip().partition("(")
    depth = 1
    for number, sign in enumerate(rest):
        depth += (sign == "(") - (sign == ")")
        if depth == 0 and number < len(rest) - 1:
            return ()
    return {"NOT EXISTS": ADDING, "EXISTS": LEAVING}.get(" ".join(words.upper().split()), ())


def _once(operation: Operation) -> Operation:
    """The operation, if what it adds is not there."""
    return replace(operation, if_not_exists=True) if isinstance(operation, AddColumn | CreateTable) else operation


def _tables(operation: Operation) -> tuple[str, ...]:
    """The tables that an operation speaks of."""
    match operation:
        case Uncertain(names):
            return names
        case CreateTable(name) | DropTable(name):
            return (name,)
        case RenameTable(name, to):
            return (name, to)
        case DefineType() | RenameType():
            return ()
        case _:
            return (operation.table,)
