"""Who gets to a function in a running server: the nearest route, handler or task above it, and the calls down from it.

In: a function. Out: its entry, by breadth-first search up the call graph; what one search learned, the next reuses.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from slowpath.model.finding import Step
from slowpath.program.liveness import Liveness
from slowpath.program.paths import known
from slowpath.program.routes import Routes
from slowpath.program.rust import Function, RustProgram, Site

MAX_VISITED = 4_000
"""Functions looked at on the way up; beyond, no entry is named."""


class Entry(NamedTuple):
    """`text` is how a message names it; `way` are the calls from it down to the function asked about."""

    function: Function
    text: str
    way: tuple[Site, ...]

    def steps(self) -> list[Step]:
        """The way down, as steps of a proof."""
        if not self.way:
            return []
        head = Step(self.function.place, f"{self.text} runs `{self.function.name}`")
        return [head, *(Step(site.place, f"`{site.function.name}` calls `{site.call.name}`") for site in self.way)]


class Entries:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.liveness = program.shared(Liveness)
        self._above: dict[int, Site | None] = {}
        """id(function) → the call through which its entry gets there, None where it is an entry itself"""
        self._barren: set[int] = set()

    def of(self, function: Function) -> Entry | None:
        """The nearest entry above a function (the function itself included), if one is known."""
        if id(function) not in self._above and id(function) not in self._barren:
            self._search(function)
        if id(function) in self._barren:
            return None
        way: list[Site] = []
        current = function
        while (site := self._above[id(current)]) is not None:
            way.insert(0, site)
            current = site.function
            if self.liveness.in_task(site):
                return Entry(current, f"a task that `{current.name}` spawns", tuple(way))
        return Entry(current, self.text(current), tuple(way))

    def text(self, function: Function) -> str:
        """How an entry is called: by its route where that is known."""
        routes = self.program.shared(Routes).of(function)
        return str(routes[0]) if routes else f"`{function.name}`"

    def _search(self, function: Function) -> None:
        via: dict[int, tuple[Site, Function]] = {}
        seen = {id(function)}
        queue = deque([function])
        while queue and len(seen) < MAX_VISITED:
            current = queue.popleft()
            if id(current) in self._above or self._is_entry(current):
                self._above.setdefault(id(current), None)
                self._write_down(current, via)
                return
            for site in self.program.callers(current):
                caller = site.function
                if caller.test or id(caller) in seen or id(caller) in self._barren:
                    continue
                seen.add(id(caller))
                via[id(caller)] = (site, current)
                if self.liveness.in_task(site):
                    self._write_down(caller, via)
                    return
                queue.append(caller)
        self._barren |= seen

    def _write_down(self, entry: Function, via: dict[int, tuple[Site, Function]]) -> None:
        """For every function on the way, the call that leads to it."""
        current = entry
        while id(current) in via:
            site, current = via[id(current)]
            self._above.setdefault(id(current), site)

    def _is_entry(self, function: Function) -> bool:
        trait = function.trait
        serves = isinstance(trait, str) and trait.rsplit("::", 1)[-1] in known()["entry"]["service-traits"]
        return not function.test and (serves or self.liveness.is_handler(function))
