"""Pages that a client-side router imports statically: one finding per router file, and one where visitors arrive."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.router_pages import pages
from slowpath.program.web import Edge, WebProgram
from slowpath.program.weights import Weight, saved

SHOWN = 3


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    routers = [(p, facts.routes) for p, facts in web.modules.items() if facts.routes and web.is_client(p)]
    found = {path: pages(web, rule.settings, path, routes) for path, routes in routers if web.loads_first(path)}
    for path, (later, first) in found.items():
        others = [edge for other, (own, _) in found.items() if other != path for edge in own.values()]
        if path not in web.first_load_without(others):
            continue  # the router of a page that is reported itself
        yield from _report(web, rule, later, "medium")
        yield from _report(web, rule, first, "low")


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
