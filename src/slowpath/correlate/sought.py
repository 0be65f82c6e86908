"""The statements that a finding is about, and where they were seen: on the driven routes that lead to the finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from slowpath.correlate.costs import Cost
from slowpath.correlate.scene import Reached, Scene, places
from slowpath.correlate.shapes import Asked
from slowpath.correlate.ways import told
from slowpath.model.evidence import Statement
from slowpath.model.finding import Finding, Place
from slowpath.program.queries import QueryLoop, QueryLoops
from slowpath.program.rust import Function

LOOPS = frozenset(["n-plus-one", "write-per-row", "query-in-recursion"])
"""Rules whose statement must come several times in one request."""


class Sought(NamedTuple):
    """A statement of a finding. `entry` is the function of the finding: the routes that lead there are meant."""

    asked: Asked
    entry: Function
    flow: tuple[str, ...] = ()
    """From the entry down to the statement."""


class Hit(NamedTuple):
    """A statement of a finding on a driven route. More `candidates` than one: it is not certain which it is."""

    sought: Sought
    reached: Reached
    candidates: tuple[Statement, ...]


def sought_by(scene: Scene, finding: Finding) -> list[Sought]:
    """The statements that a finding is about."""
    entry = scene.rust.around(finding.place)
    if entry is None:
        return []
    found = list({(id(each.function), each.shape): each for each in _asked(scene, finding)}.values())
    told = tuple(step.message for step in finding.flow)
    return [Sought(each, entry, told if each.function is not entry else ()) for each in found]


def _asked(scene: Scene, finding: Finding) -> Iterator[Asked]:
    """By the loop that a finding is about, by the calls of its proof that send one, else by what its places are in."""
    loops = scene.rust.shared(QueryLoops).found if finding.rule in LOOPS else ()
    sites = [hit.statement for loop in loops if _is_in(loop, finding.place) for hit in loop.hits]
    sites = sites or [site for step in finding.flow if (site := scene.shapes.sent(step.place)) is not None]
    yield from map(scene.shapes.of, sites)
    if not sites:
        yield from filter(None, map(scene.shapes.at, places(finding)))


def _is_in(loop: QueryLoop, place: Place) -> bool:
    return any(hit.site.place == place for hit in loop.hits)


def hits(scene: Scene, sought: list[Sought]) -> Iterator[Hit]:
    """Where statements were seen, on the routes that were driven."""
    for each in sought:
        like = scene.costs.seen.like(each.asked.shape) if each.asked.shape is not None else ()
        for reached in scene.driven(each.entry):
            own = like
            if scene.costs.is_isolated(reached.driven):
                own = tuple(one for one in like if (scene.costs.of(reached.driven, one) or Cost(0, 0, True)).calls > 0)
            if own:
                yield Hit(each, reached, own)


def way(hit: Hit) -> tuple[str, ...]:
    """Route → handler → function → statement."""
    reached = hit.reached
    text = " ".join(hit.candidates[0].text.split())[:200]
    lines = told(reached.driven, reached.handler, reached.way)
    return (*lines, *hit.sought.flow, text or f"statement {hit.candidates[0].id}")
