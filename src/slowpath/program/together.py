"""Which components ask a server the same in effects of their own when one page shows them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from slowpath.model.finding import Place
from slowpath.model.react import EFFECTS, PICKED, HookCall, Shown
from slowpath.model.requests import Argument, Request
from slowpath.program import Program
from slowpath.program.react import Key
from slowpath.program.requests import Sending, Sent

DEPTH = 8
MAX_HOPS = 20
"""Own hooks, one in the other."""
MAX_ASKERS = 4
"""Components told per request below one element."""
Identity = tuple[object, ...]


class Asker(NamedTuple):
    """A component whose effect asks, with the elements that lead to it."""

    trail: tuple[tuple[str, Shown], ...]
    path: str
    effect: HookCall
    sent: Sent


Asked = dict[Identity, list[Asker]]


class _Part(NamedTuple):
    """What one element asks."""

    turns: tuple[tuple[int, bool], ...]
    asked: Asked


class Together:
    """An element whose tag has a word of `clicked`, or an attribute `opened`, waits for a click."""

    def __init__(self, program: Program, clicked: Collection[str], opened: Collection[str]) -> None:
        self._react, self._requests = program.react, program.requests
        self._queries = program.data_hooks
        self._clicked, self._opened = tuple(clicked), frozenset(opened)
        self._by_span: dict[str, dict[tuple[int, int], Request]] = {}
        self._own: dict[Key, Asked] = {}
        self._below: dict[Key, Asked] = {}

    def repeated(self) -> Iterator[tuple[Key, Identity, list[Asker]]]:
        """Requests that come more than once from what a component shows, at the nearest component around them."""
        for key in self._react.shown:
            parts = self._parts(key, 0)
            pages = [_Part((), self._all(page, 0)) for page in self._react.pages.get(key, ())]
            for alternative in pages or [_Part((), {})]:
                yield from self._met(key, [*parts, alternative])

    def _met(self, key: Key, parts: list[_Part]) -> Iterator[tuple[Key, Identity, list[Asker]]]:
        for identity in dict.fromkeys(identity for part in parts for identity in part.asked):
            together: list[_Part] = []
            for part in parts:
                if identity in part.asked and not any(_apart(part.turns, other.turns) for other in together):
                    together.append(part)
            if len(together) > 1:
                yield key, identity, [part.asked[identity][0] for part in together]

    def _parts(self, key: Key, depth: int) -> list[_Part]:
        """What a component asks itself, and what each of its elements does."""
        parts = [_Part((), self._asks(key))]
        for index in self._react.shown.get(key, ()):
            shown = self._react.at(key[0], index)
            target = self._react.resolve(key[0], shown.tag) if shown.tag else None
            if not isinstance(target, tuple) or target == key or self._later(key[0], index):
                continue
            asked: Asked = {}
            for identity, askers in self._all(target, depth + 1).items():
                asked[identity] = [one._replace(trail=((key[0], shown), *one.trail)) for one in askers]
            parts.append(_Part(shown.turns, asked))
        return parts

    def _all(self, key: Key, depth: int) -> Asked:
        if key not in self._below and depth <= DEPTH:
            self._below[key] = {}
            found: Asked = {}
            for part in self._parts(key, depth):
                for identity, askers in part.asked.items():
                    found[identity] = [*found.get(identity, []), *askers][:MAX_ASKERS]
            self._below[key] = found
        return self._below.get(key, {})

    def _later(self, path: str, index: int) -> bool:
        shown = self._react.at(path, index)
        if any(word in one.tag.lower() for one in (shown, *self._react.around(path, index)) for word in self._clicked):
            return True
        return any(name in self._opened for name, _ in shown.given)

    def _asks(self, key: Key, hops: int = 0) -> Asked:
        """What the effects of a component or hook ask, those of own hooks included."""
        if key in self._own:
            return self._own[key]
        self._own[key] = found = dict[Identity, list[Asker]]()
        for call in self._react.calls.get(key, ()):
            if call.callee in EFFECTS:
                for sending in self._queries.sent(key[0], call) if PICKED not in call.held.calls else ():
                    for sent in sending.sent:
                        identity = self._identity(sending, sent)
                        if identity is not None:
                            found.setdefault(identity, [Asker((), key[0], call, sent)])
                continue
            target = None if call.taken or call.chain else self._react.resolve(key[0], call.callee)
            if isinstance(target, tuple) and hops < MAX_HOPS:
                for identity, askers in self._asks(target, hops + 1).items():
                    found.setdefault(identity, askers)
        return found

    def _identity(self, sending: Sending, sent: Sent) -> Identity | None:
        """What makes two requests the same; nothing where something in them may differ."""
        given: list[tuple[Argument, ...]] = []
        for place in sent.calls:
            request = self._request(place)
            if request is None or self._remembers(place):
                return None
            given.append(request.args)
        if not all(_fixed(argument) for args in given[:-1] for argument in args):
            return None
        if "{" not in sent.template:
            options = tuple(arg for args in given for arg in args[1:])
            return (sent.template, str(sent.url), options) if all(map(_fixed, options)) else None
        return (sent.calls[-1], given[-2]) if len(given) > 1 else None

    def _remembers(self, place: Place) -> bool:
        """Does the function around a call look into a cache?"""
        facts = self._react.facts.get(place.path)
        return facts is not None and any(start <= place.span[0] < end for start, end in facts.remembering)

    def _request(self, place: Place) -> Request | None:
        if place.path not in self._by_span:
            facts = self._requests.files.get(place.path)
            self._by_span[place.path] = {one.span: one for one in facts.requests} if facts is not None else {}
        return self._by_span[place.path].get(place.span)


def _apart(one: tuple[tuple[int, bool], ...], other: tuple[tuple[int, bool], ...]) -> bool:
    """Do two elements take different ways at a condition?"""
    ways = dict(one)
    return any(ways.get(condition, way) != way for condition, way in other)


def _fixed(argument: Argument) -> bool:
    values = [argument.value, *(value for name, value in argument.options if name != "signal")]
    return not argument.function and all(part.kind == "text" for value in values for part in value)
