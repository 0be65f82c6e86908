"""Heavy packages that the first load brings, one finding each; and modules that are imported both ways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.modules import Dynamic, Import
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import Edge, PackageUse, WebProgram

DESKTOP = frozenset(["electron", "@tauri-apps/api"])
WHOLE = frozenset(["*", "default"])


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    if not web.first_load:
        return
    yield from _packages(web, rule)
    yield from _defeated(web, rule)


def _packages(web: WebProgram, rule: Rule) -> Iterator[Finding]:
    static: dict[tuple[str, str], list[PackageUse]] = defaultdict(list)
    dynamic: set[tuple[str, str]] = set()
    for use in web.uses:
        size = _size(rule, use)
        package = web.package_of(use.importer)
        key = (package.folder if package is not None else "", use.package)
        if isinstance(use.statement, Dynamic) and not use.statement.required:
            if web.ships(use.importer):
                dynamic.add(key)
        elif size and web.loads_first(use.importer):
            static[key].append(use)
    for key, uses in static.items():
        yield from _package(web, rule, uses, key in dynamic)


def _size(rule: Rule, use: PackageUse) -> int:
    """kB, minified; 0 where the import is not known to be heavy."""
    sizes: dict[str, int] = rule.settings["kilobytes"]
    whole: dict[str, int] = rule.settings["whole_kilobytes"]
    specifier = use.specifier.removesuffix(".js")
    if specifier.endswith((".css", ".scss")):
        return 0
    statement = use.statement
    names = (
        {name.imported for name in statement.names if name.use != "type"} if isinstance(statement, Import) else set()
    )
    if names and names <= set(rule.settings["light_names"].get(use.specifier, ())):
        return 0
    if use.specifier in sizes or specifier in sizes:
        return sizes.get(use.specifier, sizes.get(specifier, 0))
    if specifier == use.package and specifier in whole and names & WHOLE:
        return whole[specifier]
    return 0


def _package(web: WebProgram, rule: Rule, uses: list[PackageUse], also_dynamic: bool) -> Iterator[Finding]:
    size = max(_size(rule, use) for use in uses)
    eager = [use for use in uses if not _on_event(use)]
    package = web.package_of(uses[0].importer)
    desktop = package is not None and bool(DESKTOP & package.dependencies)
    least = rule.settings["desktop_kb" if desktop else "first_load_kb"]
    if size < (least if eager or desktop else rule.settings["on_event_kb"]):
        return
    confidence: Confidence = "medium" if _splits(web, uses[0]) else "low"
    if also_dynamic and eager:
        confidence = "high"
        what = (
            f"This static import of `{uses[0].package}` (about {size} kB minified) puts it into the first load, so the "
            "dynamic imports of it elsewhere save nothing. Import it dynamically here too."
        )
    elif eager:
        what = (
            f"`{uses[0].package}` (about {size} kB minified) is part of the first load, whether or not the visitor "
            "gets to what needs it. Load the component that uses it with `lazy()`, or the package with `import()`."
        )
    else:
        what = (
            f"Only event handlers use `{uses[0].package}` (about {size} kB minified), yet the first load brings it. "
            "Import it in the handler: `await import(…)`."
        )
    ordered = sorted(eager or uses, key=lambda use: (len(web.chain(use.importer)), use.importer, use.statement.span))
    first, others = ordered[0], [use for use in uses if use is not ordered[0]]
    if not web.chain(first.importer) and not also_dynamic and eager:
        confidence = "low"
    yield rule.finding(
        Place(first.importer, first.statement.span),
        confidence=confidence,
        flow=_flow(web, first.importer),
        related=[Step(Place(use.importer, use.statement.span), "is on the first load as well") for use in others],
        what=what,
    )


def _on_event(use: PackageUse) -> bool:
    statement = use.statement
    if not isinstance(statement, Import) or not statement.names:
        return False
    return all(name.use != "value" for name in statement.names)


def _splits(web: WebProgram, use: PackageUse) -> bool:
    """Has the app anything to show besides its first page?"""
    package = web.package_of(use.importer)
    pages = [path for path in web.entries if path in web.first_load and web.package_of(path) == package]
    if len(pages) > 1:
        return True
    return any(
        facts.routes or any(call.wrapper or not call.required for call in facts.dynamic)
        for path, facts in web.modules.items()
        if web.ships(path) and web.package_of(path) == package
    )


def _flow(web: WebProgram, path: str) -> list[Step]:
    return [Step(Place(edge.importer, edge.span), f"imports {edge.path}") for edge in web.chain(path)]


def _defeated(web: WebProgram, rule: Rule) -> Iterator[Finding]:
    """Modules of the project that are imported dynamically although the first load holds them already."""
    for path in sorted(web.first_load):
        if path in web.entries:
            continue
        importers = [edge for edge in web.importers(path) if web.loads_first(edge.importer)]
        lazy = [edge for edge in importers if edge.dynamic]
        static = [edge for edge in importers if not edge.dynamic]
        if not lazy or not static or not _together(web, lazy, static):
            continue
        rest = web.first_load_without(static)
        gone = web.first_load - rest
        packages = web.packages_in(gone) - web.packages_in(rest)
        weight = web.lines(gone) + len(packages) * rule.settings["lines_of_package"]
        if path in gone and weight >= rule.settings["least_lines"]:
            yield _defeat(web, rule, path, lazy, static)


def _together(web: WebProgram, lazy: list[Edge], static: list[Edge]) -> bool:
    """In one chunk: pages of a file router are loaded apart from each other."""
    paged = any(kind in ("page", "server component") for kind in web.entries.values())
    return not paged or bool({edge.importer for edge in lazy} & {edge.importer for edge in static})


def _defeat(web: WebProgram, rule: Rule, path: str, lazy: list[Edge], static: list[Edge]) -> Finding:
    return rule.finding(
        Place(static[0].importer, static[0].span),
        confidence="high",
        flow=_flow(web, static[0].importer),
        related=[
            *(Step(Place(edge.importer, edge.span), "is a static import too") for edge in static[1:]),
            *(Step(Place(edge.importer, edge.span), "is the dynamic import that saves nothing") for edge in lazy),
        ],
        what=f"This static import of `{path}` puts it into the first load, so the dynamic import of it saves nothing. "
        "Move what is needed at once into a file of its own.",
    )
