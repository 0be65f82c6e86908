"""Heavy packages that the first load brings, one finding each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.modules import Dynamic, Import
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import PackageUse, WebProgram
from slowpath.program.weights import kilobytes_of


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    static: dict[tuple[str, str], list[PackageUse]] = defaultdict(list)
    dynamic: set[tuple[str, str]] = set()
    listed = frozenset(rule.settings["packages"])
    for use in web.uses:
        key = (web.app_of(use.importer), use.package)
        if isinstance(use.statement, Dynamic) and not use.statement.required:
            if web.ships(use.importer):
                dynamic.add(key)
        elif _heavy(rule, use, listed) and web.loads_first(use.importer):
            static[key].append(use)
    for key, uses in static.items():
        if key not in dynamic or all(_on_event(use) for use in uses):
            yield from _package(web, rule, uses)


def _heavy(rule: Rule, use: PackageUse, listed: frozenset[str]) -> bool:
    if not listed & {use.specifier, use.specifier.removesuffix(".js")}:
        return False
    statement = use.statement
    names = {n.imported for n in statement.names if n.use != "type"} if isinstance(statement, Import) else set()
    return not names or not names <= set(rule.settings["light_names"].get(use.specifier, ()))


def _package(web: WebProgram, rule: Rule, uses: list[PackageUse]) -> Iterator[Finding]:
    kilobytes = kilobytes_of(uses)
    eager = [use for use in uses if not _on_event(use)]
    desktop = web.on_disk(uses[0].importer)
    least = rule.settings["desktop_kb" if desktop else "first_load_kb"]
    if kilobytes < (least if eager or desktop else rule.settings["on_event_kb"]):
        return
    confidence: Confidence = "medium" if _splits(web, uses[0]) else "low"
    name = f"`{uses[0].package}` (about {kilobytes:.0f} kB minified)"
    if eager:
        instead = rule.settings["instead"].get(
            uses[0].specifier, "Load the component that uses it with `lazy()`, or the package with `import()`."
        )
        what = f"{name} is part of the first load, whether or not the visitor gets to what needs it. {instead}"
    else:
        what = (
            f"Only event handlers use {name}, yet the first load brings it. "
            "Import it in the handler: `await import(…)`."
        )
    ordered = sorted(eager or uses, key=lambda use: web.distance(use.importer, use.statement.span))
    first, others = ordered[0], [use for use in uses if use is not ordered[0]]
    yield rule.finding(
        Place(first.importer, first.statement.span),
        confidence="low" if eager and not web.chain(first.importer) else confidence,
        flow=web.proof(first.importer),
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
