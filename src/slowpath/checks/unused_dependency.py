"""A dependency that no compiled file of its package names, or that only tests name.

What speaks for a use without a name keeps it quiet: features that it switches on, `[features]`, optional entries, known
macros that expand to it, generated code, a library that may go by another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from slowpath.model.finding import Confidence, Edit, Finding, Fix, Step
from slowpath.model.rule import Rule
from slowpath.program import Program, manifest_edits, savings
from slowpath.program.cargo import Entry, Package, Use

WHERE = {"normal": "the package", "dev": "its tests, benches and examples", "build": "its build script"}


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per dependency, at its entry."""
    for package in program.cargo.packages.values():
        if package.code:
            for entry in package.entries:
                yield from judged(entry, rule)


def judged(entry: Entry, rule: Rule) -> Iterator[Finding]:
    """What is wrong with one entry."""
    if excused(entry, rule):
        return
    uses = [use for name in names(entry, rule) for use in entry.package.uses.get(name, ())]
    scope = entry.declared.scope
    reached = [use for use in uses if scope == "dev" or (use.role == "build") == (scope == "build")]
    if scope == "normal" and reached and all(use.role == "dev" for use in reached):
        yield misplaced(entry, reached, rule)
    if reached or expanded(entry, rule) or renamed(entry) or (scope == "dev" and twin(entry)):
        return
    sure = sureness(entry, rule)
    yield rule.finding(
        entry.place,
        confidence=sure,
        fix=fix(f"Drop `{entry.declared.key}`", sure, manifest_edits.dropped(entry)),
        dependency=entry.declared.key,
        problem=f"No code of {WHERE[scope]} names `{entry.declared.key}`, so it is compiled for nothing",
        advice="drop it",
        saves=savings.dropped(entry),
    )


def misplaced(entry: Entry, uses: list[Use], rule: Rule) -> Finding:
    """A dependency of the product that only its tests need."""
    first: dict[str, Use] = {}
    for use in uses:
        first.setdefault(use.place.path, use)
    sure: Confidence = "low" if entry.package.unread else "medium"
    return rule.finding(
        entry.place,
        confidence=sure,
        fix=fix(f"Move `{entry.declared.key}` to [dev-dependencies]", sure, manifest_edits.moved(entry, "dev")),
        related=[Step(use.place, f"a test needs `{use.path}`") for use in list(first.values())[:5]],
        dependency=entry.declared.key,
        problem=f"Only tests name `{entry.declared.key}`, yet each build of the product compiles it",
        advice="move it to [dev-dependencies]",
        saves=savings.moved(entry),
    )


def fix(title: str, sure: Confidence, edits: tuple[Edit, ...]) -> Fix | None:
    """The manifest without the entry here; nothing where it cannot be edited."""
    return Fix(title, sure == "high", edits) if edits else None


def names(entry: Entry, rule: Rule) -> set[str]:
    """The names that code may know the library by."""
    if entry.renamed or entry.local:
        return {entry.name}
    known = rule.settings["libraries"].get(entry.registered)
    return {entry.name, known} if known else {entry.name, *guesses(entry.registered)}


def guesses(registered: str) -> Iterator[str]:
    """`rust-x`, `x-rs` and the like are often `x` in code."""
    plain = registered.lower().replace("-", "_")
    for affix in ("rust_", "rs_"):
        yield plain.removeprefix(affix)
    for affix in ("_rs", "_rust"):
        yield plain.removesuffix(affix)


def excused(entry: Entry, rule: Rule) -> bool:
    """The entry may be there for something else than its name in code."""
    package, declared = entry.package, entry.declared
    root = package.workspace.manifest
    ignored = {*package.manifest.ignored, *(root.ignored if root else ())}
    if declared.optional or {declared.key, entry.registered, entry.name} & ignored:
        return True
    if any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["unnamed"]):
        return True
    return switched(package, declared.key) or switches(entry, rule)


def switched(package: Package, key: str) -> bool:
    """`[features]` speaks of the dependency."""
    return any(
        part.removeprefix("dep:").replace("?", "").split("/")[0] == key
        for parts in package.manifest.features.values()
        for part in parts
    )


def switches(entry: Entry, rule: Rule) -> bool:
    """It may be kept to switch features on for another crate that depends on it too."""
    features = set(entry.declared.features)
    if entry.shared and len(entry.package.workspace.entries(entry.registered)) == 1:
        features.update(entry.shared.features)
    if not features:
        return False
    lock = entry.package.workspace.lock
    if lock is not None and entry.registered in lock.by_name:
        return any(lock.dependants(entry.registered))
    return not any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["roots"])


def expanded(entry: Entry, rule: Rule) -> bool:
    """A macro of another crate may expand to its name."""
    package = entry.package
    makers = rule.settings["expands"].get(entry.registered, ())
    if any(other.registered in makers for other in package.entries):
        return True
    local = [other.local for other in package.entries if other.local and entry.name in other.local.uses]
    return any(maker.manifest.proc_macro or maker.says("macro_rules") for maker in local)


def twin(entry: Entry) -> bool:
    """The package depends on it in another table as well: listed twice, compiled once."""
    return any(o.registered == entry.registered and o.declared.scope == "normal" for o in entry.package.entries)


def renamed(entry: Entry) -> bool:
    """The code uses a crate that no entry explains, and whose name is part of this one's."""
    package = entry.package
    if entry.local or entry.renamed:
        return False
    known = {other.name for other in package.entries} | package.modules | {package.library}
    parts = entry.registered.lower().replace("_", "-").split("-")
    for root in package.uses.keys() - known:
        if package.says(root):
            continue  # also the end of some path, so perhaps a name that an import brought in
        if root.replace("_", "") == "".join(parts) or (len(root) > 1 and root in parts):
            return True
    return False


def sureness(entry: Entry, rule: Rule) -> Confidence:
    """High where not even the word occurs; low where code that cannot be read may use it."""
    package = entry.package
    written = any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["generated"])
    if package.unread or (package.generated and entry.declared.scope == "normal") or (package.gaps and written):
        return "low"
    return "medium" if package.gaps or package.says(entry.name) or entry.declared.target else "high"
