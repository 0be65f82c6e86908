"""Modules and packages that are imported both ways although the first load holds them already: one finding each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.modules import Dynamic
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import Edge, PackageUse, WebProgram
from slowpath.program.weights import is_static, kilobytes_of, saved, sizes


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    if web.first_load:
        yield from _modules(web, rule)
        yield from _packages(web, rule)


def _modules(web: WebProgram, rule: Rule) -> Iterator[Finding]:
    for path in sorted(web.first_load):
        if path in web.entries:
            continue
        importers = [edge for edge in web.importers(path) if web.loads_first(edge.importer)]
        lazy = [edge for edge in importers if edge.dynamic and _by_name(web, edge)]
        static = [edge for edge in importers if not edge.dynamic]
        if not lazy or not static or not _together(web, lazy, static):
            continue
        if path in web.first_load_without(static):  # something else needs it at once
            continue
        kilobytes = saved(web, static).kilobytes
        if kilobytes >= rule.settings["least_kb"]:
            yield _defeat(web, rule, path, kilobytes, static, lazy)


def _by_name(web: WebProgram, edge: Edge) -> bool:
    """A pattern of file names means all of them, whether or not each is worth it."""
    return any(call.span == edge.span and "*" not in call.specifier for call in web.modules[edge.importer].dynamic)


def _together(web: WebProgram, lazy: list[Edge], static: list[Edge]) -> bool:
    """In one chunk: pages of a file router are loaded apart from each other."""
    paged = any(kind in ("page", "server component") for kind in web.entries.values())
    return not paged or bool({edge.importer for edge in lazy} & {edge.importer for edge in static})


def _defeat(web: WebProgram, rule: Rule, path: str, kilobytes: float, static: list[Edge], lazy: list[Edge]) -> Finding:
    static = sorted(static, key=lambda edge: web.distance(edge.importer, edge.span))
    return _finding(
        web,
        rule,
        path,
        kilobytes,
        [Place(edge.importer, edge.span) for edge in static],
        [Place(edge.importer, edge.span) for edge in lazy],
    )


def _packages(web: WebProgram, rule: Rule) -> Iterator[Finding]:
    lazy: dict[tuple[str, str], list[PackageUse]] = defaultdict(list)
    static: dict[tuple[str, str], list[PackageUse]] = defaultdict(list)
    for use in web.uses:
        key = (web.app_of(use.importer), use.specifier)
        if is_static(use) and web.loads_first(use.importer):
            static[key].append(use)
        elif isinstance(use.statement, Dynamic) and not use.statement.required and web.ships(use.importer):
            lazy[key].append(use)
    for key in sorted(lazy.keys() & static.keys()):
        uses = sorted(static[key], key=lambda use: web.distance(use.importer, use.statement.span))
        kilobytes = kilobytes_of(uses)
        if web.on_disk(uses[0].importer) or not (uses[0].package in sizes() or key[1] in sizes()):
            continue
        if kilobytes >= rule.settings["least_kb"]:
            yield _finding(
                web,
                rule,
                key[1],
                kilobytes,
                [Place(use.importer, use.statement.span) for use in uses],
                [Place(use.importer, use.statement.span) for use in lazy[key]],
            )


def _finding(
    web: WebProgram, rule: Rule, name: str, kilobytes: float, static: list[Place], lazy: list[Place]
) -> Finding:
    return rule.finding(
        static[0],
        confidence=rule.confidence if len(static) == 1 else "medium" if len(static) <= len(lazy) else "low",
        flow=web.proof(static[0].path),
        related=[
            *(Step(place, "is a static import too") for place in static[1:]),
            *(Step(place, "is the dynamic import that saves nothing") for place in lazy),
        ],
        name=name,
        kilobytes=f"{kilobytes:.0f}",
    )
