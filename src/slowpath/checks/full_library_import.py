"""Libraries that a bundler keeps whole because of how they are imported: one finding per library and app."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from slowpath.model.finding import Edit, Finding, Fix, Place, Step
from slowpath.model.modules import Import, ImportedName
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import PackageUse, WebProgram
from slowpath.program.weights import SUBPATH, parts, sizes

TYPESCRIPT = re.compile(r"\.[cm]?tsx?$")


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    web = program.web
    found: dict[tuple[str, str], list[PackageUse]] = defaultdict(list)
    for use in web.uses:
        if web.ships(use.importer) and _whole(rule, use) and not _rewritten(web, rule, use):
            found[web.app_of(use.importer), use.specifier].append(use)
    for (folder, specifier), uses in found.items():
        ordered = sorted(uses, key=lambda u: (not web.loads_first(u.importer), u.importer, u.statement.span))
        kilobytes = sizes()[specifier].kb - _needed(uses, specifier)
        if kilobytes >= rule.settings["least_kb"]:
            yield _finding(web, rule, folder, ordered, kilobytes)


def _rewritten(web: WebProgram, rule: Rule, use: PackageUse) -> bool:
    """Does the app's build turn the import into those of the parts?"""
    package = web.package_of(use.importer)
    dependencies = package.dependencies if package is not None else frozenset()
    if dependencies & set(rule.settings["plugins"]):
        return True
    single = all(name.imported not in ("*", "default") for name in _names(use))
    return single and any(use.specifier in rule.settings["frameworks"].get(name, ()) for name in dependencies)


def _whole(rule: Rule, use: PackageUse) -> bool:
    if use.specifier in rule.settings["slim"]:
        return isinstance(use.statement, Import)
    size = sizes().get(use.specifier)
    if size is None or size.first is None or not isinstance(use.statement, Import):
        return False
    packs = rule.settings["packs"].get(use.specifier, ())
    return any(
        (name.imported == "*" and name.members is None and name.use != "type") or name.imported in packs
        for name in use.statement.names
    )


def _names(use: PackageUse) -> list[ImportedName]:
    return [name for name in use.statement.names if name.use != "type"] if isinstance(use.statement, Import) else []


def _needed(uses: list[PackageUse], specifier: str) -> float:
    """kB that importing the parts in use would still bring; one part where nobody can tell which."""
    size = sizes()[specifier]
    used = {part for use in uses for name in _names(use) for part in _parts(name)}
    return size.first if size.first is not None else size.kb * SUBPATH * min(len(used), 1 / SUBPATH)


def _parts(name: ImportedName) -> list[str]:
    if name.imported == "default" and name.members is not None:
        return [member.name for member in name.members]
    return parts(name)


def _finding(web: WebProgram, rule: Rule, folder: str, uses: list[PackageUse], kilobytes: float) -> Finding:
    first = uses[0]
    specifier = first.specifier
    slim = rule.settings["slim"].get(specifier, "")
    runtime = any(name.imported == "*" and name.members is None for use in uses for name in _names(use))
    if slim:
        why = "is no ES module, so bundlers keep all of it"
        instead = f"Import what is used from its own file, as in `{slim.format(name='…')}`."
    elif runtime:
        why = "is kept whole, because which of its exports is used is only known at run time"
        instead = "List the exports that can be meant in an object, or load the library with `import()`."
    else:
        why = "is kept whole, because the name stands for all of it"
        instead = "Import the single exports that are used."
    edits = [edit for use in uses for edit in _edits(rule, use, slim)] if slim else []
    fixable = bool(edits) and all(_edits(rule, use, slim) for use in uses) and _only_statements(web, folder, specifier)
    safe = any(name.imported == "default" for use in uses for name in _names(use)) or _interop(web, folder)
    return rule.finding(
        Place(first.importer, first.statement.span),
        flow=web.proof(first.importer),
        related=[Step(Place(u.importer, u.statement.span), "imports it whole as well") for u in uses[1:]],
        fix=Fix(f"import the parts of `{specifier}` that are used", safe, tuple(edits)) if fixable else None,
        name=specifier,
        kilobytes=f"{kilobytes:.0f}",
        why=why,
        instead=instead,
    )


def _only_statements(web: WebProgram, folder: str, specifier: str) -> bool:
    """Does nothing else in the app bring the library whole?"""
    return all(
        isinstance(use.statement, Import) and use.statement.names
        for use in web.uses
        if use.specifier == specifier and web.ships(use.importer) and web.app_of(use.importer) == folder
    )


def _interop(web: WebProgram, folder: str) -> bool:
    """Does the app take CommonJS modules as default exports already?"""
    return any(
        use.specifier == "react" and any(name.imported == "default" for name in _names(use))
        for use in web.uses
        if web.app_of(use.importer) == folder
    )


def _edits(rule: Rule, use: PackageUse, slim: str) -> list[Edit]:
    """What turns one import into imports of the parts; nothing where that might change more."""
    statement = use.statement
    if not isinstance(statement, Import) or not statement.names:
        return []
    lines: dict[str, None] = {}
    edits: list[Edit] = []
    for name in _names(use):
        if name.imported in ("*", "default"):
            if name.members is None or name.in_types or not all(member.unique for member in name.members):
                return []
            wanted = [(member.name, member.name) for member in name.members]
            edits += [Edit(Place(use.importer, member.span), member.name) for member in name.members]
        else:
            wanted = [(name.imported, name.local)]
        for imported, local in wanted:
            if not imported.isidentifier() or imported in rule.settings["whole_only"]:
                return []
            lines[f'import {local} from "{slim.format(name=imported)}";'] = None
    typed = [name for name in statement.names if name.use == "type"]
    if typed:
        if not TYPESCRIPT.search(use.importer) or any(name.imported in ("*", "default") for name in typed):
            return []
        words = (n.imported if n.imported == n.local else f"{n.imported} as {n.local}" for n in typed)
        lines[f'import type {{ {", ".join(words)} }} from "{use.specifier}";'] = None
    return [Edit(Place(use.importer, statement.span), "\n".join(lines)), *edits]
