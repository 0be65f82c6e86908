"""`reduce` with an async callback that waits for the accumulator first: a loop in disguise, one round at a time."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per `reduce` whose rounds need nothing of each other."""
    effects = program.await_effects
    for path, facts in effects.files.items():
        for each in facts.awaits.callbacks if not effects.quiet(path) else ():
            if each.fate != "serial" or not each.calls:
                continue
            kinds = {effects.call(path, "", call, 0).kind for call in each.calls}
            if "barrier" in kinds or kinds == {"instant"}:
                continue
            sure: Confidence = "high" if kinds <= {"read", "instant"} else "low"
            yield rule.finding(
                Place(path, each.span),
                confidence=sure,
                flow=[
                    Step(Place(path, each.span), "each round awaits the accumulator, so the one before must be over"),
                    Step(Place(path, each.span), f"only then it waits for `{each.calls[0].name}`"),
                ],
                call=each.calls[0].shown,
            )
