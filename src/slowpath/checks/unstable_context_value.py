"""A context provider whose value every render makes anew, so every consumer renders with it."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for path, facts in react.manual():
        for site in facts.providers:
            if react.resolve(path, site.context) not in react.contexts:
                continue
            fresh = site.fresh
            rests = site.stateless or (site.own_state and react.parents_rest((path, site.owner)))
            yield rule.finding(
                Place(path, fresh.span),
                function=site.owner,
                confidence="low" if rests else "medium" if site.own_state else None,
                context=site.context,
                kind=f"`{fresh.local}`, a new {fresh.kind}," if fresh.local else f"a new {fresh.kind}",
            )
