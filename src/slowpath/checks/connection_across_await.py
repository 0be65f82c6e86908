"""Pooled connections that live while their function waits for something other than the database."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from slowpath.model.code import AWAITED, CHAIN_AWAITED, Call, Local
from slowpath.model.finding import Finding, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.effects import Effects, Node
from slowpath.program.elements import call_of
from slowpath.program.liveness import Liveness
from slowpath.program.paths import Paths
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.sinks import sinks

PASSED_ON = frozenset("unwrap expect map_err ok_or ok_or_else context with_context unwrap_or_else".split())


class Held(NamedTuple):
    """A connection in a binding: alive from `start` to `end` in the scope of `local`."""

    local: Local
    call: Call
    start: int
    end: int


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per connection."""
    if program.of("rust"):
        yield from Search(program.rust, rule).findings()


@cache
def compiled(patterns: tuple[str, ...]) -> Paths:
    return Paths(patterns)


class Search:
    """Spreads the waits to callers, then looks at the functions that hold a connection meanwhile."""

    def __init__(self, view: RustProgram, rule: Rule) -> None:
        self.view = view
        self.rule = rule
        self.contexts = view.shared(Contexts)
        self.liveness = view.shared(Liveness)
        self.effects = Effects(view)
        self.waits: dict[int, list[tuple[Site, Node | None]]] = {}
        """id(function) → its calls that wait, or lead to a wait"""

    def findings(self) -> Iterator[Finding]:
        known = compiled(tuple(self.rule.settings["waits"]))
        found = sinks(self.view, self.view.shared(Connections), known, awaited=True)
        self.effects.spread([(site, None) for site in found if is_awaited(site)], self.passes)
        for function in self.view.functions:
            waits = self.waits.get(id(function))
            if waits and self.liveness.is_live(function):
                for held in self.held_in(function):
                    yield from self.first_wait(function, held, waits)

    def passes(self, site: Site, callee: Node | None) -> bool:
        """Whether a call makes its function wait: what runs in a task of its own does not."""
        if site.function.test or not is_awaited(site) or self.contexts.in_spawned(site):
            return False
        self.waits.setdefault(id(site.function), []).append((site, callee))
        return True

    def held_in(self, function: Function) -> Iterator[Held]:
        """The connections that a function binds."""
        ends: dict[str, list[int]] = {}
        """name → where its life may end, ascending"""
        for end in function.fact.calls:
            if end.name.rsplit("::", 1)[-1] in self.rule.settings["ends"]:
                for name in (end.receiver, *end.args):
                    ends.setdefault(name, []).append(end.start)
        for places in ends.values():
            places.sort()
        for local in function.fact.locals:
            call = call_of(function, local.init)
            while call is not None and call.name in PASSED_ON:
                call = call_of(function, call.receiver)
            if call is not None and self.takes(function, local, call):
                ended = [at for at in ends.get(local.name, ()) if at > local.at][:1]
                yield Held(local, call, local.at, min([function.fact.scopes[local.scope].end, *ended]))

    def takes(self, function: Function, local: Local, call: Call) -> bool:
        """Whether a call takes a connection from a pool: by what it gives, or by the pool it is called on."""
        given = self.view.type_of(function, local.init, local.at, local.scope)
        if given is not None and given.head in self.rule.settings["connections"]:
            return True
        if call.name not in self.rule.settings["takes"] or call.receiver == "-":
            return False
        pool = self.view.type_of(function, call.receiver, call.start, call.scope)
        return pool is not None and not pool.derived and pool.head in self.rule.settings["pools"]

    def first_wait(self, function: Function, held: Held, waits: list[tuple[Site, Node | None]]) -> Iterator[Finding]:
        own = self.contexts.of_scope(function, held.call.scope)
        for site, callee in sorted(waits, key=lambda wait: wait[0].call.start):
            inside = any(index == held.local.scope for index, _ in function.scopes_of(site.call.scope))
            if inside and held.start < site.call.start < held.end and self.contexts.of(site) == own:
                yield self.report(function, held, site, callee)
                return

    def report(self, function: Function, held: Held, site: Site, callee: Node | None) -> Finding:
        name = callee.function.name if callee else site.call.name
        hops = self.effects.path(callee) if callee else []
        names = [name, *(hop.through.function.name if hop.through else hop.site.call.name for hop in hops)]
        steps = [
            Step(function.at(held.call), f"`{held.call.name}` takes a connection, `{held.local.name}`"),
            Step(site.place, f"`{function.name}` awaits `{name}` while it has it"),
        ]
        return self.rule.finding(
            site.place,
            function=function.name,
            confidence=weakest(self.rule.confidence, self.effects.confidence(callee) if callee else "high"),
            flow=steps + (self.effects.steps(callee) if callee else []),
            name=held.local.name,
            path=" → ".join(f"`{step}`" for step in names),
        )


def is_awaited(site: Site) -> bool:
    return bool(site.call.flags & (AWAITED | CHAIN_AWAITED))
