"""Awaited calls of one Rust function that stand next to each other and do not need each other, from its facts alone."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.code import AWAITED, TRIED, Call, Local, is_literal
from slowpath.program.rust import Function

NAMES = re.compile(r"[A-Za-z_]\w*")
RESULT = re.compile(r"#(\d+)")
OWN = re.compile(r"([#|~])(\d+)")
LEAVE = frozenset(["bail!", "anyhow::bail!", "ensure!", "anyhow::ensure!", "eyre::bail!", "eyre::ensure!"])
"""Macros that return."""
MAX_CHAIN = 40
"""Calls after an awaited one among which the rest of its chain is looked for."""
MAX_APART = 120
"""Calls between two neighbours: what is further apart belongs to different thoughts."""
MAX_RUN = 16


class Point(NamedTuple):
    """An awaited call, by its number, and what it binds."""

    number: int
    call: Call
    binds: frozenset[str]
    guarded: bool
    """The function goes on only where the result fits a pattern."""


class Neighbours:
    """Looks at one function."""

    def __init__(self, function: Function) -> None:
        self.fact = function.fact
        self.locals = sorted(self.fact.locals, key=lambda local: local.at)
        self.bound: dict[int, list[Local]] = {}
        for local in self.locals:
            given = RESULT.match(local.init)
            if given:
                self.bound.setdefault(int(given[1]), []).append(local)
        self.exits = sorted(leave.at for leave in self.fact.exits)
        self.starts = sorted((call.start, number) for number, call in enumerate(self.fact.calls))
        self.awaits = sorted((start, end) for start, end, _ in self.fact.awaits)

    def runs(self) -> Iterator[list[Point]]:
        """Neighbouring awaited calls of which none needs another, whatever they do."""
        run: list[Point] = []
        for point in self.points():
            near = bool(run) and len(run) < MAX_RUN and not self.awaits_between(run[-1], point)
            if near and all(self.independent(earlier, point) for earlier in run):
                run.append(point)
                continue
            if len(run) > 1:
                yield run
            run = [point]
        if len(run) > 1:
            yield run

    def points(self) -> Iterator[Point]:
        for number, call in enumerate(self.fact.calls):
            if call.flags & AWAITED:
                bound = list(self.bound_by(number))
                guarded = any(local.init.endswith("?") and not self.is_tried(local) for local in bound)
                yield Point(number, call, frozenset(local.name for local in bound), guarded)

    def bound_by(self, number: int) -> Iterator[Local]:
        """What a call's result is bound to, also through further calls of its chain."""
        stop = min(number + MAX_CHAIN, len(self.fact.calls))
        yield from self.bound.get(number, ())
        for later in range(number + 1, stop):
            if self.fact.calls[later].receiver.rstrip("?") == f"#{number}":
                number = later
                yield from self.bound.get(number, ())

    def is_tried(self, local: Local) -> bool:
        """Whether `?` in a binding is the operator, not a pattern that may not match."""
        given = RESULT.match(local.init)
        return given is not None and bool(self.fact.calls[int(given[1])].flags & TRIED)

    def awaits_between(self, first: Point, second: Point) -> bool:
        """Whether something else is awaited between two neighbours."""
        after = bisect_right(self.awaits, (first.call.end, -1))
        before = bisect_left(self.awaits, (second.call.start, -1))
        return any(end < second.call.start for _, end in self.awaits[after:before])

    def independent(self, first: Point, second: Point) -> bool:
        """Whether two calls could run together: the later neither uses the earlier nor waits for its verdict."""
        one, two = first.call, second.call
        if one.scope != two.scope or not first.binds or first.guarded or second.number - first.number > MAX_APART:
            return False
        if bisect_left(self.exits, two.start) > bisect_right(self.exits, one.end):
            return False
        tainted = set(first.binds)
        start = bisect_right(self.locals, one.end, key=lambda local: local.at)
        stop = bisect_left(self.locals, two.start, key=lambda local: local.at)
        for local in self.locals[start:stop]:
            if self.uses(local.init) & tainted:
                tainted.add(local.name)
        for call in self.fact.calls[first.number + 1 : second.number]:
            between = one.end < call.start < two.start
            if between and (call.name in LEAVE or (call.flags & TRIED and self.used_by(call) & tainted)):
                return False
        return not self.used_by(two) & tainted

    def used_by(self, call: Call) -> set[str]:
        """The names that a call's receiver and arguments use."""
        return self.names((call.receiver, *call.args))

    def uses(self, operand: str) -> set[str]:
        """The names behind an operand."""
        return self.names((operand,))

    def names(self, operands: tuple[str, ...]) -> set[str]:
        found: set[str] = set()
        seen: set[str] = set()
        stack = list(operands)
        while stack and len(seen) < MAX_APART:
            operand = stack.pop()
            given = OWN.match(operand)
            if given is None:
                found.update(
                    NAMES.findall(operand)[:1] if operand[:1] not in "$.|~" and not is_literal(operand) else ()
                )
            elif given[0] not in seen:
                seen.add(given[0])
                inside = self.inside(int(given[2])) if given[1] != "#" else [self.fact.calls[int(given[2])]]
                for call in inside:
                    stack += (call.receiver, *call.args)
        return found

    def inside(self, scope: int) -> list[Call]:
        """The calls of a closure or async block."""
        level = self.fact.scopes[scope]
        first, last = (bisect_left(self.starts, (at, -1)) for at in (level.start, level.end))
        return [self.fact.calls[number] for _, number in self.starts[first : min(last, first + MAX_APART)]]
