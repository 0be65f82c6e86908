"""memo() around a component that renders as quickly as its props are compared."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for key, memo in react.memos.items():
        if memo.wrapper != "memo" or memo.comparator or not memo.tiny:
            continue
        sites = react.sites(key)
        if any(site.looped or site.fresh for _, site in sites):
            continue
        name = memo.name if memo.name != "default" else sites[0][1].tag if sites else "The component"
        yield rule.finding(Place(key[0], memo.span), function=name)
