"""What all families of findings are judged with, and the statuses that they share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.correlate.costs import Costs
from slowpath.correlate.shapes import Shapes
from slowpath.correlate.traffic import Driven, Traffic
from slowpath.correlate.ways import Way, Ways
from slowpath.correlate.words import listed
from slowpath.model.evidence import Evidence
from slowpath.model.finding import Finding, Measured, Place
from slowpath.program import Program
from slowpath.program.rust import Function

CHEAP_MS = 1.0
"""Less than this per request nobody feels, and no p95 limit of a service is about it."""
CHEAP_SHARE = 0.01
"""Less than this of the knee's time is within the noise of a load test."""


class Reached(NamedTuple):
    """A driven route, and the way from its handler to a finding's function."""

    driven: Driven
    handler: Function
    way: Way


class Scene:
    """A program and the evidence."""

    def __init__(self, program: Program, evidence: Evidence) -> None:
        self.program = program
        self.evidence = evidence
        self.rust = program.rust
        self.shapes = Shapes(program)
        self.ways = Ways(program.rust)
        self.traffic = Traffic(program.rust, evidence.load)
        self.costs = Costs(evidence.load, evidence.queries, self.traffic, self.shapes, self.ways)

    @cached_property
    def foreign(self) -> bool:
        """Nothing that was driven is a route of this source: the evidence is of something else."""
        return not self.traffic.all

    def driven(self, function: Function) -> list[Reached]:
        """The driven routes that lead to a function and were answered at least once."""
        return [
            Reached(driven, handler, way)
            for handler, way in self.ways.to(function)
            for driven in self.traffic.of(handler)
            if driven.answered
        ]

    def idle(self, functions: Iterable[Function]) -> Measured | None:
        """Not exercised, where routes lead to functions and none of them was driven and answered."""
        handlers = [handler for function in functions for handler, _ in self.ways.to(function)]
        if not handlers or self.evidence.load is None or self.foreign:
            return None
        driven = [driven for handler in handlers for driven in self.traffic.of(handler)]
        if any(each.answered for each in driven):
            return None
        if driven:
            return Measured("not-exercised", f"every request to {listed(driven)} failed, so this code may not have run")
        routes = [route for handler in handlers for route in self.traffic.routes.of(handler)]
        return Measured("not-exercised", f"the script sends no request to {listed(routes)}")


def cheap(ms: float, share: float | None) -> bool:
    """Whether a cost is below both thresholds; where the share is not known, below the first."""
    return ms < CHEAP_MS and (share is None or share < CHEAP_SHARE)


def places(finding: Finding) -> Iterator[Place]:
    """A finding's own place and its other sites."""
    yield finding.place
    yield from (step.place for step in finding.related)
