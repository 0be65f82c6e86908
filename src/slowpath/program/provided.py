"""Which contexts a hook call reads, and which a component provides to what it holds."""

from __future__ import annotations

from collections import defaultdict

from slowpath.program.react import Key, ReactProgram

WRAPPERS = 3
"""Components between a provider and the one whose children get its value."""
NOTHING: frozenset[Key] = frozenset()
UNKNOWN: Key = ("", "")
"""A context that no file of the project creates."""


class Provided:
    """Contexts by component, hook and call."""

    def __init__(self, react: ReactProgram) -> None:
        self._react = react
        self._read = self._reads()
        self._direct: dict[Key, frozenset[Key]] = {}
        owners: dict[Key, set[Key]] = defaultdict(set)
        for path, facts in react.facts.items():
            for site in facts.sites:
                owner = (path, site.owner)
                target = react.resolve(path, site.tag.removesuffix(".Provider"))
                if isinstance(target, tuple) and target in react.contexts:
                    self._direct[owner] = self._direct.get(owner, NOTHING) | {target}
                elif isinstance(target, tuple):
                    owners[target].add(owner)
        self._within = dict(self._direct)
        fresh = self._direct
        for _ in range(WRAPPERS):
            further: dict[Key, frozenset[Key]] = {}
            for key, contexts in fresh.items():
                for owner in owners.get(key, ()):
                    if not contexts <= self._within.get(owner, NOTHING):
                        further[owner] = further.get(owner, NOTHING) | contexts
            for key, contexts in further.items():
                self._within[key] = self._within.get(key, NOTHING) | contexts
            fresh = further

    def at(self, key: Key) -> frozenset[Key]:
        """What a component provides by elements of its own."""
        return self._direct.get(key, NOTHING)

    def within(self, key: Key) -> frozenset[Key]:
        """What it provides itself or through components that it shows."""
        return self._within.get(key, NOTHING)

    def read(self, owner: Key, call: int) -> frozenset[Key]:
        """The contexts that a hook call reads, directly or through own hooks."""
        return frozenset(self._read.get(owner, {}).get(call, ()))

    def unknown(self, owner: Key, call: int) -> bool:
        """Does it read a context of which nobody knows where it is provided?"""
        return UNKNOWN in self._read.get(owner, {}).get(call, ())

    def _reads(self) -> dict[Key, dict[int, set[Key]]]:
        found: dict[Key, dict[int, set[Key]]] = defaultdict(lambda: defaultdict(set))
        callers: dict[Key, list[tuple[Key, int]]] = defaultdict(list)
        pending: list[tuple[Key, int, Key]] = []
        for path, facts in self._react.facts.items():
            for call in facts.calls:
                owner = (path, call.owner)
                target = self._react.resolve(path, call.context or call.callee)
                if call.context:
                    known = isinstance(target, tuple) and target in self._react.contexts
                    pending.append((owner, call.span[0], target if known and isinstance(target, tuple) else UNKNOWN))
                elif isinstance(target, tuple):
                    callers[target].append((owner, call.span[0]))
        while pending:
            owner, offset, context = pending.pop()
            news = not any(context in contexts for contexts in found[owner].values())
            found[owner][offset].add(context)
            if news:
                pending.extend((caller, at, context) for caller, at in callers.get(owner, ()))
        return found
