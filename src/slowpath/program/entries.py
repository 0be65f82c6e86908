"""Who gets to a function in a running server: the nearest route, handler or task above it, and the calls down from it.

In: a function or a call. Out: its entry, by breadth-first search up the call graph; what one search learned, the next
reuses.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from slowpath.model.finding import Step
from slowpath.program.contexts import Contexts
from slowpath.program.liveness import Liveness
from slowpath.program.look_ups import LookUps
from slowpath.program.paths import known
from slowpath.program.routes import Routes
from slowpath.program.rust import Function, RustProgram, Site

MAX_VISITED = 4_000
"""Functions looked at on the way up; beyond, no entry is named."""
MAX_WAY = 24
"""Calls between an entry and a function; a longer way tells a reader nothing."""
LOOPS = frozenset(["loop", "while", "for"])


class Entry(NamedTuple):
    """`text` is how a message names it; `way` are the calls from it down to the function asked about."""

    function: Function
    text: str
    way: tuple[Site, ...]
    task: bool = False
    """A background task, which no request waits for."""

    def steps(self) -> list[Step]:
        """The way down, as steps of a proof."""
        if not self.way:
            return []
        own = f"`{self.function.name}`"
        starts = f"{self.text} runs {own}" if self.text != own else f"{own} is called by its framework or runtime"
        if self.task:
            starts = f"{own} spawns a task"
        head = Step(self.function.place, starts)
        return [head, *(Step(site.place, f"`{site.function.name}` calls `{site.call.name}`") for site in self.way)]


def text_of(program: RustProgram, function: Function) -> str:
    """How an entry is called: by its route where that is known."""
    routes = program.shared(Routes).of(function)
    return str(routes[0]) if routes else f"`{function.name}`"


def task_of(function: Function) -> str:
    """How a task is called."""
    return f"a task that `{function.name}` spawns"


def serves(liveness: Liveness, function: Function) -> bool:
    """Whether a framework or runtime calls a function for each request, message or poll."""
    trait = function.trait
    service = isinstance(trait, str) and trait.rsplit("::", 1)[-1] in known()["entry"]["service-traits"]
    return not function.test and (service or liveness.is_handler(function))


class Entries:
    """The entries of functions."""

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
        while (site := self._above[id(current)]) is not None and len(way) < MAX_WAY:
            way.append(site)
            current = site.function
            if self.liveness.in_task(site):
                return Entry(current, task_of(current), tuple(reversed(way)), True)
            if self.liveness.in_served_closure(site):
                return Entry(current, f"a closure that `{current.name}` registers", tuple(reversed(way)))
        return Entry(current, text_of(self.program, current), tuple(reversed(way))) if site is None else None

    def _search(self, function: Function) -> None:
        via: dict[int, tuple[Site, Function]] = {}
        seen = {id(function)}
        queue = deque([function])
        while queue and len(seen) < MAX_VISITED:
            current = queue.popleft()
            if id(current) in self._above or serves(self.liveness, current):
                self._above.setdefault(id(current), None)
                self._write_down(current, via)
                return
            for site in self.program.callers(current):
                caller = site.function
                if caller.test or id(caller) in seen or id(caller) in self._barren:
                    continue
                seen.add(id(caller))
                via[id(caller)] = (site, current)
                if self.liveness.in_task(site) or self.liveness.in_served_closure(site):
                    self._write_down(caller, via)
                    return
                queue.append(caller)
        if not queue:
            self._barren |= seen

    def _write_down(self, entry: Function, via: dict[int, tuple[Site, Function]]) -> None:
        """For every function on the way, the call that leads to it."""
        current = entry
        while id(current) in via:
            site, current = via[id(current)]
            self._above.setdefault(id(current), site)


class Repeats:
    """Entries that get to a call again and again: what runs once in the process, or behind a cache, does not count."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.liveness = program.shared(Liveness)
        self.contexts = program.shared(Contexts)
        self.look_ups = program.shared(LookUps)
        self._barren: set[tuple[int, bool]] = set()

    def of(self, site: Site) -> Entry | None:
        """The nearest request, message, trait call or task's loop that leads to a call, if there is one."""
        if not self._repeats(site):
            return None
        seen: set[tuple[int, bool]] = set()
        cut = False
        queue: deque[tuple[tuple[Site, ...], bool]] = deque([((site,), in_loop(site))])
        while queue and len(seen) < MAX_VISITED:
            way, looped = queue.popleft()
            function = way[0].function
            key = (id(function), looped)
            if key in seen or key in self._barren or function.test:
                continue
            if looped and self.liveness.in_task(way[0]):
                return Entry(function, task_of(function), way[:-1], True)
            seen.add(key)
            if serves(self.liveness, function) or self.liveness.is_live_of_itself(function):
                return Entry(function, text_of(self.program, function), way[:-1])
            for caller in self.program.callers(function):
                if caller.function is not function and self._repeats(caller):
                    cut |= len(way) >= MAX_WAY
                    if len(way) < MAX_WAY:
                        queue.append(((caller, *way), looped or in_loop(caller)))
        if not queue and not cut:
            self._barren |= seen
        return None

    def _repeats(self, site: Site) -> bool:
        context = self.contexts.of(site)
        return context.kind != "once" and not context.fallback and not self.look_ups.before(site)


def in_loop(site: Site) -> bool:
    """Whether a call stands in a loop of its function."""
    return any(level.kind in LOOPS for _, level in site.function.scopes_of(site.call.scope))
