"""Which endpoints of the server lead to a function, by breadth-first search up the call graph.

Endpoints that list things come first: what they reach runs for pages of rows, and is called most.
"""

from __future__ import annotations

import re
from collections import deque

from slowpath.program.contexts import Contexts
from slowpath.program.routes import Route, Routes
from slowpath.program.rust import Function, RustProgram

MAX_VISITED = 2_000
"""Functions looked at on the way up."""
PARAMETER = re.compile(r"[{<:*]")
LIST, OTHER, NONE = range(3)
"""How hot a function is: reached from an endpoint that lists, from any other, from none that is known."""


def lists(route: Route) -> bool:
    """Whether an endpoint answers with a collection: it is read, and its path does not end in a parameter."""
    last = route.path.rstrip("/").rpartition("/")[2]
    return route.method in ("GET", "ANY") and not PARAMETER.search(last)


class Endpoints:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.routes = program.shared(Routes)
        self.contexts = program.shared(Contexts)
        self._known: dict[int, tuple[Route, ...]] = {}

    def of(self, function: Function) -> tuple[Route, ...]:
        """Every endpoint that leads to a function: those that list first, then the nearest."""
        if id(function) not in self._known:
            self._known[id(function)] = self._search(function)
        return self._known[id(function)]

    def heat(self, function: Function | None) -> int:
        """LIST, OTHER or NONE."""
        routes = self.of(function) if function is not None else ()
        return NONE if not routes else LIST if lists(routes[0]) else OTHER

    def _search(self, function: Function) -> tuple[Route, ...]:
        found: dict[tuple[str, str], Route] = {}
        seen = {id(function)}
        queue = deque([function])
        while queue and len(seen) < MAX_VISITED:
            current = queue.popleft()
            for route in self.routes.of(current):
                found.setdefault((route.method, route.path), route)
            for site in self.program.callers(current):
                caller = site.function
                if id(caller) not in seen and not caller.test and self.contexts.of(site).kind != "once":
                    seen.add(id(caller))
                    queue.append(caller)
        return tuple(sorted(found.values(), key=lambda route: not lists(route)))


def reached(program: RustProgram, function: Function | None) -> str:
    """The end of a message: which endpoints lead to a function."""
    routes = program.shared(Endpoints).of(function) if function is not None else ()
    if not routes:
        return ""
    rest = len(routes) - 1
    others = f" and {rest} more endpoint{'s' if rest > 1 else ''}" if rest else ""
    return f", for {routes[0]}{others}"
