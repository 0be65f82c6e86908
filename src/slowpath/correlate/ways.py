"""Ways from the handlers of routes down to a function, each the shortest, by breadth-first search up the call graph."""

from __future__ import annotations

from collections import deque

from slowpath.program.contexts import Contexts
from slowpath.program.endpoints import MAX_VISITED
from slowpath.program.routes import Routes
from slowpath.program.rust import Function, RustProgram, Site

Way = tuple[Site, ...]
"""Calls from a handler down to a function, none where it is the handler itself."""


class Ways:
    """Answers for one program. Start-up and tests lead nowhere, as for `Endpoints`."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.routes = program.shared(Routes)
        self.contexts = program.shared(Contexts)
        self._known: dict[int, list[tuple[Function, Way]]] = {}

    def to(self, function: Function) -> list[tuple[Function, Way]]:
        """Every handler that leads to a function, the nearest first, with the way."""
        if id(function) not in self._known:
            self._known[id(function)] = self._search(function)
        return self._known[id(function)]

    def _search(self, function: Function) -> list[tuple[Function, Way]]:
        below: dict[int, tuple[Site, Function]] = {}
        found = []
        seen = {id(function)}
        queue = deque([function])
        while queue and len(seen) < MAX_VISITED:
            current = queue.popleft()
            if self.routes.of(current):
                found.append((current, self._way(current, function, below)))
            for site in self.program.callers(current):
                caller = site.function
                if id(caller) not in seen and not caller.test and self.contexts.of(site).kind != "once":
                    seen.add(id(caller))
                    below[id(caller)] = site, current
                    queue.append(caller)
        return found

    def _way(self, handler: Function, function: Function, below: dict[int, tuple[Site, Function]]) -> Way:
        way = []
        current = handler
        while current is not function:
            site, current = below[id(current)]
            way.append(site)
        return tuple(way)


def told(route: object, handler: Function, way: Way) -> tuple[str, ...]:
    """A way as lines: route, handler, and each function on the way."""
    lines = [f"{route} is answered by `{handler.name}` ({handler.file})"]
    lines += [f"`{site.function.name}` calls `{site.call.name}`" for site in way]
    return tuple(lines)
