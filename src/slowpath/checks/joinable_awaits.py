"""Reads that a function awaits one after the other although the later needs nothing of the earlier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from slowpath.model.code import AWAITED, TRIED, Call, Local
from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.liveness import Liveness
from slowpath.program.look_ups import LookUps
from slowpath.program.paths import Paths, known, named
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.sinks import is_sink

NAMES = re.compile(r"[A-Za-z_]\w*")
RESULT = re.compile(r"#(\d+)")
OWN = re.compile(r"([#|~])(\d+)")
LEAVE = frozenset(["bail!", "anyhow::bail!", "ensure!", "anyhow::ensure!", "eyre::bail!", "eyre::ensure!"])
"""Macros that return."""
MAX_DEEP = 12
"""Calls below a function that are looked into."""
MAX_CHAIN = 40
"""Calls after an awaited one among which the rest of its chain is looked for."""


class Point(NamedTuple):
    """An awaited call of the workspace: its site, and what it binds."""

    site: Site
    callee: Function
    binds: frozenset[str]
    guarded: bool
    """The function goes on only where the result fits a pattern."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per run of independent reads."""
    if program.of("rust"):
        yield from Search(program.rust, rule).findings()


class Reading(NamedTuple):
    """What a function's calls say: the one by which it waits, and whether it may do more than read."""

    wait: Site | None
    unsure: bool


class Search:
    """Knows which functions wait and only read, and looks for neighbours that do."""

    def __init__(self, view: RustProgram, rule: Rule) -> None:
        self.view = view
        self.rule = rule
        self.contexts = view.shared(Contexts)
        self.liveness = view.shared(Liveness)
        self.look_ups = view.shared(LookUps)
        self.connections = view.shared(Connections)
        self.reads = Paths((*rule.settings["reads"], *known()["queries"]["reads"]))
        self.writes = Paths((*rule.settings["writes"], *known()["queries"]["writes"]))
        self._readings: dict[int, Reading] = {}
        self._deep = 0

    def reading(self, function: Function) -> Reading:
        """Down the calls of a function. An awaited call that nothing is known of may write."""
        if id(function) not in self._readings:
            self._readings[id(function)] = Reading(None, self._deep > MAX_DEEP)
            self._deep += 1
            self._readings[id(function)] = self._read(function)
            self._deep -= 1
        return self._readings[id(function)]

    def _read(self, function: Function) -> Reading:
        wait: Site | None = None
        for number, call in enumerate(function.fact.calls):
            site = Site(function, number)
            if self.contexts.of(site).kind == "once" or self.look_ups.before(site):
                continue
            last = call.name[call.name.rfind(":") + 1 :]
            if last in self.writes.names and is_sink(self.view, self.connections, self.writes, site, last, True):
                return Reading(wait, True)
            if is_sink(self.view, self.connections, self.reads, site, last, True):
                wait = wait or site
                continue
            callees = self.view.resolve(site).functions
            if call.flags & AWAITED and not callees and not self.contexts.matches(site, named("once")):
                return Reading(wait, True)
            for callee in callees:
                below = self.reading(callee)
                if below.unsure:
                    return Reading(wait, True)
                wait = wait or (site if below.wait is not None else None)
        return Reading(wait, False)

    def findings(self) -> Iterator[Finding]:
        for function in self.view.functions:
            if function.fact.awaits and not function.test and self.liveness.is_live(function):
                for run in self.runs(function):
                    yield self.report(function, run)

    def runs(self, function: Function) -> Iterator[list[Point]]:
        """Neighbouring reads of which none needs another."""
        for run in self.loose_runs(function):
            for reads, points in groupby(run, key=lambda point: self.only_reads(point.callee)):
                alike = list(points)
                if reads and len(alike) > 1:
                    yield alike

    def loose_runs(self, function: Function) -> Iterator[list[Point]]:
        """Neighbouring awaited calls of which none needs another, whatever they do."""
        run: list[Point] = []
        for point in self.points(function):
            near = bool(run) and not self.awaits_between(function, run[-1], point)
            if near and all(self.independent(function, earlier, point) for earlier in run):
                run.append(point)
                continue
            if len(run) > 1:
                yield run
            run = [point]
        if len(run) > 1:
            yield run

    def points(self, function: Function) -> Iterator[Point]:
        """The function's awaited calls of the workspace, in source order."""
        bound: dict[int, list[Local]] = {}
        for local in function.fact.locals:
            given = RESULT.match(local.init)
            if given:
                bound.setdefault(int(given[1]), []).append(local)
        for number, call in enumerate(function.fact.calls):
            if not call.flags & AWAITED:
                continue
            site = Site(function, number)
            resolved = self.view.resolve(site)
            if len(resolved.functions) == 1 and resolved.how != "name":
                locals_ = list(self.bound_by(function, number, bound))
                guarded = any(local.init.endswith("?") and not self.is_tried(function, local) for local in locals_)
                yield Point(site, resolved.functions[0], frozenset(local.name for local in locals_), guarded)

    def bound_by(self, function: Function, number: int, bound: dict[int, list[Local]]) -> Iterator[Local]:
        """What a call's result is bound to, also through further calls of its chain."""
        yield from bound.get(number, ())
        for later in range(number + 1, min(number + MAX_CHAIN, len(function.fact.calls))):
            if function.fact.calls[later].receiver.rstrip("?") == f"#{number}":
                yield from self.bound_by(function, later, bound)
                return

    @staticmethod
    def is_tried(function: Function, local: Local) -> bool:
        """Whether `?` in a binding is the operator, not a pattern that may not match."""
        given = RESULT.match(local.init)
        return given is not None and bool(function.fact.calls[int(given[1])].flags & TRIED)

    def only_reads(self, callee: Function) -> bool:
        if not callee.fact.is_async:
            return False
        found = self.reading(callee)
        return found.wait is not None and not found.unsure

    def independent(self, function: Function, first: Point, second: Point) -> bool:
        """Whether two reads could run together: the later neither uses the earlier nor waits for its verdict."""
        one, two = first.site.call, second.site.call
        if one.scope != two.scope or self.contexts.of(first.site).kind != "async" or not first.binds or first.guarded:
            return False
        if any(one.end < leave.at < two.start for leave in function.fact.exits):
            return False
        tainted = set(first.binds)
        for local in function.fact.locals:
            if one.end < local.at < two.start and self.uses(function, local.init) & tainted:
                tainted.add(local.name)
        for call in function.fact.calls:
            between = one.end < call.start < two.start
            if between and (call.name in LEAVE or (call.flags & TRIED and self.used_by(function, call) & tainted)):
                return False
        used = self.used_by(function, two)
        return not used & tainted and not self.shares(function, first, second, used & self.used_by(function, one))

    @staticmethod
    def awaits_between(function: Function, first: Point, second: Point) -> bool:
        """Whether something else is awaited between two neighbours."""
        one, two = first.site.call.end, second.site.call.start
        return any(one < start and end < two for start, end, _ in function.fact.awaits)

    def used_by(self, function: Function, call: Call) -> set[str]:
        """The names that a call's receiver and arguments use."""
        found: set[str] = set()
        for operand in (call.receiver, *call.args):
            found |= self.uses(function, operand)
        return found

    def uses(self, function: Function, operand: str) -> set[str]:
        """The names behind an operand."""
        given = OWN.match(operand)
        if given is None:
            return set(NAMES.findall(operand)[:1]) if operand[:1] not in '"L$.|~' else set()
        if given[1] == "#":
            return self.used_by(function, function.fact.calls[int(given[2])])
        level = function.fact.scopes[int(given[2])]
        inside = (call for call in function.fact.calls if level.start <= call.start < level.end)
        return {name for call in inside for part in (call.receiver, *call.args) for name in NAMES.findall(part)}

    def shares(self, function: Function, first: Point, second: Point, names: set[str]) -> bool:
        """Whether both need the same thing for themselves: a connection, or what one of them takes as `&mut`."""
        for point in (first, second):
            call = point.site.call
            params = point.callee.fact.params[1:] if call.receiver != "-" else point.callee.fact.params
            for arg, (_, kind) in zip(call.args, params, strict=False):
                exclusive = kind.startswith("&mut") or "Transaction" in kind
                if self.uses(function, arg) & names and (exclusive or self.is_single(function, arg, call)):
                    return True
            if call.receiver != "-" and self.uses(function, call.receiver) & names and point.callee.fact.mut_self:
                return True
        return False

    def is_single(self, function: Function, operand: str, call: Call) -> bool:
        """Whether an operand is one connection, not a pool of them."""
        if not self.connections.is_connection(function, operand, call.start, call.scope):
            return False
        kind = self.view.type_of(function, operand, call.start, call.scope)
        head = kind.head if kind is not None else operand
        return not re.search(r"(?i)pool|databaseconnection|client|^db$|\bdb$", str(head))

    def proof(self, callee: Function) -> Iterator[Step]:
        """Down to the call that waits."""
        current: Function | None = callee
        for _ in range(MAX_DEEP):
            wait = self.reading(current).wait if current is not None else None
            if current is None or wait is None:
                return
            yield Step(wait.place, f"`{current.name}` calls `{wait.call.name}`")
            current = next(iter(self.view.resolve(wait).functions), None)

    def report(self, function: Function, run: list[Point]) -> Finding:
        first, second = run[0], run[1]
        return self.rule.finding(
            second.site.place,
            function=function.name,
            flow=[
                Step(first.site.place, f"`{function.name}` awaits `{first.callee.name}`"),
                Step(second.site.place, f"then `{second.callee.name}`, which needs nothing of it"),
                *self.proof(second.callee),
            ],
            related=[Step(point.site.place, f"and `{point.callee.name}`") for point in run[2:]],
            first=first.callee.name,
            second=second.callee.name,
            more=f" (and {len(run) - 2} more there)" if len(run) > 2 else "",
        )
