"""A file that only re-exports many others, and importers that need few of them: one finding per barrel."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.modules import Export, ModuleFacts
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import Edge, WebProgram

OWN_SHARE = 0.1
"""A file that declares more than this share of what it exports is a module with re-exports, no barrel."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    for path, facts in web.modules.items():
        if not web.is_client(path) or _offered(web, path):
            continue
        reexports = [export for export in facts.exports if export.specifier and not export.type_only]
        modules = {web.file_of(path, export.specifier) or export.specifier for export in reexports}
        if len(modules) < rule.settings["least_modules"] or len(facts.declared) > OWN_SHARE * len(reexports):
            continue
        most = rule.settings["most_share"] * len(modules)
        importers = [edge for edge in web.importers(path) if _costs(web, edge) and len(edge.names) <= most]
        if len(importers) >= rule.settings["least_importers"]:
            yield _finding(web, rule, path, reexports, len(modules), importers)


def _offered(web: WebProgram, path: str) -> bool:
    """The entry of a package exists to be a barrel."""
    package = web.package_of(path)
    relative = path.removeprefix(package.folder + "/") if package is not None and package.folder else path
    folder, name = posixpath.split(relative)
    return web.entries.get(path) == "library" or (folder in ("", "src") and name.startswith("index."))


def _costs(web: WebProgram, edge: Edge) -> bool:
    """Loaded by a browser, for some names of it, and not itself the next barrel."""
    return web.ships(edge.importer) and "*" not in edge.names and bool(edge.names) and not _passes_on(web, edge)


def _passes_on(web: WebProgram, edge: Edge) -> bool:
    facts: ModuleFacts = web.modules[edge.importer]
    return any(export.specifier and export.span == edge.span for export in facts.exports)


def _finding(
    web: WebProgram, rule: Rule, path: str, reexports: list[Export], count: int, importers: list[Edge]
) -> Finding:
    package = web.package_of(path)
    shaken = package is not None and not package.side_effects
    average = sum(len(edge.names) for edge in importers) / len(importers)
    return rule.finding(
        Place(path, reexports[0].span),
        confidence="low" if shaken else None,
        related=[
            Step(Place(edge.importer, edge.span), f"imports {', '.join(f'`{name}`' for name in edge.names[:4])}")
            for edge in importers
        ],
        count=count,
        importers=len(importers),
        average=f"{average:.1f}".removesuffix(".0"),
    )
