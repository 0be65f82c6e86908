"""Pages that a client-side router imports statically: one finding per router file, and one where visitors arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.modules import Route
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import Declaration, Edge, WebProgram
from slowpath.program.weights import Weight, saved

SHOWN = 3


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    routers = [(p, facts.routes) for p, facts in web.modules.items() if facts.routes and web.is_client(p)]
    found = {path: _pages(web, rule, path, routes) for path, routes in routers if web.loads_first(path)}
    for path, (later, first) in found.items():
        others = [edge for other, (pages, _) in found.items() if other != path for edge in pages.values()]
        if path not in web.first_load_without(others):
            continue  # the router of a page that is reported itself
        yield from _report(web, rule, later, "medium")
        yield from _report(web, rule, first, "low")


def _pages(web: WebProgram, rule: Rule, path: str, routes: list[Route]) -> tuple[dict[str, Edge], dict[str, Edge]]:
    """The pages that one file's routes import statically, without and with those where visitors arrive."""
    arrival = re.compile(rule.settings["first"])
    targets = {route.to.strip("/") for route in routes if route.to and arrival.search(route.path)}
    first: dict[str, Edge] = {}
    later: dict[str, Edge] = {}
    for route in routes:
        if route.frame:
            continue
        name, edge = _page(web, rule, path, route)
        if edge is not None:
            arrives = arrival.search(route.path) or route.path.strip("/") in targets
            (first if arrives else later).setdefault(name, edge)
    return {name: edge for name, edge in later.items() if edge not in first.values()}, first


def _page(web: WebProgram, rule: Rule, path: str, route: Route) -> tuple[str, Edge | None]:
    """The innermost component of a route that another file declares, and the static import that brings it."""
    for name in reversed(route.names):
        if re.search(rule.settings["frames"], name):
            continue
        target = web.resolve(path, name)
        if not isinstance(target, Declaration) or target.path == path:
            continue
        for statement in web.modules[path].imports:
            if any(imported.local == name for imported in statement.names):
                found = (e for e in web.imports(path) if e.span == statement.span and not e.dynamic)
                return name, next(found, None)
    return "", None


def _report(web: WebProgram, rule: Rule, pages: dict[str, Edge], confidence: Confidence) -> Iterator[Finding]:
    edges = sorted(set(pages.values()), key=lambda edge: edge.span)
    if not edges:
        return
    whole = saved(web, edges)
    if whole.kilobytes < rule.settings["least_kb"]:
        return
    path = edges[0].importer
    names = [f"`{name}`" for name in pages]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    lines = web.lines(web.first_load - web.first_load_without(edges))
    yield rule.finding(
        Place(path, edges[0].span),
        confidence="low" if web.on_disk(path) else confidence,
        flow=web.proof(path),
        related=[Step(Place(path, edge.span), _alone(web, edge)) for edge in edges[1:]],
        pages=f"{', '.join(names[:SHOWN])}{more} {'is' if len(names) == 1 else 'are'}",
        weight=f"about {whole.kilobytes:.0f} kB ({lines} lines{_with(whole)})",
        lazy=_lazy(web, edges[0], pages),
    )


def _alone(web: WebProgram, edge: Edge) -> str:
    kilobytes = saved(web, [edge]).kilobytes
    return f"imports {edge.path}" + (f": about {kilobytes:.0f} kB by itself" if kilobytes >= 1 else "")


def _with(weight: Weight) -> str:
    heaviest = sorted(weight.packages, key=lambda name: -weight.packages[name])[:SHOWN]
    return f", with {', '.join(f'`{name}`' for name in heaviest)}" if heaviest else ""


def _lazy(web: WebProgram, edge: Edge, pages: dict[str, Edge]) -> str:
    """The statement that replaces an import."""
    local = next(name for name, other in pages.items() if other == edge)
    statement = next(s for s in web.modules[edge.importer].imports if s.span == edge.span)
    imported = next((name.imported for name in statement.names if name.local == local), "default")
    member = "" if imported == "default" else f".then((m) => ({{ default: m.{imported} }}))"
    return f'`const {local} = lazy(() => import("{statement.specifier}"){member})`'
