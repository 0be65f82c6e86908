"""Which route of the server answers a request of the front end: URL template against route path, segment by segment.

The two may start differently: a client does not know under what its server is mounted (a base URL from the
environment, a proxy), a server's prefixes may be set where nobody reads them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.finding import Confidence
from slowpath.program.requests import Sent
from slowpath.program.routes import Route

ORIGIN = re.compile(r"^(?:https?:)?//([^/]*)")
LOCAL = re.compile(r"^(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\{\}|[\w-]+)(?::|$)")
GENERIC = re.compile(r"^(?:api|rest|backend|server|v\d+(?:\.\d+)?|)$", re.I)
"""Segments that say nothing of what is asked for."""
PARAM = re.compile(r"^(?:\{[^*}]*\}|:[^*]+|<[^.>]*>)$")
REST = re.compile(r"^(?:\{\*\w+\}|\{\w+:\.[*+]\}|\*\w*|<[\w]+\.\.>)$")
HOLE, TAIL = "{}", "**"


class Match(NamedTuple):
    """A route, and how sure it is."""

    route: Route
    sure: Confidence


class Asked(NamedTuple):
    """The path of a request. `based`: something unknown stands before it. `foreign`: another host is asked."""

    segments: tuple[str, ...]
    based: bool
    foreign: bool


def asked(sent: Sent) -> Asked | None:
    """What a request asks for; None where its path cannot be told."""
    return asked_by(sent.template)


def asked_by(path: str) -> Asked | None:
    """The same for a URL, or the path of one."""
    origin = ORIGIN.match(path)
    foreign = origin is not None and not LOCAL.match(origin[1])
    if origin is not None:
        path = path[origin.end() :]
    based = origin is not None or path.startswith("{}")
    path = path.removeprefix("{}")
    while path.startswith(("/{}/", "{}/")) and not foreign and based:
        path = path[path.index("/", 1) :]
    if not path or path[0] not in "/" or (based and path == "/"):
        return None
    segments = [segment for segment in path.split("/") if segment]
    if segments and segments[-1] != HOLE:
        segments[-1] = segments[-1].removesuffix("{}")  # a query string
    if not any(_tells(segment) for segment in segments):
        return None
    return Asked(
        tuple(HOLE if "{}" in segment or PARAM.match(segment) else segment for segment in segments if segment),
        based,
        foreign,
    )


def _tells(segment: str) -> bool:
    return "{}" not in segment and not GENERIC.match(segment)


def _segments(path: str) -> tuple[str, ...]:
    parts = [segment for segment in path.split("/") if segment]
    return tuple(TAIL if REST.match(part) else HOLE if PARAM.match(part) or "{" in part else part for part in parts)


class RouteTable:
    """The routes of a program."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes = [(route, _segments(route.path)) for route in routes]

    def match(self, sent: Sent) -> Match | None:
        """The route that answers a request."""
        question = asked(sent)
        if question is None or question.foreign:
            return None
        best, routes = self._best(question, sent.verb)
        if not routes:
            return None
        if len({id(route.handler) for route in routes}) > 1:
            return Match(routes[0], "low")
        if best[0]:
            return Match(routes[0], "low")
        return Match(routes[0], "medium" if best[2] or not sent.verb else "high")

    def answers(self, method: str, path: str) -> list[Route]:
        """The routes that fit a request best that was really sent; of several handlers nobody can tell which it was."""
        question = asked_by(path)
        if question is not None:
            return self._best(question, method)[1]
        own = _segments(path)
        return [route for route, segments in self._routes if segments == own and route.method in ("ANY", method)]

    def _best(self, question: Asked, verb: str) -> tuple[tuple[int, int, int], list[Route]]:
        """The best score, and the routes that have it; none where none fits."""
        found: dict[tuple[int, int, int], list[Route]] = {}
        for route, segments in self._routes:
            if verb and route.method not in ("ANY", verb):
                continue
            score = _score(question, segments)
            if score is not None:
                found.setdefault(score, []).append(route)
        best = max(found, default=(0, 0, 0))
        return best, found.get(best, [])


def _score(question: Asked, route: tuple[str, ...]) -> tuple[int, int, int] | None:
    """(minus words that stand where the route takes a value, what both have in common, minus what one has in front)."""
    client = question.segments
    if route and route[-1] == TAIL:
        if len(client) < len(route):
            return None
        client = (*client[: len(route) - 1], TAIL)
    more = len(client) - len(route)
    front = client[:more] if more > 0 else route[: max(-more, 0)]
    if not all(GENERIC.match(segment) or (more < 0 and question.based and segment != HOLE) for segment in front):
        return None
    own, other = client[max(more, 0) :], route[max(-more, 0) :]
    common = words = 0
    for mine, theirs in zip(own, other, strict=True):
        if mine == theirs:
            common += 0 if mine == TAIL else 2 if _tells(mine) else 1 if mine == HOLE else 0
        elif theirs != HOLE:
            return None
        else:
            words += 1
    told = any(mine == theirs != TAIL and _tells(mine) for mine, theirs in zip(own, other, strict=True))
    return (-words, common, -abs(more)) if told else None
