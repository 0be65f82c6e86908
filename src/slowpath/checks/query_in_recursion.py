"""Functions that send a statement and call themselves: one statement for each level or node."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import reached
from slowpath.program.queries import Hit, QueryLoops


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per function."""
    if not program.of("rust"):
        return
    loops = program.rust.shared(QueryLoops)
    found: dict[int, list[Hit]] = {}
    for hit in loops.recursions:
        found.setdefault(id(hit.site.function), []).append(hit)
    for hits in found.values():
        yield _finding(loops, rule, hits)


def _finding(loops: QueryLoops, rule: Rule, hits: list[Hit]) -> Finding:
    first = min(hits, key=lambda hit: hit.site.call.start)
    function = first.site.function
    assert first.callee is not None
    others = {hit.site.key: hit.site for hit in hits if hit.site.key != first.site.key}
    live = loops.liveness.is_live(function)
    return rule.finding(
        first.site.place,
        function=function.name,
        severity=rule.severity if live else "note",
        confidence=weakest(rule.confidence, first.effects.confidence(first.callee)),
        flow=[Step(first.site.place, f"`{function.name}` calls itself"), *first.effects.steps(first.callee)],
        related=[Step(site.place, "it calls itself here too") for site in others.values()],
        verb="writes to" if all(loops.is_write(hit.statement) for hit in hits) else "queries",
        reached=reached(loops.program, function),
    )
