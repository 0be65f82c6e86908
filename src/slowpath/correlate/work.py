"""Findings about work that is no statement: what blocks a worker, or is built anew for each request.

Nobody measures one function from outside. What is known of a route is its latency with one user, its time in the
database and, where it was driven alone, the processor time of its requests. What is left of the latency is the most
that such a finding can cost; what the cheapest route takes, each request does. It is confirmed only where much is left,
it is spent as the rule says, computing or waiting, and no other finding on the route would explain it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

from slowpath.correlate.bounds import sane
from slowpath.correlate.database import FEW_CALLS
from slowpath.correlate.scene import CHEAP_MS, Reached, Scene, cheap
from slowpath.correlate.sought import LOOPS
from slowpath.correlate.traffic import Driven
from slowpath.correlate.ways import told
from slowpath.correlate.words import listed, ms, percent
from slowpath.model.evidence import LoadStep, ResourcesPart
from slowpath.model.finding import Finding, Measured, Status
from slowpath.model.limiter import Limiter
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
APP = "app"
OTHERS = frozenset(["postgres", "k6", "reader", "slowpath"])
"""Processes that are not the application, where none is called `app`."""
FEWEST = 3
"""Samples within a step."""
BLOCKS = frozenset(["blocking-in-async", "block-on-in-async"])
"""Rules about a worker that sleeps in something else than its events."""
STALLED, NEVER = 0.3, 0.02
"""Event loops asleep in a blocking call, in the mean of the samples: so many are seen, or none is.

None is no proof: a worker of a runtime with several may never be seen at its events, and then counts as no loop."""


class Rest(NamedTuple):
    """What a request of a route takes with one user, less what the database takes of it. Milliseconds."""

    reached: Reached
    outside: float
    database: float | None
    """None where the route was not driven alone: then `outside` may be too much."""
    cpu: float | None
    """Processor time of a request, where that was measured."""
    ready: float = 0.0
    """Time that a request's threads waited for a processor that others had."""
    stalled: float | None = None
    """Event loops that sleep in a blocking call meanwhile, where that was seen."""

    @property
    def computes(self) -> bool:
        """Whether most of the time goes to the processor, or to being ready and waiting for it."""
        return self.cpu is not None and self.cpu + self.ready >= MOST * self.outside

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
    driven = [reached for function in functions for reached in scene.driven(function)]
    rests = [rest for reached in driven if (rest := _rest(scene, reached)) is not None]
    if not rests:
        words = (
            f"{listed(each.driven for each in driven)} never ran alone: `measure load --isolate` tells what it takes"
        )
        return Measured("ambiguous", words) if driven else None
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
    rivals = [other for other in others if other.place != finding.place and _explains(scene, other, worst)]
    if rivals:
        names = listed(f"{other.rule} in `{other.function}`" for other in rivals)
        return _measured(finding, worst, None, None, "ambiguous", f"{spent}; {names} may take it as well")
    if rule in BLOCKS and worst.waits and worst.stalled is not None and worst.stalled <= NEVER:
        words = f"{spent}; it waits, but no event loop was seen to sleep in a blocking call meanwhile"
        return _measured(finding, worst, None, None, "ambiguous", words)
    why = _support(scene, rule, worst)
    if cost < max(least, CHEAP_MS if least else MUCH_MS) or not why:
        return _measured(
            finding, worst, None, None, "ambiguous", f"{spent}; nothing measured says that it is this: a profile would"
        )
    part = f", {percent(share)} {scene.traffic.where}" if share is not None else ""
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
    outside = max(latency - (database or 0.0), 0.0)
    own = reached.driven
    cpu, ready = (_per_request(scene, own, series) for series in ("process.cpu", "process.cpu_wait"))
    return Rest(reached, outside, database, cpu, ready or 0.0, _stalled(scene, own))


def _alone(scene: Scene, driven: Driven) -> Iterator[LoadStep]:
    """The steps in which a route was driven alone."""
    load = scene.evidence.load
    for step in load.steps if load is not None else ():
        if step.phase == "isolate" and step.route in driven.measured and step.figures.requests > 0:
            yield step


def _per_request(scene: Scene, driven: Driven, series: str) -> float | None:
    """Milliseconds of a series in cores, per request of a route, while it was driven alone."""
    found = [
        1000 * cores * sane(step.end - step.start) / step.figures.requests
        for step in _alone(scene, driven)
        if (cores := _mean(scene.evidence.resources, series, step)) is not None
    ]
    return max(found, default=None)


def _stalled(scene: Scene, driven: Driven) -> float | None:
    """Event loops of the application that sleep in a blocking call, while a route was driven alone."""
    resources = scene.evidence.resources
    found = [
        stalled
        for step in _alone(scene, driven)
        if _mean(resources, "process.event_loops", step)
        and (stalled := _mean(resources, "process.stalled_loops", step)) is not None
    ]
    return max(found, default=None)


def _mean(resources: ResourcesPart | None, name: str, step: LoadStep) -> float | None:
    """Of the application's processes together; None where too few samples lie within a step."""
    known = [series for series in resources.series if series.name == name] if resources is not None else []
    own = [each for each in known if each.subject == APP] or [each for each in known if each.subject not in OTHERS]
    means = []
    for series in own:
        pairs = zip(series.times, series.values, strict=False)
        inside = [sane(value) for time, value in pairs if step.start <= time <= step.end]
        if len(inside) >= FEWEST:
            means.append(fmean(inside))
    return sum(means) if means else None


def _spent(rest: Rest, where: str) -> str:
    taken = f"a request {where} takes {ms(rest.outside)} outside of the database with one user"
    if rest.database is None:
        taken = f"a request {where} takes {ms(rest.outside)} with one user, the database's part not known"
    waited = f" and {ms(rest.ready)} ready for one" if rest.ready >= 1 else ""
    return f"{taken}, {ms(rest.cpu)} of it on the processor{waited}" if rest.cpu is not None else taken


def _support(scene: Scene, rule: str, rest: Rest) -> str:
    """What points at a finding beside the latency; nothing where nothing does, or the database's part is not known."""
    if rule in BLOCKS and rest.stalled is not None and rest.stalled >= STALLED:
        return f"an event loop sleeps in a blocking call {percent(min(rest.stalled, 1.0))} of the time"
    if rule in COMPUTES | EITHER and rest.computes:
        return "it computes"
    if rest.database is None:
        return ""
    if rule in WAITS | EITHER and rest.waits:
        return "it waits"
    resources = scene.evidence.resources
    verdict = resources.verdict if resources is not None else None
    if rest.cpu is None and verdict is not None and verdict.limiter in RULES[rule] and verdict.confidence != "low":
        return f"the limiter is {verdict.limiter}"
    return ""


def _explains(scene: Scene, other: Finding, rest: Rest) -> bool:
    """Whether another finding may take a route's time outside of the database too: in the way that it is spent."""
    if other.rule in LOOPS:
        if other.measured is None or (other.measured.calls_per_request or 0.0) < FEW_CALLS:
            return False
    elif other.rule not in RULES or (other.rule in COMPUTES and rest.waits) or (other.rule in WAITS and rest.computes):
        return False
    driven = (each.driven for function in _functions(scene, other) for each in scene.driven(function))
    return rest.reached.driven in driven


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
