"""Features of a dependency that no code of the packages concerned can need.

The page's tables say what code of each feature looks like; a feature without an entry is never judged. Paths are asked
of the packages that get the feature, words and crate names of the whole workspace, since re-exports carry types around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.cargo import Entry, Package, Use, Workspace

SHOWN = 8


class Knowledge(NamedTuple):
    """What the page knows of one crate."""

    crate: str
    evidence: Mapping[str, list[str]]
    aggregates: Mapping[str, list[str]]
    """Features that only stand for others."""
    implied: Mapping[str, list[str]]
    cheap: frozenset[str]
    """Not worth a finding of their own."""
    together: list[list[str]]
    """Alternatives: where the code shows none of them, it does not show which it needs."""
    instead: Mapping[str, str]


class Declaration(NamedTuple):
    """One list of features: of a member, or of `[workspace.dependencies]` for all that inherit it."""

    place: Place
    features: tuple[str, ...]
    users: list[Entry]


Needs = dict[str, Use | None]
"""Needed features, each with one use that shows it."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per list of features, at the dependency."""
    for workspace in program.cargo.workspaces:
        for crate in rule.settings["crates"]:
            entries = [entry for entry in workspace.entries(crate) if entry.declared.scope == "normal"]
            known = knowledge(crate, rule) if entries else None
            for declaration in declarations(entries):
                if known:
                    yield from judged(declaration, workspace, known, rule)


def knowledge(crate: str, rule: Rule) -> Knowledge:
    """The page's tables for one crate."""
    own = rule.settings["crates"][crate]
    more = rule.settings["more"].get(crate, {})
    return Knowledge(
        crate,
        own,
        more.get("aggregates", {}),
        more.get("implied", {}),
        frozenset(more.get("cheap", ())),
        more.get("together", []),
        more.get("instead", {}),
    )


def declarations(entries: list[Entry]) -> Iterator[Declaration]:
    """Where features are listed."""
    for entry in entries:
        if entry.declared.features:
            yield Declaration(entry.place, entry.declared.features, [entry])
    shared = {entry.shared: entry for entry in entries if entry.shared and entry.shared.features}
    for dependency, entry in shared.items():
        users = [other for other in entries if other.shared == dependency]
        place = Place(entry.package.workspace.path, dependency.span)
        yield Declaration(place, dependency.features, users)


def judged(declaration: Declaration, workspace: Workspace, known: Knowledge, rule: Rule) -> Iterator[Finding]:
    """What a list switches on for nothing."""
    uses = [use for entry in declaration.users for use in reachable(entry)]
    if not uses or any(use.bare for use in uses):
        return
    needs = needed(uses, workspace, known)
    for entry in workspace.entries(known.crate):
        if entry not in declaration.users:
            own = needed(reachable(entry), workspace, known)
            covered = expand(features_of(entry), known)
            covered += [part for name in covered for part in known.implied.get(name, ())]
            needs = {name: use for name, use in own.items() if name not in covered} | needs
    for feature in list(needs):
        needs |= {part: None for part in known.implied.get(feature, ()) if part not in needs}
    on = expand(declaration.features, known)
    dropped = [
        name for name in on if name in known.evidence and name not in needs and not undecided(name, needs, known)
    ]
    if set(dropped) - known.cheap:
        yield finding(declaration, dropped, needs, on, known, rule)


def finding(
    declaration: Declaration, dropped: list[str], needs: Needs, on: list[str], known: Knowledge, rule: Rule
) -> Finding:
    """The finding of one list: what goes, what stays, and the code that each staying feature has."""
    stays = [name for name in on if name in needs or (name in declaration.features and name not in dropped)]
    stays += [known.instead[name] for name in dropped if name in known.instead and known.instead[name] not in stays]
    witnesses = [(name, use) for name in stays if (use := needs.get(name))]
    aggregate = next((name for name in declaration.features if name in known.aggregates), "")
    generated = any(entry.package.generated or entry.package.gaps for entry in declaration.users)
    unread = any(entry.package.unread for entry in declaration.users)
    what = listing(dropped)
    return rule.finding(
        declaration.place,
        confidence="low" if unread else "medium" if generated else "high",
        related=[Step(use.place, f"`{use.path}` needs `{name}`") for name, use in witnesses[:SHOWN]],
        what=f"`{aggregate}` of `{known.crate}` switches on {what}" if aggregate else f"`{known.crate}` has {what} on",
        advice=f"leave `features = [{', '.join(quoted(stays))}]`" if stays else "drop the list of features",
    )


def listing(names: list[str]) -> str:
    """`a`, `b` and `c`."""
    shown = [f"`{name}`" for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def quoted(names: Iterable[str]) -> list[str]:
    return [f'"{name}"' for name in names]


def features_of(entry: Entry) -> tuple[str, ...]:
    """All features that an entry asks for."""
    return (*entry.declared.features, *(entry.shared.features if entry.shared else ()))


def expand(features: Iterable[str], known: Knowledge) -> list[str]:
    """The features with those that they stand for, in order."""
    found: list[str] = []
    for name in features:
        for part in known.aggregates.get(name, [name]):
            if part not in found:
                found.append(part)
    return found


def reachable(entry: Entry) -> list[Use]:
    """Where code names the crate: the package's own, and that of the project's macros which expand in it."""
    local = [other.local for other in entry.package.entries if other.local]
    packages = [entry.package, *(other for other in local if other.manifest.proc_macro or other.says("macro_rules"))]
    return [use for package in packages for use in package.uses.get(entry.name, ())]


def needed(uses: list[Use], workspace: Workspace, known: Knowledge) -> Needs:
    """The features that the code shows a need of."""
    needs: Needs = {}
    for feature, signs in known.evidence.items():
        for sign in signs:
            found, use = shows(sign, uses, workspace.packages)
            if found:
                needs[feature] = use
                break
    return needs


def shows(sign: str, uses: list[Use], packages: list[Package]) -> tuple[bool, Use | None]:
    """Whether code has a sign: a path below the crate, `.word` (`.Word*` by its start), or `@crate`."""
    if sign[0] == ".":
        word = f" {sign[1:-1]}" if sign[-1] == "*" else f" {sign[1:]} "
        return any(word in code.mentions.words for package in packages for code in package.code), None
    if sign[0] == "@":
        return any(sign[1:] in package.uses for package in packages), None
    for use in uses:
        below = use.path.partition("::")[2]
        if below == sign or below.startswith(f"{sign}::"):
            return True, use
        if below.endswith("::*") and sign.startswith(below[:-1]):
            return True, use
    return False, None


def undecided(feature: str, needs: Needs, known: Knowledge) -> bool:
    """One of several alternatives of which the code shows none."""
    return any(feature in group and not needs.keys() & set(group) for group in known.together)
