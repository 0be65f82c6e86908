"""What a statement costs a request of a route: exactly where the route was driven alone, else by proportion.

By proportion: a statement's calls go to the driven routes whose code sends it, by their requests; where there are
several, no more than one for each place in their code, and the rest to those that send it in a loop. Requests that
warm-up left out of the steps are counted by the ticks; routes keep the shares that they have in the steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.correlate.bounds import sane
from slowpath.correlate.seen import Seen
from slowpath.correlate.shapes import Shapes
from slowpath.correlate.traffic import Driven, Traffic
from slowpath.correlate.ways import Ways
from slowpath.model.evidence import LoadPart, QueriesPart, Statement
from slowpath.parts import window
from slowpath.program.queries import QueryLoops
from slowpath.program.rust import Function, Site


class Cost(NamedTuple):
    """Of one statement, per request of one route. `shared` are other routes that may send it, if it is no exact one."""

    calls: float
    ms: float
    exact: bool
    shared: tuple[str, ...] = ()


class Sender(NamedTuple):
    """How a route sends a statement: from how many places in its code, or in a loop."""

    places: int
    loops: bool


class Costs:
    """Answers for one measurement."""

    def __init__(
        self, load: LoadPart | None, queries: QueriesPart | None, traffic: Traffic, shapes: Shapes, ways: Ways
    ) -> None:
        self.load = load
        self.queries = queries
        self.traffic = traffic
        self.shapes = shapes
        self.ways = ways
        self.seen = Seen(queries)
        self.isolated = {each.route: each for each in load.isolated} if load is not None else {}

    def is_isolated(self, driven: Driven) -> bool:
        return any(name in self.isolated for name in driven.measured)

    def of(self, driven: Driven, statement: Statement) -> Cost | None:
        """None where the two parts cannot be put side by side."""
        if self.is_isolated(driven):
            return self._exact(driven, statement.id)
        if self.traffic.vague:
            return None
        senders = self.senders.get(statement.id, {})
        senders = senders if driven in senders else {**senders, driven: Sender(1, False)}
        calls = self._by_proportion(senders, driven, sane(statement.calls))
        if calls is None:
            return None
        shared = tuple(str(other) for other in senders if other != driven)
        mean = sane(statement.total_ms) / max(sane(statement.calls), 1)
        return Cost(calls, calls * mean, False, shared)

    def _by_proportion(self, senders: dict[Driven, Sender], driven: Driven, calls: float) -> float | None:
        """Calls per request of one of the routes that send a statement."""
        requests = {each: self.requests(each) for each in senders}
        once = sum(requests[each] * own.places for each, own in senders.items() if not own.loops)
        looping = sum(requests[each] for each, own in senders.items() if own.loops)
        if not requests[driven]:
            return None
        places = senders[driven].places
        if looping:
            return max(calls - once, 0.0) / looping if senders[driven].loops else min(places, calls / once)
        return min(places, calls * places / once) if len(senders) > 1 else calls / requests[driven]

    def _exact(self, driven: Driven, wanted: str) -> Cost:
        parts = [self.isolated[name] for name in driven.measured if name in self.isolated]
        requests = sum(max(sane(part.requests), 1) for part in parts)
        calls = ms = 0.0
        for part in parts:
            for known, each_calls, each_ms in part.statements:
                if known == wanted:
                    calls += sane(each_calls) * max(sane(part.requests), 1) / requests
                    ms += sane(each_ms) * max(sane(part.requests), 1) / requests
        return Cost(calls, ms, True)

    def database(self, driven: Driven) -> float | None:
        """Milliseconds that a request of a route spends in the database, where it was driven alone."""
        if not self.is_isolated(driven):
            return None
        parts = [self.isolated[name] for name in driven.measured if name in self.isolated]
        return max(sum(sane(ms) for _, _, ms in part.statements) for part in parts)

    def requests(self, driven: Driven) -> float:
        """Requests of a route while the statements were counted."""
        whole = sum(requests for requests, _ in self.traffic.totals.values())
        return self._window * driven.requests / whole if whole else 0.0

    @cached_property
    def _window(self) -> float:
        """Requests of all routes within the window of the queries part; 0 where the two do not overlap."""
        if self.load is None or self.queries is None:
            return 0.0
        mine, theirs = window(self.load), window(self.queries)
        judged = sum(requests for requests, _ in self.traffic.totals.values())
        if theirs is None or mine is None:
            return judged
        slack = abs(self.load.clock_offset) + abs(self.queries.clock_offset)
        first, last = theirs[0] - slack, theirs[1] + slack
        if mine[1] < first or last < mine[0]:
            return 0.0
        ticks = sum(sane(tick.requests) for tick in self.load.ticks if first <= tick.time <= last)
        return ticks or judged

    @cached_property
    def senders(self) -> dict[str, dict[Driven, Sender]]:
        """Statement → the driven routes whose code may send it."""
        found: dict[str, dict[Driven, Sender]] = {}
        for site in self.shapes.sites():
            for driven, statement in self._sent(site, site.function):
                own = found.setdefault(statement.id, {})
                own[driven] = Sender(own[driven].places + 1 if driven in own else 1, False)
        for entry in self.shapes.rust.shared(QueryLoops).found:
            for hit in entry.hits:
                for driven, statement in self._sent(hit.statement, entry.loop.function):
                    found.setdefault(statement.id, {})[driven] = Sender(1, True)
        return found

    def _sent(self, site: Site, entry: Function) -> Iterator[tuple[Driven, Statement]]:
        """The driven routes that lead to a function, each with the statements that a call below it may send."""
        shape = None if site.function.test else self.shapes.of(site).shape
        for statement in self.seen.like(shape) if shape is not None else ():
            for handler, _ in self.ways.to(entry):
                for driven in self.traffic.of(handler):
                    yield driven, statement
