"""A dependency that no compiled file of its package names, or that only tests name.

What speaks for a use without a name keeps it quiet: features that it switches on, `[features]`, optional entries, known
macros that expand to it, generated code, a library that may go by another name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from slowpath.model.cargo import Scope
from slowpath.model.finding import Confidence, Edit, Finding, Fix, Step
from slowpath.model.rule import Rule
from slowpath.program import Program, manifest_edits, savings
from slowpath.program.cargo import Entry, Package, Use

NOWHERE = re.compile(r"cfg\(\s*(?:any\(\s*\)|false)\s*\)")
TELLING = 4
"""From this length on a name within another one is no coincidence."""
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
    package, scope = entry.package, entry.declared.scope
    uses = named(entry, package, rule)
    reached = [use for use in uses if scope == "dev" or (use.role == "build") == (scope == "build")]
    if scope == "normal" and reached and all(use.role == "dev" for use in reached):
        yield misplaced(entry, reached, rule)
    if reached or (package.lint and scope != "dev"):
        return
    if expanded(entry, rule) or renamed(entry) or (scope == "dev" and twin(entry, "normal")):
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
    key = entry.declared.key
    if twin(entry, "dev"):
        advice, edits = (
            "drop it: [dev-dependencies] has it too",
            fix(f"Drop `{key}`", sure, manifest_edits.dropped(entry)),
        )
    else:
        advice = "move it to [dev-dependencies]"
        edits = fix(f"Move `{key}` to [dev-dependencies]", sure, manifest_edits.moved(entry, "dev"))
    return rule.finding(
        entry.place,
        confidence=sure,
        fix=edits,
        related=[Step(use.place, f"a test needs `{use.path}`") for use in list(first.values())[:5]],
        dependency=key,
        problem=f"Only tests name `{key}`, yet each build of the product compiles it",
        advice=advice,
        saves=savings.moved(entry),
    )


def fix(title: str, sure: Confidence, edits: tuple[Edit, ...]) -> Fix | None:
    """The manifest without the entry here; nothing where it cannot be edited."""
    return Fix(title, sure == "high", edits) if edits else None


def named(entry: Entry, package: Package, rule: Rule) -> list[Use]:
    """Where a package's code names the library."""
    return [use for name in names(entry, rule) for use in package.uses.get(name, ())]


def names(entry: Entry, rule: Rule) -> set[str]:
    """The names that code may know the library by."""
    if entry.renamed or entry.local:
        return {entry.name}
    root = entry.package.workspace.manifest
    said = {**(root.libraries if root else {}), **entry.package.manifest.libraries}
    known = said.get(entry.registered) or rule.settings["libraries"].get(entry.registered)
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
    if declared.workspace and not entry.shared:
        return True  # the workspace's manifest was not read
    root = package.workspace.manifest
    ignored = {*package.manifest.ignored, *(root.ignored if root else ())}
    if declared.optional or {declared.key, entry.registered, entry.name} & ignored or package.lint == "allow":
        return True
    if any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["unnamed"]):
        return True
    return declared.key in package.switched or pins(entry) or switches(entry, rule)


def pins(entry: Entry) -> bool:
    """It holds the version of what others depend on: in a table that nothing compiles, or as `=1.2.3` or `<2`."""
    return NOWHERE.fullmatch(entry.declared.target) is not None or "<" in entry.version or entry.version[:1] == "="


def switches(entry: Entry, rule: Rule) -> bool:
    """It may be kept to switch features on for another crate that depends on it too."""
    own = set(entry.declared.features)
    members = entry.package.workspace.entries(entry.registered)
    shared = set(entry.shared.features) if entry.shared and len(members) == 1 else set()
    if not own | shared:
        return False
    lock = entry.package.workspace.lock
    if lock is not None and entry.registered in lock.by_name:
        below = any(o.package in entry.package.below for o in members if o.package is not entry.package)
        if not below and not lock.dependants(entry.registered):
            return False
    elif any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["roots"]):
        return False
    others = (other for other in members if stays(other, entry, rule))
    return not own or not any(own <= asked(other) for other in others if other.package in entry.package.below)


def stays(other: Entry, entry: Entry, rule: Rule) -> bool:
    """Whether another package's entry is there for its code."""
    return (
        other.package is not entry.package
        and other.declared.scope == "normal"
        and not other.optional
        and any(use.role == "normal" for use in named(other, other.package, rule))
    )


def asked(entry: Entry) -> set[str]:
    """The features that an entry switches on."""
    return {*entry.declared.features, *(entry.shared.features if entry.shared else ())}


def expanded(entry: Entry, rule: Rule) -> bool:
    """A macro of another crate may expand to its name."""
    package = entry.package
    makers = rule.settings["expands"].get(entry.registered, ())
    if makers and any(other.registered in makers for other in package.entries):
        return True
    if any(package.says(f"#{derive}") for derive in rule.settings["derives"].get(entry.registered, ())):
        return True
    return any(other.writes(entry.name) for other in package.below if other is not package)


def twin(entry: Entry, scope: Scope) -> bool:
    """The package depends on it in that table as well."""
    return any(
        other.registered == entry.registered and other.declared.scope == scope and other.declared is not entry.declared
        for other in entry.package.entries
    )


def renamed(entry: Entry) -> bool:
    """The code uses a crate that no entry explains, and whose name is part of this one's."""
    package = entry.package
    if entry.local or entry.renamed:
        return False
    parts = entry.registered.lower().replace("_", "-").split("-")
    joined = "".join(parts)
    for root in package.unexplained:
        if package.says(root):
            continue  # also the end of some path, so perhaps a name that an import brought in
        plain = root.replace("_", "")
        if (len(root) > 1 and root in parts) or (len(plain) >= TELLING and plain in joined) or plain == joined:
            return True
    return False


def sureness(entry: Entry, rule: Rule) -> Confidence:
    """High where not even the word occurs; low where code that cannot be read may use it."""
    package = entry.package
    written = any(fnmatchcase(entry.registered, pattern) for pattern in rule.settings["generated"])
    if package.unread or (package.generated and entry.declared.scope == "normal") or (package.gaps and written):
        return "low"
    return "medium" if package.gaps or package.says(entry.name) or entry.declared.target else "high"
