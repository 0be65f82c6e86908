"""Findings about statements, beside the statements that the database saw.

A finding's statements are found at the calls that it names. Each goes with the statement of the same shape, on each
driven route that leads to it. The cost of a finding on a route is that of all its statements there.
"""

from __future__ import annotations

from typing import NamedTuple

from slowpath.correlate.bounds import sane
from slowpath.correlate.costs import Cost
from slowpath.correlate.scene import Scene, cheap
from slowpath.correlate.sought import LOOPS, Hit, Sought, hits, sought_by, way
from slowpath.correlate.traffic import Driven
from slowpath.correlate.words import listed, ms, number, percent, times
from slowpath.model.evidence import StatementGroup
from slowpath.model.finding import Finding, Measured, Status

LOADS = frozenset(["unbounded-load", "load-then-discard"])
RULES = LOOPS | LOADS | {"repeated-query", "deep-offset", "leading-wildcard", "sync-query-in-async"}
FEW_CALLS = 5.0
"""Statements of a loop per request: more round trips than this cost more than the database's own time tells."""
ONCE = 1.05
"""Calls per request that count as one: isolated counts are a little off where a request was cut."""
NOT_TOGETHER = "the statements were not counted at the same time as the requests"
MANY_ROWS = 1_000.0
"""Rows of one answer that cost the application more than the database: to decode and to hold."""


def judge(scene: Scene, finding: Finding) -> Measured | None:
    """What was measured of a finding about statements."""
    sought = sought_by(scene, finding)
    idle = scene.idle([each.entry for each in sought])
    if idle is not None or not any(scene.driven(each.entry) for each in sought):
        return idle
    if scene.evidence.queries is None:
        return None
    found = list(hits(scene, sought))
    if not found:
        return unseen(scene, sought)
    if any(len(hit.candidates) > 1 for hit in found):
        return undecided(scene, found)
    return weighed(scene, finding, found)


def unseen(scene: Scene, sought: list[Sought]) -> Measured:
    """The route was driven, but nothing like the statement came to the database."""
    routes = listed(reached.driven for each in sought for reached in scene.driven(each.entry))
    part = scene.evidence.queries
    if part is not None and not (part.complete and all(remark.level == "note" for remark in part.remarks)):
        return Measured("ambiguous", f"{routes} was driven, but the statement is not among those that were recorded")
    if all(each.asked.shape is not None for each in sought):
        return Measured("not-exercised", f"{routes} was driven, but the database saw no such statement")
    return Measured("ambiguous", f"{routes} was driven, but the source does not tell which statement this sends")


def undecided(scene: Scene, found: list[Hit]) -> Measured:
    """Several statements have the shape; the routes' costs are those of the dearest and the cheapest."""
    worst = max(found, key=lambda hit: (len(hit.candidates), str(hit.reached.driven)))
    costs = [cost for one in worst.candidates if (cost := scene.costs.of(worst.reached.driven, one)) is not None]
    told_costs = ""
    if costs:
        least, most = min(cost.ms for cost in costs), max(cost.ms for cost in costs)
        told_costs = f", {number(least)} to {ms(most)} per request of {worst.reached.driven}"
    return Measured(
        "ambiguous",
        f"{len(worst.candidates)} statements have its shape{told_costs}: `measure load --isolate` may tell which it is",
        route=str(worst.reached.driven),
        path=way(worst),
        statements=tuple(each.id for each in worst.candidates),
    )


class Sum(NamedTuple):
    """What the statements of a finding cost a request of one route."""

    driven: Driven
    ms: float
    calls: float
    """Of the statement that comes most often."""
    exact: bool
    shared: tuple[str, ...]
    first: Hit


def sums(scene: Scene, found: list[Hit]) -> list[Sum]:
    """The cost on each route, the dearest first; a statement that several sites of a finding send counts once."""
    by_route: dict[Driven, dict[str, tuple[Hit, Cost]]] = {}
    for hit in found:
        cost = scene.costs.of(hit.reached.driven, hit.candidates[0])
        if cost is not None:
            by_route.setdefault(hit.reached.driven, {}).setdefault(hit.candidates[0].id, (hit, cost))
    costs = [
        Sum(
            driven,
            sum(cost.ms for _, cost in each.values()),
            max(cost.calls for _, cost in each.values()),
            all(cost.exact for _, cost in each.values()),
            tuple(dict.fromkeys(name for _, cost in each.values() for name in cost.shared)),
            max(each.values(), key=lambda entry: (entry[1].ms, entry[0].candidates[0].id))[0],
        )
        for driven, each in by_route.items()
    ]
    return sorted(costs, key=lambda cost: (-cost.ms, str(cost.driven)))


def total_share(scene: Scene, costs: list[Sum]) -> float | None:
    """Of the work of all requests at the knee, over all routes that pay."""
    shares = [share for cost in costs if (share := scene.traffic.share(cost.driven, cost.ms)) is not None]
    return min(1.0, sum(shares)) if shares else None


def weighed(scene: Scene, finding: Finding, found: list[Hit]) -> Measured:
    """Confirmed, cheap or contradicted, by the figures."""
    costs = sums(scene, found)
    ids = tuple(dict.fromkeys(hit.candidates[0].id for hit in found))
    if not costs:
        why = "the load test met too many paths to tell routes apart" if scene.traffic.vague else NOT_TOGETHER
        words = f"{why}, so what a request costs is not known: `measure load --isolate` tells"
        return Measured("ambiguous", words, route=str(found[0].reached.driven), path=way(found[0]), statements=ids)
    worst = max(costs, key=lambda cost: (cost.calls, cost.ms)) if finding.rule in LOOPS else costs[0]
    share = total_share(scene, costs)
    figures = (
        f"{ms(worst.ms)} in {number(worst.calls)} statement{'' if worst.calls == 1 else 's'} "
        f"per request of {worst.driven}"
    )
    if share is not None:
        figures += f", {percent(share)} {scene.traffic.where}"
    if not worst.exact:
        figures += _about(worst)
    status, summary = _status(scene, finding, worst, share, figures, ids)
    if worst.driven.others and not worst.exact:
        status, summary = "ambiguous", f"{figures}; another handler may have answered {worst.driven}"
    return Measured(
        status,
        summary,
        ms_per_request=worst.ms,
        share=share,
        calls_per_request=worst.calls,
        route=str(worst.driven),
        path=way(worst.first),
        statements=ids,
    )


def _status(
    scene: Scene, finding: Finding, worst: Sum, share: float | None, figures: str, ids: tuple[str, ...]
) -> tuple[Status, str]:
    """The status and its sentence."""
    if finding.rule in LOOPS or finding.rule == "repeated-query":
        groups = [group for group in _groups(scene) if group.statement in ids and group.repeats_median >= 2]
        if (worst.calls <= ONCE and not groups) or (worst.shared and finding.rule not in LOOPS):
            if worst.shared:
                return "ambiguous", f"{figures}; other routes send it too, so how often it comes here is not known"
            return "contradicted", f"it comes {times(worst.calls)} per request of {worst.driven}, with these data"
        if cheap(worst.ms, share) and worst.calls < FEW_CALLS:
            return "cheap", figures
        return "confirmed", figures + _round_trips(scene, worst) * (finding.rule in LOOPS)
    rows = _rows(scene, ids)
    if finding.rule in LOADS and rows is not None:
        figures += f"; {number(rows)} rows a time"
    if cheap(worst.ms, share) and not (finding.rule in LOADS and rows is not None and rows >= MANY_ROWS):
        return "cheap", figures
    return "confirmed", figures


def _round_trips(scene: Scene, cost: Sum) -> str:
    """What the statements cost beside the database's own time, at most: the rest of a request that runs alone."""
    alone, database = scene.traffic.alone(cost.driven), scene.costs.database(cost.driven)
    if alone is None or database is None or alone <= database:
        return "; round trips come on top"
    return f"; round trips come on top, up to {ms(alone - database)} of the {ms(alone)} that a request takes alone"


def _groups(scene: Scene) -> tuple[StatementGroup, ...]:
    return scene.evidence.queries.groups if scene.evidence.queries is not None else ()


def _rows(scene: Scene, ids: tuple[str, ...]) -> float | None:
    """Rows of one answer, of the statement that gives most."""
    known = [scene.costs.seen.by_id[name] for name in ids if name in scene.costs.seen.by_id]
    rows = [sane(each.rows) / each.calls for each in known if each.rows is not None and each.calls > 0]
    return max(rows, default=None)


def _about(cost: Sum) -> str:
    shared = f", which {listed(cost.shared)} may send too" if cost.shared else ""
    return f" (by proportion{shared}; `measure load --isolate` tells exactly)"
