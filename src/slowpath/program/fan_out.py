"""Requests that the front end sends per element of a list, and what each of them costs the server.

Two shapes: a loop whose call rests on its element, and a list that shows a component per element which asks for data
of its own when it is shown. The route that answers, its handler and the statements below come from the Rust program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.model.finding import Confidence, Place, Span, Step, less_sure, weakest
from slowpath.model.requests import ItemSite, Request, RequestLoop
from slowpath.program import Program
from slowpath.program.await_loops import confidence
from slowpath.program.effects import Effects, Node
from slowpath.program.mounted import Mounted
from slowpath.program.queries import Sent as Statements
from slowpath.program.request_routes import Match, RouteTable, asked
from slowpath.program.requests import Requests, Sent
from slowpath.program.routes import Routes

FILES = re.compile(r"files?\b|upload|blob|image|chunk|attachment", re.I)
"""Each file that a user chose is a request by nature."""
TRIES = re.compile(r"attempt|retr(?:y|ies)|poll|\bpages?\b", re.I)
VIRTUAL = frozenset("react-window react-virtuoso react-virtualized @tanstack/react-virtual virtua".split())
DEEP = 6


class Answer(NamedTuple):
    """The route that answers, how sure that is, and the statements that its handler sends."""

    match: Match
    statements: int
    steps: tuple[Step, ...]
    sure: Confidence


class FanOut(NamedTuple):
    """One request per element."""

    place: Place
    function: str
    over: str
    sent: Sent
    steps: tuple[Step, ...]
    """From the list to the call that sends."""
    component: str
    """What each element shows; empty for a loop."""
    waits: bool
    """One after the other."""
    sure: Confidence
    answer: Answer | None


class FanOuts:
    """Found once for all rules of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.requests: Requests = program.requests
        self.effects = program.await_effects

    @cached_property
    def all(self) -> list[FanOut]:
        """By place."""
        found = [*self._loops(), *self._components()]
        return sorted(found, key=lambda each: (each.place.path, each.place.span, str(each.sent)))

    @cached_property
    def _told(self) -> frozenset[tuple[str, int]]:
        if not self.program.of("rust"):
            return frozenset()
        return frozenset((each.place.path, each.place.span[0]) for each in self.all if each.waits and each.answer)

    def told(self, path: str, span: Span) -> bool:
        """Is a wait already told of as a request per element, with what that costs the server?"""
        return any(place == path and span[0] <= start < span[1] for place, start in self._told)

    def _loops(self) -> Iterator[FanOut]:
        for path, facts in self.requests.files.items():
            if not any(request.each for request in facts.requests) or not self._counts(path):
                continue
            for request in facts.requests:
                loop = facts.loops[request.loop] if request.each else None
                if loop is None or loop.few or TRIES.search(" ".join((loop.over, *loop.item))):
                    continue
                sent = self._varying(self.requests.of(path, request), request, loop)
                waits = loop.kind == "for" and request.awaited
                sure = (self._pace(path, request) if waits else "high") if sent is not None else None
                if sent is not None and sure is not None:
                    yield self._loop(path, request, loop, sent, weakest(sure, sent.sure))

    def _counts(self, path: str) -> bool:
        return self.program.web.kind(path) in ("client", "server")

    def _varying(self, all_sent: tuple[Sent, ...], request: Request, loop: RequestLoop) -> Sent | None:
        """The first request that differs from element to element."""
        words = " ".join((loop.over, *loop.item, request.callee))
        for sent in all_sent:
            question = asked(sent)
            if question is None or question.foreign:
                continue
            body = sent.verb not in ("GET", "HEAD", "")
            if (varies(sent) or body) and not (sent.verb in ("POST", "PUT") and FILES.search(words + sent.template)):
                return sent
        return None

    def _pace(self, path: str, request: Request) -> Confidence | None:
        """How sure it is that the rounds of a loop that waits need nothing of each other."""
        for sequence in self.effects.files[path].awaits.sequences if not self.effects.quiet(path) else ():
            for loop in sequence.loops:
                spans = (sequence.awaits[index].span for index in loop.awaits)
                if any(start <= request.span[0] < end for start, end in spans):
                    return confidence(self.effects, path, sequence, loop)
        return None

    def _loop(self, path: str, request: Request, loop: RequestLoop, sent: Sent, sure: Confidence) -> FanOut:
        sender = self.requests.sender(path, request)
        waits = loop.kind == "for" and request.awaited
        how = "waits for" if waits else "sends"
        over = f" over `{loop.over}`" if loop.over else ""
        steps = [
            Step(Place(path, loop.head), f"each round of this loop{over}"),
            Step(Place(path, request.span), f"{how} `{request.callee}(…)`"),
            *_way(sent),
        ]
        answer = self.answer(sent)
        place = Place(path, request.span)
        return FanOut(place, sender.name if sender else "", loop.over, sent, tuple(steps), "", waits, sent.sure, answer)

    def _components(self) -> Iterator[FanOut]:
        if not any(facts.items for facts in self.requests.files.values()):
            return
        mounted = Mounted(self.program)
        for path, facts in self.requests.files.items():
            for item in facts.items:
                loop = facts.loops[item.loop]
                target = self.program.react.resolve(path, item.tag)
                if loop.few or not isinstance(target, tuple) or not self._counts(path):
                    continue
                for on_mount in mounted.below(target, frozenset(item.given)):
                    question = asked(on_mount.sent)
                    if question is not None and not question.foreign and varies(on_mount.sent):
                        yield self._component(path, item, loop, on_mount.sent, on_mount.steps, on_mount.sure)
                        break

    def _component(
        self, path: str, item: ItemSite, loop: RequestLoop, sent: Sent, below: tuple[Step, ...], sure: Confidence
    ) -> FanOut:
        senders = self.requests.files[path].senders
        over = f" of `{loop.over}`" if loop.over else ""
        steps = [
            Step(Place(path, loop.head), f"each element{over}"),
            Step(Place(path, item.span), f"shows a `{item.tag}`"),
            *below,
            *_way(sent),
        ]
        if any(use.package in VIRTUAL for use in self.program.web.uses if use.importer == path):
            sure = less_sure(sure)
        name = senders[item.owner].name if item.owner >= 0 else ""
        return FanOut(
            Place(path, item.span), name, loop.over, sent, tuple(steps), item.tag, False, sure, self.answer(sent)
        )

    # the server's side

    @cached_property
    def routes(self) -> RouteTable:
        return RouteTable(self.program.rust.shared(Routes).all if self.program.of("rust") else [])

    @cached_property
    def _queries(self) -> Effects:
        """Functions that send a statement whenever they are called, as far as one can see."""
        rust = self.program.rust
        effects = Effects(rust)
        sent = rust.shared(Statements)
        starts = [(site, None) for site in (*sent.reads, *sent.writes) if not site.function.test]
        effects.spread(
            starts,
            lambda site, callee: not site.function.test and (callee is None or effects.certainty(site) != "low"),
        )
        return effects

    def answer(self, sent: Sent) -> Answer | None:
        """The route that answers a request, where its handler queries."""
        match = self.routes.match(sent)
        if match is None or not self._queries.has(match.route.handler):
            return None
        node = Node(match.route.handler)
        sink = self._queries.sink(node)
        handler = match.route.handler
        steps = (
            Step(handler.place, f"on the server `{handler.name}` answers `{match.route}`"),
            *self._queries.steps(node)[:-1],
            Step(sink.place, f"`{sink.function.name}` sends a statement: `{sink.call.name}`"),
        )
        sure = weakest(match.sure, self._queries.confidence(node))
        return Answer(match, self._queries.count(node, DEEP), steps, sure)


def varies(sent: Sent) -> bool:
    """Is something put into the path or the query string?"""
    parts = sent.url[1:] if sent.url and sent.url[0].kind != "text" else sent.url
    return any(part.kind != "text" for part in parts)


def _way(sent: Sent) -> list[Step]:
    """The calls between, down to the library's."""
    last = len(sent.calls) - 1
    return [
        Step(place, f"which sends `{sent}`" if number == last else "by way of this call")
        for number, place in enumerate(sent.calls)
        if number
    ]
