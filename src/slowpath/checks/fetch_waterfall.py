"""A child's query that starts only after the parent's data came, although it needs nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.react import Gate, GatedChild, HookCall
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.react import ReactProgram


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    packages, named = frozenset(rule.settings["packages"]), frozenset(rule.settings["hooks"])
    queries = react.query_calls(packages, named)
    for path, facts in react.facts.items():
        for gate in facts.gates:
            own = {call for call in queries.get((path, gate.owner), ()) if call.span == gate.span}
            if not own or any(word in gate.callee.lower() for word in rule.settings["barriers"]):
                continue
            late = [(child, *found) for child in gate.children for found in _queries(react, path, gate, child, queries)]
            if late:
                yield _finding(rule, path, gate, late)


def _queries(
    react: ReactProgram, path: str, gate: Gate, child: GatedChild, queries: dict[tuple[str, str], list[HookCall]]
) -> Iterator[tuple[str, HookCall]]:
    """The child's queries whose parameters are all there before the parent's data."""
    target = react.resolve(path, child.tag)
    if not isinstance(target, tuple):
        return
    for call in queries.get(target, ()):
        same = react.resolve(target[0], call.callee) == react.resolve(path, gate.callee)
        if not same and not set(call.reads).isdisjoint(child.steady) and set(call.reads).isdisjoint(child.tied):
            yield target[0], call


def _finding(rule: Rule, path: str, gate: Gate, late: list[tuple[GatedChild, str, HookCall]]) -> Finding:
    child, _, query = late[0]
    steps = [
        step
        for child, there, query in late
        for step in (
            Step(Place(path, child.span), f"`{child.tag}` is shown once `{gate.callee}` has its data"),
            Step(Place(there, query.span), f"only then `{query.callee}` starts"),
        )
    ]
    return rule.finding(
        Place(path, gate.span),
        function=gate.owner,
        parent=gate.callee,
        child=child.tag,
        query=query.callee,
        flow=steps[:2],
        related=steps[2:],
    )
