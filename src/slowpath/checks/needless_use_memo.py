"""useMemo and useCallback whose value nobody compares, or which is cheaper to make than to keep."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Edit, Finding, Fix, Place
from slowpath.model.react import HookValue, ReactFacts
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.react import Fate

REASONS = {
    "cheap": "only reads a value or works out a small one, which costs less than the comparison of dependencies",
    "unused": "is never used",
    "called": "is only read and called here, and nothing compares it",
    "host": "only goes to host elements, which do not compare it",
    "passed": "only goes through components that are not memoised, and nothing compares it on the way",
}
MAX_TOGETHER = 50
"""Hooks that one fix takes out with their import; a file with more of them is left to its owner."""
COMPILED = " (and React Compiler would keep it by itself)"
Found = tuple[HookValue, Confidence | None]


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    plain = frozenset(rule.settings["plain"])
    for path, facts in react.facts.items():
        found: list[Found] = []
        for value in facts.hooks:
            fate = react.fate(path, value.passed, plain)
            if fate != "matters":
                found.append((value, _confidence(value, fate)))
        fixable = [value for value, confidence in found if confidence != "low" and _fixable(path, value)]
        alike = {hook: [value for value in fixable if value.hook == hook] for hook in ("useCallback", "useMemo")}
        for value, confidence in found:
            compiled = react.compiles(path, value.owner)
            yield rule.finding(
                Place(path, value.span),
                function=value.owner,
                confidence=confidence,
                fix=_fix(path, value, facts, alike[value.hook]) if not compiled else None,
                hook=value.hook,
                name=value.name,
                reason=REASONS[value.reason] + (COMPILED if compiled else ""),
            )


def _confidence(value: HookValue, fate: Fate) -> Confidence | None:
    if fate == "unseen":
        return "low"
    return "medium" if value.reason in ("called", "passed") else None


def _fix(path: str, value: HookValue, facts: ReactFacts, others: list[HookValue]) -> Fix | None:
    """The plain value in place of the hook. With the last use of the hook goes its import, so they go together."""
    if not _fixable(path, value):
        return None
    title = f"Use the plain {'function' if value.hook == 'useCallback' else 'value'}"
    safe = _safe(value)
    for given in facts.hook_imports:
        if given.name == value.hook and given.uses <= len(others):
            if len(others) > MAX_TOGETHER:
                return None
            together = [other for other in others if _safe(other)] if safe else others
            if given.uses <= len(together):
                edits = [edit for other in together for edit in _edits(path, other)]
                return Fix(title, safe, (*edits, Edit(Place(path, given.span), "")))
    return Fix(title, safe, tuple(_edits(path, value)))


def _fixable(path: str, value: HookValue) -> bool:
    typed = posixpath.splitext(path)[1] in (".ts", ".tsx", ".mts", ".cts")
    return value.keep != (0, 0) and not (typed and value.untyped)


def _safe(value: HookValue) -> bool:
    return value.same and value.reason != "passed"


def _edits(path: str, value: HookValue) -> Iterator[Edit]:
    opening, closing = ("(", ")") if value.wrapped else ("", "")
    yield Edit(Place(path, (value.span[0], value.keep[0])), opening)
    yield Edit(Place(path, (value.keep[1], value.span[1])), closing)
