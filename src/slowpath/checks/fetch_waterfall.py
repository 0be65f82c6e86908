"""A child's query that starts only after the parent's data came, although it needs nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.react import HookCall
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.renders import Late, Renders


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react = program.react
    queries = react.query_calls(frozenset(rule.settings["packages"]), frozenset(rule.settings["hooks"]))
    renders = Renders(react, queries, react.pages, rule.settings["clicked"])
    for (path, _), calls in queries.items():
        for gate in calls:
            if any(word in gate.callee.lower() for word in rule.settings["barriers"]):
                continue
            asked = react.resolve(path, gate.callee)
            late = [
                one
                for one in renders.behind(path, gate)
                if isinstance(asked, str) or react.resolve(one.there, one.call.callee) != asked
            ]
            if late:
                yield _finding(rule, path, gate, list(dict.fromkeys(late)))


def _finding(rule: Rule, path: str, gate: HookCall, late: list[Late]) -> Finding:
    first = late[0]
    steps = [
        step
        for one in late[:5]
        for step in (
            Step(Place(one.path, one.shown.span), f"`{one.shown.tag}` is shown once `{gate.callee}` has its data"),
            Step(Place(one.there, one.call.span), f"only then `{one.call.callee}` starts"),
        )
    ]
    return rule.finding(
        Place(path, gate.span),
        function=gate.owner,
        parent=gate.callee,
        child=first.shown.tag,
        query=first.call.callee,
        flow=steps[:2],
        related=steps[2:],
    )
