"""Findings about work that is no statement: what blocks a worker, or is built anew for each request.

Nobody measures one function from outside. What is known of a route is its latency with one user, its time in the
database and, where it was driven alone, the processor time of its requests. What is left of the latency is the most
that such a finding can cost; what the cheapest route takes, each request does. It is confirmed only where much is left,
it is spent as the rule says, computing or waiting, and no other finding on the route would explain it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import NamedTuple

from slowpath.correlate.database import FEW_CALLS, LOOPS
from slowpath.correlate.scene import CHEAP_MS, Reached, Scene, cheap
from slowpath.correlate.traffic import Driven
from slowpath.correlate.ways import told
from slowpath.correlate.words import listed, ms, percent
from slowpath.model.evidence import Limiter, ResourcesPart
from slowpath.model.finding import Finding, Measured, Status
from slowpath.program.rust import Function

BUSY: frozenset[Limiter] = frozenset(["cpu", "blocked-workers"])
RULES: Mapping[str, frozenset[Limiter]] = {
    "blocking-in-async": BUSY,
    "cpu-bound-in-async": BUSY,
    "regex-per-call": BUSY,
    "engine-per-call": BUSY,
    "client-per-call": BUSY,
    "block-on-in-async": frozenset(["blocked-workers"]),
    "lock-across-await": frozenset(["blocked-workers"]),
    "connection-across-await": frozenset(["db-pool", "idle-in-transaction"]),
    "joinable-awaits": frozenset(),
}
"""Rule → the limiters that speak for it."""
COMPUTES = frozenset(["cpu-bound-in-async", "regex-per-call", "engine-per-call"])
"""Rules about work that takes processor time and nothing else."""
WAITS = frozenset(["block-on-in-async", "lock-across-await", "connection-across-await"])
"""Rules about waiting."""
EITHER = frozenset(["blocking-in-async", "client-per-call"])
MUCH_MS = 5.0
"""Per request: where no other route says what each request takes, this is more than a server itself does."""
MOST = 0.5
"""Of the time outside of the database: where the processor was busy for more of it, the request computes."""
OTHERS = frozenset(["postgres", "k6"])
"""Processes that are not the application."""


class Rest(NamedTuple):
    """What a request of a route takes with one user, less what the database takes of it. Milliseconds."""

    reached: Reached
    outside: float
    database: float | None
    """None where the route was not driven alone: then `outside` may be too much."""
    cpu: float | None
    """Processor time of a request, where that was measured."""

    @property
    def computes(self) -> bool:
        """Whether the processor is what takes most of the time."""
        return self.cpu is not None and self.cpu >= MOST * self.outside

    @property
    def waits(self) -> bool:
        """Whether neither the database nor the processor takes most of the time."""
        return self.database is not None and self.cpu is not None and not self.computes

    def most(self, rule: str) -> float:
        """The most that a finding can cost."""
        return min(self.outside, self.cpu) if rule in COMPUTES and self.cpu is not None else self.outside


def judge(scene: Scene, finding: Finding, others: Iterable[Finding]) -> Measured | None:
    """What was measured of a finding about work; `others` may explain a route's time as well."""
    functions = _functions(scene, finding)
    idle = scene.idle(functions)
    if idle is not None:
        return idle
    rests = [rest for function in functions for reached in scene.driven(function) if (rest := _rest(scene, reached))]
    if not rests:
        return None
    rule = finding.rule
    worst = max(rests, key=lambda rest: (rest.most(rule), str(rest.reached.driven)))
    least = _least(scene, worst, rule)
    cost = max(worst.most(rule) - least, 0.0)
    share = scene.traffic.share(worst.reached.driven, cost)
    where = f"of {worst.reached.driven}"
    spent = _spent(worst, where)
    if cheap(cost, share):
        return _measured(finding, worst, cost, share, "cheap", f"{spent}: no more than others")
    if worst.reached.driven.others:
        words = f"{spent}; another handler may have answered {worst.reached.driven}"
        return _measured(finding, worst, None, None, "ambiguous", words)
    rivals = [other for other in others if other.place != finding.place and _explains(scene, other, worst.reached)]
    if rivals:
        names = listed(f"{other.rule} in `{other.function}`" for other in rivals)
        return _measured(finding, worst, None, None, "ambiguous", f"{spent}; {names} may take it as well")
    why = _support(scene, rule, worst)
    if cost < max(least, CHEAP_MS if least else MUCH_MS) or not why:
        return _measured(
            finding, worst, None, None, "ambiguous", f"{spent}; nothing measured says that it is this: a profile would"
        )
    part = f", {percent(share)} of the time of all requests at the knee" if share is not None else ""
    summary = f"about {ms(cost)} per request {where}{part}: {spent}; {why}, and no other finding explains it"
    return _measured(finding, worst, cost, share, "confirmed", summary)


def _least(scene: Scene, rest: Rest, rule: str) -> float:
    """What the cheapest other route takes, in the same measure: what each request takes. 0 where there is none."""
    routes = (
        driven for driven in scene.traffic.all if driven != rest.reached.driven and scene.costs.is_isolated(driven)
    )
    others = (_rest(scene, rest.reached._replace(driven=driven)) for driven in routes)
    return min((other.most(rule) for other in others if other is not None), default=0.0)


def _functions(scene: Scene, finding: Finding) -> list[Function]:
    places = (finding.place, *(step.place for step in finding.related))
    found = (scene.rust.around(place) for place in places)
    return list({id(function): function for function in found if function is not None}.values())


def _rest(scene: Scene, reached: Reached) -> Rest | None:
    latency = scene.traffic.alone(reached.driven)
    if latency is None:
        return None
    database = scene.costs.database(reached.driven)
    return Rest(reached, max(latency - (database or 0.0), 0.0), database, _cpu(scene, reached.driven))


def _cpu(scene: Scene, driven: Driven) -> float | None:
    """Processor milliseconds of the application per request of a route, while it was driven alone."""
    load, resources = scene.evidence.load, scene.evidence.resources
    found = []
    for step in load.steps if load is not None else ():
        if step.phase == "isolate" and step.route in driven.measured and step.figures.requests > 0:
            cores = _cores(resources, step.start, step.end) if resources is not None else None
            if cores is not None:
                found.append(1000 * cores * (step.end - step.start) / step.figures.requests)
    return max(found, default=None)


def _cores(resources: ResourcesPart, start: float, end: float) -> float | None:
    """Cores that the application's processes use between two times; None where too few samples lie there."""
    means = []
    for series in resources.series:
        if series.name == "process.cpu" and series.subject not in OTHERS:
            inside = [value for time, value in zip(series.times, series.values, strict=False) if start <= time <= end]
            if len(inside) >= 3:
                means.append(max(fmean(inside), 0.0))
    return sum(means) if means else None


def _spent(rest: Rest, where: str) -> str:
    taken = f"a request {where} takes {ms(rest.outside)} outside of the database with one user"
    if rest.database is None:
        taken = f"a request {where} takes {ms(rest.outside)} with one user, the database's part not known"
    return f"{taken}, {ms(rest.cpu)} of it on the processor" if rest.cpu is not None else taken


def _support(scene: Scene, rule: str, rest: Rest) -> str:
    """What points at a finding beside the latency; nothing where nothing does."""
    if rest.database is None:
        return ""
    if rule in COMPUTES | EITHER and rest.computes:
        return "it computes"
    if rule in WAITS | EITHER and rest.waits:
        return "it waits"
    resources = scene.evidence.resources
    verdict = resources.verdict if resources is not None else None
    if rest.cpu is None and verdict is not None and verdict.limiter in RULES[rule] and verdict.confidence != "low":
        return f"the limiter is {verdict.limiter}"
    return ""


def _explains(scene: Scene, other: Finding, reached: Reached) -> bool:
    """Whether another finding may take a route's time outside of the database too."""
    if other.rule in LOOPS:
        repeated = other.measured is not None and (other.measured.calls_per_request or 0.0) >= FEW_CALLS
        if not repeated:
            return False
    elif other.rule not in RULES or (other.measured is not None and other.measured.status == "cheap"):
        return False
    return any(
        each.driven == reached.driven for function in _functions(scene, other) for each in scene.driven(function)
    )


def _measured(
    finding: Finding, rest: Rest, cost: float | None, share: float | None, status: Status, summary: str
) -> Measured:
    reached = rest.reached
    return Measured(
        status,
        summary,
        ms_per_request=cost,
        share=share,
        route=str(reached.driven),
        path=(*told(reached.driven, reached.handler, reached.way), *(step.message for step in finding.flow)),
    )
