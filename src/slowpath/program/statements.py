"""What a call sends to the database, as far as its function says: the builder's steps, or the SQL text.

In: a call that sends a statement. Out: whether it reads, whether the number of its rows is bounded, and its text. Steps
are followed through locals, and into the functions that make a part of the builder.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from slowpath.model.code import MAX_SQL, STATEMENT, Call
from slowpath.program.connections import Connections
from slowpath.program.elements import call_of
from slowpath.program.paths import known
from slowpath.program.rust import Function, RustProgram, Site

MAX_STEPS = 60
MAX_DEPTH = 6
"""Locals that hold a part of a statement each."""
NAME = re.compile(r"[a-z_]\w*$")
WRITES = re.compile(r"\b(insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into|returning)\b", re.I)
BOUNDS = re.compile(r"\b(limit|fetch\s+(first|next)|top\s*\(?\d)\b", re.I)
LOCKS = re.compile(r"\bfor\s+(no\s+key\s+)?(update|share|key\s+share)\b", re.I)
KEY = re.compile(r"(id|uuid|guid|sha\d*|hash|token|slug|email|pk)$", re.I)
BY_KEY = re.compile(r"\bwhere\s+(\w+\.)?\"?(id|uuid|guid|sha\d*|hash|token|slug|email|pk)\"?\s*=\s*[$?:'@]", re.I)
SPREADS = re.compile(r"\b(join|or|union)\b", re.I)
ORDERS = re.compile(r"\border\s+by\b", re.I)
GROUPS = re.compile(r"\b(group\s+by|having|distinct|union|intersect|except)\b", re.I)
AGGREGATES = re.compile(r"select\s+(coalesce\s*\(\s*)?(count|sum|max|min|avg|exists)\s*\(", re.I)
ASKS_SQL = re.compile(
    r"(^|::)(sql_query|query\w*!?|raw_sql|from_sql_and_values|from_raw_sql|prepare\w*|find_by_statement)$"
)


@cache
def words(name: str) -> frozenset[str]:
    return frozenset(known()["rows"][name])


class Statement(NamedTuple):
    """`steps` are the calls that build it, in no order; `sql` its text, empty where a builder makes it.

    `conditions` are the calls in what the steps are given: `users::id.eq(id)`.
    """

    site: Site
    steps: tuple[Call, ...]
    conditions: tuple[Call, ...]
    sql: str
    known: bool
    """All that could bound or change its rows is seen."""

    @property
    def names(self) -> frozenset[str]:
        """Methods and functions of its steps. A path `Entity::find` is no look-up by a key, as the method is."""
        return frozenset(
            "" if call.receiver == "-" and call.name.endswith("::find") else call.name.rsplit("::", 1)[-1]
            for call in self.steps
            if call is not self.site.call
        )

    def _has(self, pattern: re.Pattern[str], section: str) -> bool:
        return pattern.search(self.sql) is not None if self.sql else not self.names.isdisjoint(words(section))

    @property
    def bounded(self) -> bool:
        """Whether it asks for a limited number of rows."""
        return self._has(BOUNDS, "limits") or AGGREGATES.match(self.sql) is not None

    @property
    def single(self) -> bool:
        """Whether it asks for one row by what names a row: `WHERE id = $1`, joined with nothing."""
        if self.sql:
            return BY_KEY.search(self.sql) is not None and SPREADS.search(self.sql) is None
        inside = {call.name for call in self.conditions}
        if not words("spreads").isdisjoint(self.names | inside):
            return False
        return any(call.name == "eq" and KEY.match(call.receiver.rsplit("::", 1)[-1]) for call in self.conditions)

    @property
    def writes(self) -> bool:
        return WRITES.search(self.sql) is not None or not self.names.isdisjoint(known()["queries"]["builders"])

    @property
    def ordered(self) -> bool:
        return self._has(ORDERS, "orders")

    @property
    def locks(self) -> bool:
        return self._has(LOCKS, "locks")

    @property
    def grouped(self) -> bool:
        """Whether a row of the result is no row of a table."""
        return self._has(GROUPS, "groups")


class Statements:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._known: dict[tuple[int, int], Statement] = {}

    def of(self, site: Site) -> Statement:
        if site.key not in self._known:
            self._known[site.key] = self._read(site)
        return self._known[site.key]

    def _read(self, site: Site) -> Statement:
        parts = _Parts(self.program, site)
        sql = next(filter(STATEMENT.match, parts.texts), "")
        asks_sql = site.call.name.startswith(("fetch", "query")) or any(ASKS_SQL.search(c.name) for c in parts.calls)
        seen = not parts.lost and len(sql) < MAX_SQL and (sql != "" or not asks_sql)
        text = " ".join(sql.replace("\\\n", " ").split())
        return Statement(site, tuple(parts.calls), tuple(parts.conditions), text, seen)


class _Parts:
    """The calls and texts behind a statement."""

    def __init__(self, program: RustProgram, site: Site) -> None:
        self.program = program
        self.connections = program.shared(Connections)
        self.calls: list[Call] = []
        self.conditions: list[Call] = []
        self.texts: list[str] = []
        self.lost = False
        """A part comes from elsewhere."""
        self._chain(site.function, f"#{site.number}", 0)

    def _chain(self, function: Function, operand: str, depth: int) -> None:
        """A builder, from the call that an operand is down to its root."""
        for _ in range(MAX_STEPS):
            call = call_of(function, operand)
            if call is None:
                return
            self._call(function, call, depth)
            for callee in self.program.resolve(Site(function, int(operand[1:].rstrip("?")))).functions[:2]:
                self._inside(callee)
            if call.receiver == "-":
                self._wrapped(function, call, int(operand[1:].rstrip("?")), depth)
                return
            if call_of(function, call.receiver) is None:
                self._root(function, call, call.receiver, depth)
                return
            operand = call.receiver
        self.lost = True

    def _wrapped(self, function: Function, call: Call, number: int, depth: int) -> None:
        """A function that is given a builder and makes another of it: `paginate(query, page)`."""
        for arg in call.args[:1] if depth < MAX_DEPTH else ():
            inner = call_of(function, arg)
            if inner is not None and inner.receiver != "-":
                self.lost |= not self.program.resolve(Site(function, number)).functions
                self._chain(function, arg, depth + 1)
            elif NAME.match(arg) and arg != "self":
                local = self.program.resolver.binding(function, arg, call.start, call.scope)
                if local is not None and call_of(function, local.init) is not None:
                    self.lost |= not self.program.resolve(Site(function, number)).functions
                    self._root(function, call, arg, depth + 1)

    def _call(self, function: Function, call: Call, depth: int) -> None:
        self.calls.append(call)
        for arg in call.args[:3]:
            self._text(function, arg, call.start, call.scope, depth)

    def _inside(self, function: Function) -> None:
        """All that a function calls that makes a part of the builder."""
        for call in function.fact.calls[:MAX_STEPS]:
            self.calls.append(call)
            self.texts += [arg[1:] for arg in call.args if arg[:1] == '"']

    def _root(self, function: Function, call: Call, operand: str, depth: int) -> None:
        """What a builder begins with: where that is a local, all that is called on it counts."""
        name = operand.rstrip("?*")
        if name == "self" or not NAME.match(name):
            self.lost |= name == ""
            return
        local = self.program.resolver.binding(function, name, call.start, call.scope)
        if local is None or depth > MAX_DEPTH:
            given = any(name == given for given, _ in function.fact.params)
            connection = self.connections.is_connection(function, name, call.start, call.scope)
            self.lost |= depth > MAX_DEPTH or (given and not connection)
            return
        for other in function.fact.calls:
            if other.receiver == name and other is not call:
                self._call(function, other, depth + 1)
        self._chain(function, local.init, depth + 1)

    def _text(self, function: Function, operand: str, at: int, scope: int, depth: int) -> None:
        """A text: a literal, a constant, a `format!`, or a local that holds one of these."""
        operand = operand.rstrip("?*")
        call = call_of(function, operand)
        if operand[:1] == '"':
            self.texts.append(operand[1:])
        elif call is not None:
            self.conditions.append(call)
            for part in (call.receiver, *call.args[:1]) if depth < MAX_DEPTH else ():
                if call_of(function, part) is not None:
                    self._text(function, part, at, scope, depth + 1)
            self.texts += [arg[1:] for arg in call.args if arg[:1] == '"']
        elif operand[operand.rfind(":") + 1 :].isupper():
            self.texts += [
                init[1:] for init in [self.program.resolver.constant_init(function, operand)] if init[:1] == '"'
            ]
        elif NAME.match(operand) and depth < MAX_DEPTH:
            local = self.program.resolver.binding(function, operand, at, scope)
            if local is not None:
                self._text(function, local.init, local.at - 1, local.scope, depth + 1)
