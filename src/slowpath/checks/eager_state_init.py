"""useState whose first value is worked out by every render, and thrown away by all but the first."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Edit, Finding, Fix, Place
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for path, facts in react.facts.items():
        for state in facts.states:
            if state.calls and react.resolve(path, state.calls) not in react.working:
                continue
            start, end = state.span
            edits = (Edit(Place(path, (start, start)), "() => ("), Edit(Place(path, (end, end)), ")"))
            yield rule.finding(
                Place(path, state.span),
                function=state.owner,
                severity="note" if state.work.startswith(".") else None,
                confidence="medium" if state.calls or state.work.startswith(".") else None,
                fix=Fix("Work it out for the first render only", state.pure, edits) if state.movable else None,
                work=state.work,
            )
