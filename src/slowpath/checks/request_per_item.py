"""A request per element of a list, to an endpoint whose cost cannot be seen here."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop or list; loops that wait belong to await-in-loop."""
    for each in program.fan_outs.all:
        if each.answer is not None or each.waits:
            continue
        shape = "component" if each.component else "loop"
        yield rule.finding(
            each.place,
            function=each.function,
            confidence=weakest(rule.confidence, each.sure),
            flow=list(each.steps),
            shape=rule.settings[shape].format(component=each.component),
            request=each.sent,
        )
