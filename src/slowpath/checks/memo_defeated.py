"""A memo() component that gets a prop which every render makes anew, so the memo never holds."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.react import Fresh, Memo, Site
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    shallow = frozenset(rule.settings["shallow"])
    for key, memo in react.memos.items():
        if memo.wrapper != "memo" or (memo.comparator and memo.comparator not in shallow):
            continue
        sites = [(path, site) for path, site in react.sites(key) if site.owner]
        defeated = [(path, site) for path, site in sites if site.fresh and not react.compiles(path, site.owner)]
        if len(sites) > 1 and len(defeated) == len(sites):
            yield _everywhere(rule, key[0], memo, defeated)
        else:
            for path, site in defeated:
                yield _once(rule, path, site, Step(Place(key[0], memo.span), f"`{site.tag}` is memoised here"))


def _once(rule: Rule, path: str, site: Site, wrapper: Step) -> Finding:
    first, *others = sorted(site.fresh, key=lambda fresh: (fresh.sometimes, fresh.span))
    return rule.finding(
        Place(path, first.span),
        function=site.owner,
        confidence="medium" if first.sometimes else None,
        what=f"`{first.name}` gets {_value(first)} on every render",
        tag=site.tag,
        related=[wrapper, *(_step(path, site, fresh) for fresh in others)],
    )


def _everywhere(rule: Rule, path: str, memo: Memo, defeated: list[tuple[str, Site]]) -> Finding:
    certain = any(not fresh.sometimes for _, site in defeated for fresh in site.fresh)
    return rule.finding(
        Place(path, memo.span),
        function=memo.name if memo.name != "default" else defeated[0][1].tag,
        confidence=None if certain else "medium",
        what=f"each of its {len(defeated)} call sites hands over a value made anew by every render",
        tag=defeated[0][1].tag,
        related=[_step(there, site, fresh) for there, site in defeated for fresh in site.fresh],
    )


def _step(path: str, site: Site, fresh: Fresh) -> Step:
    return Step(Place(path, fresh.span), f"`{fresh.name}` of `{site.tag}` gets {_value(fresh)}")


def _value(fresh: Fresh) -> str:
    made = "new children" if fresh.kind == "children" else f"a new {fresh.kind}"
    return f"{made} (`{fresh.local}`)" if fresh.local else made
