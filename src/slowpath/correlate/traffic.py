"""Which routes of the source were driven, how often, and how long their requests took at the knee."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.correlate.bounds import sane
from slowpath.model.evidence import Figures, LoadPart, LoadStep
from slowpath.program.request_routes import RouteTable
from slowpath.program.routes import Route, Routes
from slowpath.program.rust import Function, RustProgram

VAGUE = 0.05
"""Of all requests."""


class Driven(NamedTuple):
    """A route of the source that requests went to."""

    route: Route
    measured: tuple[str, ...]
    """Those of the load part that it answers, as `METHOD path`."""
    requests: float
    answered: float
    """Requests that did not fail."""
    others: tuple[str, ...] = ()
    """Routes with another handler that may have answered as well."""

    def __str__(self) -> str:
        return str(self.route)


class Traffic:
    """The load part, by the routes of one program."""

    def __init__(self, program: RustProgram, load: LoadPart | None) -> None:
        self.load = load
        self.routes = program.shared(Routes)
        self.totals = _totals(load) if load is not None else {}
        self._by_handler: dict[int, list[Driven]] = {}
        self.unmatched: list[str] = []
        """Measured routes that nothing in the source answers."""
        self._match()

    def _match(self) -> None:
        table = RouteTable(self.routes.all)
        found: dict[tuple[str, str, int], list[str]] = {}
        routes: dict[tuple[str, str, int], Route] = {}
        rivals: dict[tuple[str, str, int], dict[str, None]] = {}
        for name in sorted(self.totals):
            method, _, path = name.partition(" ")
            answers = table.answers(method, path.partition("?")[0])
            fitting = list({id(route.handler): route for route in reversed(answers)}.values())[::-1]
            for route in fitting:
                key = (route.method, route.path, id(route.handler))
                routes[key] = route
                found.setdefault(key, []).append(name)
                others = (str(other) for other in fitting if other.handler is not route.handler)
                rivals.setdefault(key, {}).update(dict.fromkeys(others))
            if not fitting:
                self.unmatched.append(name)
        for key, names in found.items():
            requests = sum(self.totals[name][0] for name in names)
            answered = sum(self.totals[name][1] for name in names)
            driven = Driven(routes[key], tuple(names), requests, answered, tuple(rivals[key]))
            self._by_handler.setdefault(id(driven.route.handler), []).append(driven)

    @property
    def all(self) -> list[Driven]:
        return [driven for each in self._by_handler.values() for driven in each]

    @cached_property
    def vague(self) -> bool:
        """So many requests went to no certain path that nobody can say how many each route had."""
        whole = sum(requests for requests, _ in self.totals.values())
        lumped = sum(requests for name, (requests, _) in self.totals.items() if " /" not in name)
        return lumped > VAGUE * whole

    def of(self, handler: Function) -> list[Driven]:
        """The driven routes that a function answers."""
        return self._by_handler.get(id(handler), [])

    @cached_property
    def knee(self) -> LoadStep | None:
        return knee(self.load) if self.load is not None else None

    @property
    def where(self) -> str:
        """What shares are of, as text."""
        return share_of(self.load)

    @cached_property
    def _at_knee(self) -> dict[str, tuple[float, float]]:
        """Measured route → its requests at the knee, and the milliseconds of work of all of them."""
        found: dict[str, tuple[float, float]] = {}
        for name, figures in _figures(self.knee) if self.knee else ():
            each = self._quiet.get(name)
            found[name] = sane(figures.requests), sane(figures.requests) * (taken(figures) if each is None else each)
        return found

    @cached_property
    def _quiet(self) -> dict[str, float]:
        """Measured route → milliseconds of a request of one user, driven alone where it was."""
        found: dict[str, float] = {}
        for phase in ("smoke", "isolate"):
            for step in self.load.steps if self.load is not None else ():
                found |= {name: taken(f) for name, f in _figures(step) if step.phase == phase and f.requests}
        return found

    def share(self, driven: Driven, ms: float) -> float | None:
        """The part of the work of all requests at the knee that so many milliseconds of each request of a route are.

        Work: of each route its requests at the knee × what one takes with one user. At the knee itself requests wait
        in line for most of their time, which no finding is to blame for; that stands in for routes not seen before.
        """
        whole = sum(time for _, time in self._at_knee.values())
        requests = sum(self._at_knee.get(name, (0.0, 0.0))[0] for name in driven.measured)
        return min(1.0, ms * requests / whole) if whole > 0 and requests else None

    def alone(self, driven: Driven) -> float | None:
        """Median milliseconds of a request of a route while there was one user, or while it ran alone."""
        steps = self.load.steps if self.load is not None else ()
        isolated = [step.figures for step in steps if step.phase == "isolate" and step.route in driven.measured]
        smoke = [
            figures
            for step in steps
            if step.phase == "smoke"
            for name, figures in _figures(step)
            if name in driven.measured
        ]
        medians = [sane(figures.p50) for figures in isolated or smoke if figures.p50 is not None]
        return max(medians, default=None)


def knee(load: LoadPart) -> LoadStep | None:
    """The last good step: with the users of the breaking point where one was found, confirmed ones first."""
    steps = [step for step in load.steps if step.phase in ("double", "narrow", "confirm") and step.figures.requests]
    users = load.breaking_point.last_good if load.breaking_point is not None else None
    good = [step for step in steps if step.verdict == "good" and (users is None or step.vus == users)]
    ranked = sorted(good, key=lambda step: (step.vus, step.phase == "confirm", step.end))
    smoke = [step for step in load.steps if step.phase == "smoke" and step.figures.requests]
    return ranked[-1] if ranked else next(iter(smoke or steps), None)


def alone(load: LoadPart | None) -> bool:
    """Whether shares are of one user's requests: no good step with more was found."""
    step = knee(load) if load is not None else None
    return step is not None and step.phase == "smoke"


def share_of(load: LoadPart | None) -> str:
    """What shares are of, as text."""
    return f"of the {'time of all requests of one user' if alone(load) else 'work of all requests at the knee'}"


def taken(figures: Figures) -> float:
    """Milliseconds that a request of these takes: the mean, or the median where no mean was recorded."""
    known = figures.mean if figures.mean is not None else figures.p50
    return sane(known or 0.0)


def _figures(step: LoadStep) -> Iterator[tuple[str, Figures]]:
    for route in step.routes:
        yield f"{route.method.upper()} {route.path}", route.figures
    if step.route and not step.routes:
        yield step.route, step.figures


def _totals(load: LoadPart) -> dict[str, tuple[float, float]]:
    """Measured route → requests, and those of them that did not fail, over all that was judged."""
    found: dict[str, tuple[float, float]] = {}
    for step in load.steps:
        for name, figures in _figures(step):
            requests, answered = found.get(name, (0.0, 0.0))
            more = sane(figures.requests)
            found[name] = requests + more, answered + sane(more - sane(figures.errors))
    return {name: counts for name, counts in found.items() if counts[0]}
