"""Which hook calls ask a server: of the libraries in `data_hooks.toml`, of what those make, and through own hooks."""

from __future__ import annotations

import re
import tomllib
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slowpath.model.react import EFFECTS, HookCall, Sources
from slowpath.program.react import Key

if TYPE_CHECKING:
    from slowpath.program import Program
    from slowpath.program.requests import Sending

RUN = EFFECTS | {"useCallback"}
How = Literal["query", "suspense"]
"""`suspense`: the render stops at the call until the answer is there."""

MAX_HOPS = 6
"""Names that one hook is followed through: `{ useX } = api`, `api = base.injectEndpoints()`, `base = createApi()`."""


@cache
def libraries() -> dict[str, Any]:
    """The table, lists as sets."""
    with (Path(__file__).parent / "data_hooks.toml").open("rb") as file:
        table = tomllib.load(file)
    return {key: frozenset(value) if isinstance(value, list) else re.compile(value) for key, value in table.items()}


class DataHooks:
    """The calls that ask, by component or hook."""

    def __init__(self, program: Program) -> None:
        self._react = react = program.react
        self._requests = program.requests
        self._effects: dict[str, list[Sending]] = {}
        self._made = {(path, made.name): made.maker for path, facts in react.facts.items() for made in facts.made}
        self._prefetched = {name for facts in react.facts.values() for name in facts.prefetched}
        self.calls: dict[Key, list[HookCall]] = defaultdict(list)
        self._suspending: set[tuple[str, int]] = set()
        callers: dict[Key, list[tuple[Key, HookCall]]] = defaultdict(list)
        pending: list[tuple[Key, HookCall, How]] = []
        for path, facts in react.facts.items():
            for call in facts.calls:
                meant = self.meaning(path, call)
                if isinstance(meant, tuple):
                    callers[meant].append(((path, call.owner), call))
                elif meant is not None:
                    pending.append(((path, call.owner), call, meant))
        while pending:
            owner, call, how = pending.pop()
            place = (owner[0], call.span[0])
            if owner not in self.calls or (how == "suspense" and not self._suspends(owner)):
                pending.extend((caller, outer, how) for caller, outer in callers.get(owner, ()))
            if how == "suspense":
                self._suspending.add(place)
            if call not in self.calls[owner]:
                self.calls[owner].append(call)

        self._homes: dict[tuple[object, ...], set[Key]] = defaultdict(set)
        for key, calls in self.calls.items():
            for call in calls:
                self._homes[self.identity(key[0], call)].add(key)
        self._askers = Counter(self.identity(key[0], call) for key, calls in self.calls.items() for call in calls)

    def suspends(self, path: str, call: HookCall) -> bool:
        """Does the render stop at this call until the answer is there?"""
        return (path, call.span[0]) in self._suspending

    def identity(self, path: str, call: HookCall) -> tuple[object, ...]:
        """Two calls with the same one ask the same, as far as a file can tell: the arguments' values aside."""
        meant = self.meaning(path, call)
        return (meant if isinstance(meant, tuple) else call.chain or call.callee, *call.about)

    def label(self, path: str, call: HookCall) -> str:
        """What to call it in a message."""
        sent = self.sent(path, call) if call.callee in EFFECTS else []
        return str(sent[0].sent[0]) if sent else call.chain or call.callee

    def common(self, path: str, call: HookCall) -> bool:
        """Does it need nothing, and somebody else asks it too? Then the answer is often there already."""
        return call.reads == Sources() and self._askers[self.identity(path, call)] > 1

    def askers(self, path: str, call: HookCall) -> int:
        """How many components and hooks ask this, or what it comes to and needs nothing for."""
        homes = [self._homes[self.identity(path, call)]]
        meant = self.meaning(path, call)
        for _ in range(MAX_HOPS):
            inner = self.calls.get(meant, ()) if isinstance(meant, tuple) else ()
            plain = [one for one in inner if one.needs == one.reads == Sources() and not one.about]
            if len(inner) != 1 or not plain or not isinstance(meant, tuple):
                break
            homes.append(self._homes[self.identity(meant[0], plain[0])])
            meant = self.meaning(meant[0], plain[0])
        return max(map(len, homes))

    def started(self, key: Key) -> frozenset[tuple[object, ...]]:
        """All that a component's queries ask in the end."""
        return frozenset(one for call in self.calls.get(key, ()) for one in self.asked(key[0], call))

    def asked(self, path: str, call: HookCall) -> frozenset[tuple[object, ...]]:
        """What a call asks in the end, through own hooks; each with what the call itself names."""
        found: set[tuple[object, ...]] = set()
        seen: set[Key] = set()
        pending = [(path, call)]
        while pending:
            at, one = pending.pop()
            meant = self.meaning(at, one)
            if not isinstance(meant, tuple):
                asks = self.identity(at, one)
                # a path of procedures says what is asked; what else the options name does not
                found.add((one.chain.partition(".")[2],) if one.chain.count(".") > 1 else (*asks, *call.about))
            elif meant not in seen:
                seen.add(meant)
                pending.extend((meant[0], inner) for inner in self.calls.get(meant, ()))
        return frozenset(found)

    def prefetched(self, path: str, call: HookCall) -> bool:
        """Does something, such as a loader, ask the same before the component does?"""
        if not self._prefetched:
            return False
        named = [name for asked in self.asked(path, call) for name in asked[1:]]
        return any(name in self._prefetched for name in named)

    def _suspends(self, owner: Key) -> bool:
        return any(self.suspends(owner[0], call) for call in self.calls[owner])

    def meaning(self, path: str, call: HookCall) -> Key | How | None:
        """What a hook call is: one of the project's own hooks, a library's that asks, or nothing known."""
        table = libraries()
        if call.callee in EFFECTS:
            return "query" if self.sent(path, call) else None
        if call.taken:
            return _how(call.callee)
        name = call.chain or call.callee
        target = self._react.resolve(path, name)
        if isinstance(target, str):
            origin = self._react.origin(path, name)
            return _how(call.callee if origin == "default" else origin) if target in table["packages"] else None
        key = target or self._react.resolve(path, name.split(".")[0])
        if isinstance(key, tuple):
            maker = self._maker(key)
            if maker:
                return "query" if maker in table["hook_makers"] else _named(call.callee)
            return target
        unread = key is None and not call.chain and self._react.unread(path, name) & table["packages"]
        return _named(call.callee) if unread else None

    def sent(self, path: str, effect: HookCall) -> list[Sending]:
        """What an effect asks of a server."""
        if path not in self._effects:
            found = [sending for sending in self._requests.at(path) if sending.request.role in RUN]
            self._effects[path] = [one for one in found if all(sent.verb == "GET" for sent in one.sent)]
        return [
            one for one in self._effects[path] if any(start <= one.request.span[0] < end for start, end in effect.runs)
        ]

    def _maker(self, key: Key) -> str:
        """The library's function that made what a top-level name holds."""
        table = libraries()
        for _ in range(MAX_HOPS):
            name = self._made.get(key)
            if name is None:
                return ""
            found = self._react.resolve(key[0], name) or self._react.resolve(key[0], name.split(".")[0])
            if isinstance(found, str):
                origin = self._react.origin(key[0], name)
                known = found in table["packages"] and origin in table["makers"] | table["hook_makers"]
                return origin if known else ""
            if found is None:
                return ""
            key = found
        return ""


def _how(name: str) -> How | None:
    table = libraries()
    return "suspense" if name in table["suspending"] else "query" if name in table["hooks"] else None


def _named(name: str) -> How | None:
    table = libraries()
    return "suspense" if table["made_suspending"].search(name) else "query" if table["made"].search(name) else None
