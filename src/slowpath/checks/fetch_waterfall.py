"""A query that starts only after another has answered, although it needs nothing of that answer.

It stands in a child that the other one's data brings up, waits by its own `enabled` or key, or stands below another
query that suspends the same component.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.react import PICKED, HookCall
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.await_names import words
from slowpath.program.data_hooks import DataHooks
from slowpath.program.react import Key
from slowpath.program.renders import Late, Renders


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    queries = program.data_hooks
    renders = Renders(program.react, queries, rule.settings["clicked"], rule.settings["opened"])
    told = _Telling(rule, queries)
    for (path, owner), calls in queries.calls.items():
        gates = [call for call in calls if not _decides(queries, path, call, rule.settings["barriers"])]
        started = queries.started((path, owner))
        gates.sort(key=lambda gate: queries.askers(path, gate))
        known: set[tuple[str, int]] = set()
        for gate in gates:
            late = [one for one in renders.behind(path, gate) if not queries.asked(one.there, one.call) <= started]
            late = [one for one in dict.fromkeys(late) if not queries.prefetched(one.there, one.call)]
            late = [one for one in late if (one.there, one.call.span[0]) not in known]
            known.update((one.there, one.call.span[0]) for one in late)
            late.sort(key=lambda one: one.decided)
            if late:
                cached = queries.askers(path, gate) >= rule.settings["cached"]
                yield told.below(path, gate, late, "low" if cached or late[0].decided else None)
        for gate, call in _held(queries, (path, owner), gates):
            yield told.beside(path, gate, [call], rule.settings["held"])
        for gate, *waiting in _suspended(queries, (path, owner), gates):
            yield told.beside(path, gate, waiting, rule.settings["suspended"])


def _decides(queries: DataHooks, path: str, gate: HookCall, barriers: str) -> bool:
    """Does a query tell who the user is, or what they may see?"""
    asked = [str(name) for one in queries.asked(path, gate) for name in one[1:]]
    named = [*(gate.chain or gate.callee).split("."), *gate.about, *asked]
    return any(re.search(barriers, " ".join(words(name))) for name in named)


def _held(queries: DataHooks, key: Key, gates: list[HookCall]) -> Iterator[tuple[HookCall, HookCall]]:
    """Queries whose own condition waits for another one's answer."""
    known = {gate.span[0]: gate for gate in gates}
    for call in queries.calls[key]:
        held = set(call.held.calls)
        if not held or not held <= known.keys() or held & set(call.needs.calls) or PICKED in call.needs.calls:
            continue
        gate = known[min(held)]
        if not _same(queries, key[0], gate, call):
            yield gate, call


def _suspended(queries: DataHooks, key: Key, gates: list[HookCall]) -> Iterator[list[HookCall]]:
    """Runs of suspending queries that could start together, each behind the one before."""
    path, run = key[0], list[HookCall]()
    for call in sorted(gates, key=lambda call: call.span):
        if not queries.suspends(path, call) or queries.common(path, call) or queries.prefetched(path, call):
            continue
        if {one.span[0] for one in run} & set(call.reads.calls) or any(_same(queries, path, one, call) for one in run):
            continue
        run.append(call)
    if len(run) > 1:
        yield run


def _same(queries: DataHooks, path: str, gate: HookCall, call: HookCall) -> bool:
    return queries.asked(path, call) <= queries.asked(path, gate) or queries.prefetched(path, call)


class _Telling:
    """Findings in words."""

    def __init__(self, rule: Rule, queries: DataHooks) -> None:
        self.rule, self.label = rule, queries.label

    def below(self, path: str, gate: HookCall, late: list[Late], sure: Confidence | None) -> Finding:
        first = late[0]
        return self.rule.finding(
            Place(path, gate.span),
            function=gate.owner,
            confidence=sure,
            parent=self.label(path, gate),
            child=first.trail[0][1].tag,
            query=self.label(first.there, first.call),
            flow=list(self._steps(path, gate, first)),
            related=[step for one in late[1:5] for step in self._steps(path, gate, one)],
        )

    def _steps(self, path: str, gate: HookCall, late: Late) -> Iterator[Step]:
        gated = f"is shown once `{self.label(path, gate)}` has its data"
        for number, (at, shown) in enumerate(late.trail):
            yield Step(Place(at, shown.span), f"which shows `{shown.tag}`" if number else f"`{shown.tag}` {gated}")
        yield Step(Place(late.there, late.call.span), f"only then `{self.label(late.there, late.call)}` starts")

    def beside(self, path: str, gate: HookCall, late: list[HookCall], message: str) -> Finding:
        parent, first, *others = (self.label(path, call) for call in (gate, *late))
        return self.rule.finding(
            Place(path, late[0].span),
            function=gate.owner,
            message=message,
            parent=parent,
            query=first,
            flow=[
                Step(Place(path, gate.span), f"`{parent}` asks"),
                Step(Place(path, late[0].span), f"once it has answered, `{first}` starts"),
            ],
            related=[Step(Place(path, one.span), f"then `{name}`") for one, name in zip(late[1:], others, strict=True)],
        )
