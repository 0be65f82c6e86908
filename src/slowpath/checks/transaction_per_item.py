"""Loops that open a transaction, and commit it, for each element."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from slowpath.model.code import TRIED
from slowpath.model.finding import Confidence, Finding, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.buffers import Buffers
from slowpath.program.connections import Connections, is_transaction
from slowpath.program.contexts import Contexts
from slowpath.program.effects import Effects, Node
from slowpath.program.endpoints import reached
from slowpath.program.liveness import Liveness
from slowpath.program.look_ups import LookUps
from slowpath.program.loops import Loop, Loops
from slowpath.program.paths import Paths
from slowpath.program.rust import Site
from slowpath.program.sinks import sinks

MAX_HOPS = 2
"""Calls between a loop and what opens the transaction: further down it is the callee's own matter."""


class Hit(NamedTuple):
    loop: Loop
    site: Site
    callee: Node | None


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop."""
    if program.of("rust"):
        yield from Search(program, rule).findings()


@cache
def compiled(patterns: tuple[str, ...]) -> Paths:
    return Paths(patterns)


class Search:
    """Carries the opening of transactions up to the loops around."""

    def __init__(self, program: Program, rule: Rule) -> None:
        self.rule = rule
        self.view = program.rust
        self.contexts = self.view.shared(Contexts)
        self.buffers = self.view.shared(Buffers)
        self.loops = self.view.shared(Loops)
        self.effects = Effects(self.view)
        self.hits: list[Hit] = []

    def findings(self) -> Iterator[Finding]:
        opens = sinks(
            self.view, self.view.shared(Connections), compiled(tuple(self.rule.settings["opens"])), awaited=True
        )
        self.effects.spread([(site, None) for site in opens if not self.is_inner(site)], self.passes)
        told: set[tuple[int, int]] = set()
        for hit in sorted(self.hits, key=lambda hit: (hit.site.function.file, hit.site.call.start)):
            key = (id(hit.loop.function), hit.loop.scope)
            hops = self.effects.path(hit.callee) if hit.callee is not None else []
            if key not in told and len(hops) <= MAX_HOPS:
                told.add(key)
                yield self.report(hit)

    def is_inner(self, site: Site) -> bool:
        """Whether a transaction is opened in another one: a savepoint."""
        return is_transaction(site.call.receiver) or self.in_transaction(site)

    def in_transaction(self, site: Site) -> bool:
        """Whether a call stands in a transaction's closure, or is given the handle of one."""
        takers = self.contexts.takers(site.function, site.call.scope)
        return any(map(is_transaction, site.call.args)) or any("transaction" in taker.call.name for taker in takers)

    def passes(self, site: Site, callee: Node | None) -> bool:
        if site.function.test or self.contexts.of(site).kind == "once" or self.view.shared(LookUps).before(site):
            return False
        if self.contexts.in_spawned(site) or self.in_transaction(site) or self.buffers.now_and_then(site):
            return False
        loop = self.loops.around(site)
        if loop is not None:
            self.hits.append(Hit(loop, site, callee))
        return loop is None

    def report(self, hit: Hit) -> Finding:
        function = hit.site.function
        name = hit.callee.function.name if hit.callee else hit.site.call.name
        steps = [
            Step(hit.loop.head, f"`{function.name}` goes over {hit.loop.over}"),
            Step(hit.site.place, f"for each element it calls `{name}`"),
        ]
        return self.rule.finding(
            hit.site.place,
            function=function.name,
            confidence=weakest(self.rule.confidence, *self.doubts(hit)),
            flow=steps + (self.effects.steps(hit.callee) if hit.callee else []),
            call=name,
            over=hit.loop.over,
            reached=reached(self.view, function),
        )

    def doubts(self, hit: Hit) -> Iterator[Confidence]:
        """Code that no server runs, and elements that shall not fail each other: the error goes no further."""
        if hit.callee is not None:
            yield weakest(self.effects.certainty(hit.site), self.effects.confidence(hit.callee))
        if not self.view.shared(Liveness).is_live_site(hit.site) or not is_tried(hit.site):
            yield "low"


def is_tried(site: Site) -> bool:
    """Whether an error of a call ends the loop: `?`, `unwrap()`, also further up the chain."""
    calls = site.function.fact.calls
    number = site.number
    for following in range(number, len(calls)):
        call = calls[following]
        if following != number and not re.match(rf"#{number}\??$", call.receiver):
            continue
        number = following
        if call.flags & TRIED or call.name in ("unwrap", "expect"):
            return True
    return False
