"""Which queries start only after a component's own query has answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from slowpath.model.react import PICKED, HookCall, Shown, Sources
from slowpath.program.react import Key, ReactProgram

DEPTH = 5


class Late(NamedTuple):
    """A query behind a gate: the element that the gate holds back, and the call in or below it."""

    path: str
    shown: Shown
    there: str
    call: HookCall


class Renders:
    """Who shows whom. `queries` as of `ReactProgram.query_calls`; `pages` by the layout that holds them."""

    def __init__(
        self,
        react: ReactProgram,
        queries: Mapping[Key, list[HookCall]],
        pages: Mapping[Key, list[Key]],
        clicked: Collection[str],
    ) -> None:
        self._react, self._queries, self._pages, self._clicked = react, queries, pages, tuple(clicked)
        self._shown: dict[Key, list[int]] = {}
        self._sites: dict[Key, list[tuple[str, int]]] = {}
        self._provided = react.context_calls()
        self._asks = {key: {call.span[0] for call in calls if not call.context} for key, calls in queries.items()}
        for path, facts in react.facts.items():
            for index, shown in enumerate(facts.shown):
                self._shown.setdefault((path, shown.owner), []).append(index)
                target = react.resolve(path, shown.tag) if shown.tag else None
                if isinstance(target, tuple):
                    self._sites.setdefault(target, []).append((path, index))

    def behind(self, path: str, gate: HookCall) -> Iterator[Late]:
        """The queries that a gate holds back, although they need nothing of its answer."""
        owner = (path, gate.owner)
        for index in self._shown.get(owner, ()):
            shown = self._at(path, index)
            if gate.span[0] not in shown.waits.calls and not self._wrapped(path, index, gate.span[0]):
                continue
            if shown.tag:
                yield from self._below(path, index, path, index, owner, set(), 0)
            else:
                yield from self._passed(owner, set())

    def _at(self, path: str, index: int) -> Shown:
        return self._react.facts[path].shown[index]

    def _around(self, path: str, index: int) -> Iterator[Shown]:
        within = self._at(path, index).within
        while within >= 0:
            yield self._at(path, within)
            within = self._at(path, within).within

    def _wrapped(self, path: str, index: int, call: int) -> bool:
        """Does a wrapper, such as a loading panel, hold its children back until the call has answered?"""
        for around in self._around(path, index):
            target = self._react.resolve(path, around.tag)
            if not isinstance(target, tuple):
                continue
            slots = [self._at(target[0], slot) for slot in self._shown.get(target, ())]
            held = {name for slot in slots if not slot.tag for name in slot.waits.props}
            if any(name in held and call in sources.calls for name, sources in around.given):
                return True
        return False

    def _passed(self, key: Key, seen: set[Key]) -> Iterator[Late]:
        """What is handed to a component as its children."""
        if key in seen:
            return
        seen.add(key)
        for page in self._pages.get(key, ()):
            for index in self._shown.get(page, ()):
                yield from self._below(page[0], index, page[0], index, page, set(), 0)
        for path, site in self._sites.get(key, ()):
            owner = (path, self._at(path, site).owner)
            for index in self._shown.get(owner, ()):
                shown = self._at(path, index)
                if not any(around is self._at(path, site) for around in self._around(path, index)):
                    continue
                if shown.tag:
                    yield from self._below(path, index, path, index, owner, set(), 0)
                else:
                    yield from self._passed(owner, seen)

    def _below(
        self, top: str, first: int, path: str, index: int, owner: Key, tied: set[str], depth: int
    ) -> Iterator[Late]:
        shown = self._at(path, index)
        target = self._react.resolve(path, shown.tag) if shown.tag else None
        names = [shown.tag, *(around.tag for around in self._around(path, index))]
        if not isinstance(target, tuple) or depth > DEPTH or target == owner:
            return
        if any(word in name.lower() for name in names for word in self._clicked):
            return
        bound = {name for name, sources in shown.given if self._tied(sources, owner, tied)}
        steady = {name for name, _ in shown.given} - bound
        if not steady or "..." in bound | steady:
            return
        for call in self._queries.get(target, ()):
            reads = call.reads
            if steady & set(reads.props) and "..." not in reads.props and not self._tied(reads, target, bound):
                yield Late(top, self._at(top, first), target[0], call)
        for inner in self._shown.get(target, ()):
            waits = self._at(target[0], inner).waits
            if not self._tied(waits, target, bound):
                yield from self._below(top, first, target[0], inner, target, bound, depth + 1)

    def _tied(self, sources: Sources, owner: Key, tied: set[str]) -> bool:
        """Does a value rest on an answer, a choice, what a context holds, or a prop that does?"""
        calls = set(sources.calls)
        held = self._asks.get(owner, set()) | self._provided.get(owner, set())
        return PICKED in calls or bool(calls & held) or bool(tied & set(sources.props))
