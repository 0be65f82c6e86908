"""useMemo and useCallback whose value nobody compares, or which is cheaper to make than to keep."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place
from slowpath.model.react import HookValue
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.react import Fate

REASONS = {
    "cheap": "only reads or picks a value that exists already, which costs less than the comparison of dependencies",
    "unused": "is never used",
    "called": "is only read and called here, and nothing compares it",
    "host": "only goes to host elements, which do not compare it",
    "passed": "only goes through components that are not memoised, and nothing compares it on the way",
}


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    for path, facts in react.manual():
        for value in facts.hooks:
            fate = react.fate(path, value.passed)
            if fate == "matters":
                continue
            yield rule.finding(
                Place(path, value.span),
                function=value.owner,
                confidence=_confidence(value, fate),
                hook=value.hook,
                name=value.name,
                reason=REASONS[value.reason],
            )


def _confidence(value: HookValue, fate: Fate) -> Confidence | None:
    if fate == "unseen":
        return "low"
    return "medium" if value.reason in ("called", "passed") else None
