"""Which queries start only after a component's own query has answered."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from slowpath.model.react import EFFECTS, PICKED, REST, HookCall, Shown, Sources
from slowpath.program.data_hooks import DataHooks
from slowpath.program.provided import Provided
from slowpath.program.react import Key, ReactProgram

DEPTH = 5
MAX_PASSED = 60
"""Components that one gate's children are handed through."""


class Late(NamedTuple):
    """A query behind a gate."""

    trail: tuple[tuple[str, Shown], ...]
    """The elements that lead to it, each with its file; the gate holds back the first."""
    there: str
    call: HookCall
    decided: bool = False
    """The answer's content decides whether the first element is shown."""


class _Spot(NamedTuple):
    """How far a walk has come: an element, and what rests on the answer there."""

    path: str
    number: int
    owner: Key
    tied: frozenset[str]
    """Props of the owner."""
    contexts: frozenset[Key]
    trail: tuple[tuple[str, Shown], ...] = ()


class Renders:
    """Who shows whom. An element whose tag has a word of `clicked`, or an attribute `opened`, waits for a click."""

    def __init__(
        self, react: ReactProgram, queries: DataHooks, clicked: Collection[str], opened: Collection[str]
    ) -> None:
        self._react, self._queries = react, queries
        self._clicked, self._opened = tuple(clicked), frozenset(opened)
        self._provided = Provided(react)
        self._sites: dict[Key, list[tuple[str, int]]] = {}
        self._asks = {key: {call.span[0] for call in calls} for key, calls in queries.calls.items()}
        for path, facts in react.facts.items():  # what other effects fill state with is not known
            for call in facts.calls:
                if call.callee in EFFECTS:
                    self._asks.setdefault((path, call.owner), set()).add(call.span[0])
        for path, facts in react.facts.items():
            for index, shown in enumerate(facts.shown):
                target = react.resolve(path, shown.tag) if shown.tag else None
                if isinstance(target, tuple):
                    self._sites.setdefault(target, []).append((path, index))

    def behind(self, path: str, gate: HookCall) -> Iterator[Late]:
        """The queries that a gate holds back, although they need nothing of its answer."""
        owner = (path, gate.owner)
        asks = self._asks[owner]
        onward = {call.span[0] for call in self._queries.calls[owner] if gate.span[0] in call.reads.calls}
        for index in self._react.shown.get(owner, ()):
            shown = self._react.at(path, index)
            waits = set(shown.waits.calls)
            # it waits for what the gate leads to, or for a context or a prop that somebody sets
            chosen = any(
                self._provided.read(owner, call) or self._provided.unknown(owner, call) for call in waits - asks
            )
            if onward & waits or chosen or self._opened & set(shown.waits.props):
                continue
            if not self._waits(path, index, gate.span[0]) or self._elsewhere(path, shown, gate.span[0]):
                continue
            if shown.tag:
                found = self._below(_Spot(path, index, owner, frozenset(), frozenset()))
            else:
                found = self._passed(owner, self._provided.within(owner), set())
            decided = gate.span[0] in shown.decided
            yield from (late._replace(decided=True) for late in found) if decided else found

    def _waits(self, path: str, index: int, call: int) -> bool:
        return call in self._react.at(path, index).waits.calls or self._wrapped(path, index, call)

    def _elsewhere(self, path: str, shown: Shown, call: int) -> bool:
        """Does its owner show the same component without the answer, as in `loading ? <Page /> : <Page data />`?"""
        facts = self._react.facts[path]
        sites = sum(site.tag == shown.tag and site.owner == shown.owner for site in facts.sites)
        waiting = [
            index
            for index in self._react.shown[path, shown.owner]
            if facts.shown[index].tag == shown.tag and self._waits(path, index, call)
        ]
        return bool(shown.tag) and sites > len(waiting)

    def _wrapped(self, path: str, index: int, call: int) -> bool:
        """Does a wrapper, such as a loading panel, hold its children back until the call has answered?"""
        for around in self._react.around(path, index):
            target = self._react.resolve(path, around.tag)
            if not isinstance(target, tuple):
                continue
            slots = [self._react.at(target[0], slot) for slot in self._react.shown.get(target, ())]
            held = {name for slot in slots if not slot.tag for name in slot.waits.props}
            if any(name in held and call in sources.calls for name, sources in around.given):
                return True
        return False

    def _passed(self, key: Key, contexts: frozenset[Key], seen: set[Key]) -> Iterator[Late]:
        """What is handed to a component as its children."""
        if key in seen or len(seen) > MAX_PASSED:
            return
        seen.add(key)
        for page in self._react.pages.get(key, ()):
            for index in self._react.shown.get(page, ()):
                yield from self._below(_Spot(page[0], index, page, frozenset(), contexts))
        for path, site in self._sites.get(key, ()):
            owner = (path, self._react.at(path, site).owner)
            for index in self._react.shown.get(owner, ()):
                shown = self._react.at(path, index)
                if not any(around is self._react.at(path, site) for around in self._react.around(path, index)):
                    continue
                if shown.tag:
                    yield from self._below(_Spot(path, index, owner, frozenset(), contexts))
                else:
                    yield from self._passed(owner, contexts | self._provided.within(owner), seen)

    def _below(self, spot: _Spot) -> Iterator[Late]:
        path, owner = spot.path, spot.owner
        shown = self._react.at(path, spot.number)
        around = list(self._react.around(path, spot.number))
        target = self._react.resolve(path, shown.tag) if shown.tag else None
        if not isinstance(target, tuple) or len(spot.trail) > DEPTH or target == owner:
            return
        if any(word in one.tag.lower() for one in (shown, *around) for word in self._clicked):
            return
        if shown.tag.endswith("Panel"):  # around others it is mostly a frame
            return
        names = [name for name, _ in shown.given]
        if any(name in self._opened or name.lower() in self._clicked for name in names):
            return
        component = self._react.components.get(target)
        if component is not None and component.blank:  # nobody sees when its answer comes
            return
        bound = frozenset(name for name, sources in shown.given if self._tied(sources, owner, spot))
        if REST in bound:
            return
        contexts = spot.contexts | self._provided.at(owner)
        for one in around:
            wrapper = self._react.resolve(path, one.tag)
            contexts |= self._provided.within(wrapper) if isinstance(wrapper, tuple) else frozenset()
        inside = _Spot(target[0], -1, target, bound, contexts, (*spot.trail, (path, shown)))
        for call in self._queries.calls.get(target, ()):
            if self._free(call, shown, inside):
                yield Late(inside.trail, target[0], call)
        for index in self._react.shown.get(target, ()):
            if not self._tied(self._react.at(target[0], index).waits, target, inside):
                yield from self._below(inside._replace(number=index))

    def _free(self, call: HookCall, shown: Shown, spot: _Spot) -> bool:
        """Does a query start with its component, by what was known before the gate?"""
        reads = call.reads
        given = {name for name, _ in shown.given}
        if REST in reads.props or REST in given or PICKED in call.held.calls:
            return False
        if self._tied(reads, spot.owner, spot) or self._reads_tied(spot.owner, call.span[0], spot):
            return False
        return not self._queries.common(spot.path, call)

    def _tied(self, sources: Sources, owner: Key, spot: _Spot) -> bool:
        """Does a value rest on an answer, a choice, a context from behind the gate, or a prop that does?"""
        if PICKED in sources.calls or spot.tied & set(sources.props):
            return True
        asks = self._asks.get(owner, set())
        return any(call in asks or self._reads_tied(owner, call, spot) for call in sources.calls)

    def _reads_tied(self, owner: Key, call: int, spot: _Spot) -> bool:
        return bool(self._provided.read(owner, call) & spot.contexts) or self._provided.unknown(owner, call)
