"""The pages that a client-side router imports statically, by file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from slowpath.model.modules import Route
from slowpath.program.web import Declaration, Edge, WebProgram


def pages(
    web: WebProgram, settings: Mapping[str, Any], path: str, routes: list[Route]
) -> tuple[dict[str, Edge], dict[str, Edge]]:
    """The pages that one file's routes import statically, without and with those where visitors arrive."""
    arrival = re.compile(settings["first"])
    targets = {route.to.strip("/") for route in routes if route.to and arrival.search(route.path)}
    first: dict[str, Edge] = {}
    later: dict[str, Edge] = {}
    for route in routes:
        if route.frame:
            continue
        name, edge = _page(web, settings, path, route)
        if edge is not None:
            arrives = arrival.search(route.path) or route.path.strip("/") in targets
            (first if arrives else later).setdefault(name, edge)
    return {name: edge for name, edge in later.items() if edge not in first.values()}, first


def _page(web: WebProgram, settings: Mapping[str, Any], path: str, route: Route) -> tuple[str, Edge | None]:
    """The innermost component of a route that another file declares, and the static import that brings it."""
    for name in reversed(route.names):
        if re.search(settings["frames"], name):
            continue
        target = web.resolve(path, name)
        if not isinstance(target, Declaration) or target.path == path:
            continue
        for statement in web.modules[path].imports:
            if any(imported.local == name for imported in statement.names):
                found = (e for e in web.imports(path) if e.span == statement.span and not e.dynamic)
                return name, next(found, None)
    return "", None
