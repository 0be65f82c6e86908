"""A context provider whose value every render makes anew, so every consumer renders with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from slowpath.model.finding import CONFIDENCES, Confidence, Edit, Finding, Fix, Place, Step
from slowpath.model.react import Fresh, ProviderSite
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.react import ReactProgram

Rated = tuple[Confidence, ProviderSite]


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for path, facts in react.facts.items():
        found: dict[object, list[Rated]] = defaultdict(list)
        for site in facts.providers:
            context = react.resolve(path, site.context)
            if context in react.contexts and not react.compiles(path, site.owner):
                found[context].append((_confidence(react, rule, path, site), site))
        for sites in found.values():
            yield _finding(rule, path, sites)


def _finding(rule: Rule, path: str, sites: list[Rated]) -> Finding:
    """One for all providers of a context in a file, the surest first."""
    (confidence, site), *others = sorted(sites, key=lambda rated: -CONFIDENCES.index(rated[0]))
    return rule.finding(
        Place(path, site.fresh.span),
        function=site.owner,
        confidence=confidence,
        severity=None if confidence == "high" else "note",
        context=site.context,
        kind=_kind(site.fresh),
        fix=_fix(path, site),
        related=[
            Step(Place(path, other.fresh.span), f"so it does in `{other.owner}`")
            for sure, other in others
            if sure != "low" or confidence == "low"
        ],
    )


def _fix(path: str, site: ProviderSite) -> Fix | None:
    edits = tuple(Edit(Place(path, span), text) for span, text in site.kept)
    return Fix("Keep the value with useMemo", False, edits) if edits else None


def _kind(fresh: Fresh) -> str:
    return f"`{fresh.local}`, a new {fresh.kind}," if fresh.local else f"a new {fresh.kind}"


def _confidence(react: ReactProgram, rule: Rule, path: str, site: ProviderSite) -> Confidence:
    if site.stateless or (site.own_state and react.parents_rest((path, site.owner))):
        return "low"
    if site.inside and not any(_rests(react, rule, path, tag) for tag in site.inside):
        return "low"
    return "medium" if site.own_state else "high"


def _rests(react: ReactProgram, rule: Rule, path: str, tag: str) -> bool:
    """Does what a tag shows stay as it is when its parent renders again?"""
    target = react.resolve(path, tag)
    return target in react.memos or (isinstance(target, str) and tag in rule.settings["frames"])
