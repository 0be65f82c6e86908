"""Reads that a function awaits one after the other although the later needs nothing of the earlier."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.code import AWAITED, Call
from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.liveness import Liveness
from slowpath.program.look_ups import LookUps
from slowpath.program.neighbours import Neighbours, Point
from slowpath.program.paths import Paths, known, named
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.sinks import is_sink

MAX_DEEP = 12
"""Calls below a function that are looked into."""


class Read(NamedTuple):
    """An awaited call, and the function of the workspace that it calls."""

    point: Point
    callee: Function


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
        if self._deep > MAX_DEEP:
            return Reading(None, True)
        if id(function) not in self._readings:
            self._readings[id(function)] = Reading(None, False)
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
            if last in self.writes.names and is_sink(self.view, self.connections, self.writes, site, True):
                return Reading(wait, True)
            if is_sink(self.view, self.connections, self.reads, site, True):
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
            if len(function.fact.awaits) > 1 and not function.test:
                names = Neighbours(function)
                for run in names.runs():
                    for reads in self.reads_of(function, run, names):
                        if self.liveness.is_live(function):
                            yield self.report(function, reads)

    def reads_of(self, function: Function, run: list[Point], names: Neighbours) -> Iterator[list[Read]]:
        """The stretches of a run in which every call only reads, and none keeps something from another."""
        if self.contexts.of_scope(function, run[0].call.scope).kind != "async":
            return
        stretch: list[Read] = []
        for point in run:
            read = self.read_at(function, point)
            if read is None or any(self.shares(function, earlier, read, names) for earlier in stretch):
                if len(stretch) > 1:
                    yield stretch
                stretch = []
            stretch += [read] if read is not None else []
        if len(stretch) > 1:
            yield stretch

    def read_at(self, function: Function, point: Point) -> Read | None:
        """The call as a read, where it is known to be one."""
        resolved = self.view.resolve(Site(function, point.number))
        sure = len(resolved.functions) == 1 and resolved.how != "name"
        return Read(point, resolved.functions[0]) if sure and self.only_reads(resolved.functions[0]) else None

    def only_reads(self, callee: Function) -> bool:
        if not callee.fact.is_async:
            return False
        found = self.reading(callee)
        return found.wait is not None and not found.unsure

    def shares(self, function: Function, first: Read, second: Read, names: Neighbours) -> bool:
        """Whether both need the same thing for themselves: a connection, or what one of them takes as `&mut`."""
        common = names.used_by(first.point.call) & names.used_by(second.point.call)
        for point, callee in (first, second):
            call = point.call
            params = callee.fact.params[1:] if call.receiver != "-" else callee.fact.params
            for arg, (_, kind) in zip(call.args, params, strict=False):
                exclusive = kind.startswith("&mut") or "Transaction" in kind
                if names.uses(arg) & common and (exclusive or self.is_single(function, arg, call)):
                    return True
            if call.receiver != "-" and names.uses(call.receiver) & common and callee.fact.mut_self:
                return True
        return False

    def is_single(self, function: Function, operand: str, call: Call) -> bool:
        """Whether an operand is one connection, not a pool of them."""
        if not self.connections.is_connection(function, operand, call.start, call.scope):
            return False
        kind = self.view.type_of(function, operand, call.start, call.scope)
        head = kind.head if kind is not None else operand
        return not re.search(r"(?i)pool|databaseconnection|client|^db$", str(head).rsplit("::", 1)[-1])

    def proof(self, callee: Function) -> Iterator[Step]:
        """Down to the call that waits."""
        current: Function | None = callee
        for _ in range(MAX_DEEP):
            wait = self.reading(current).wait if current is not None else None
            if current is None or wait is None:
                return
            yield Step(wait.place, f"`{current.name}` calls `{wait.call.name}`")
            current = next(iter(self.view.resolve(wait).functions), None)

    def report(self, function: Function, run: list[Read]) -> Finding:
        first, second, *rest = ((function.at(read.point.call), read.callee) for read in run)
        return self.rule.finding(
            second[0],
            function=function.name,
            flow=[
                Step(first[0], f"`{function.name}` awaits `{first[1].name}`"),
                Step(second[0], f"then `{second[1].name}`, which needs nothing of it"),
                *self.proof(second[1]),
            ],
            related=[Step(place, f"and `{callee.name}`") for place, callee in rest],
            first=first[1].name,
            second=second[1].name,
            more=f" (and {len(rest)} more there)" if rest else "",
        )
