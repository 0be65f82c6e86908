"""A loop that waits for each round before it starts the next, although no round needs another."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.awaits import Loop, Sequence
from slowpath.model.finding import Confidence, Edit, Finding, Fix, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.await_effects import AwaitEffects
from slowpath.program.await_loops import confidence


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop, at its first await that costs something."""
    effects = program.await_effects
    for path, sequence in effects.sequences():
        for loop in sequence.loops:
            found = confidence(effects, path, sequence, loop)
            if found is not None and not any(program.fan_outs.told(path, sequence.awaits[i].span) for i in loop.awaits):
                yield _finding(effects, rule, path, sequence, loop, found)


def _finding(effects: AwaitEffects, rule: Rule, path: str, sequence: Sequence, loop: Loop, sure: Confidence) -> Finding:
    waits = [
        sequence.awaits[index]
        for index in loop.awaits
        if effects.of(path, sequence, sequence.awaits[index]).kind != "instant"
    ]
    first, *others = waits
    return rule.finding(
        Place(path, first.span),
        function=sequence.function,
        confidence=sure,
        flow=[
            Step(Place(path, loop.head), "each round of this loop starts when the one before is over"),
            Step(Place(path, first.span), f"a round waits for `{first.call.name}`"),
        ],
        related=[Step(Place(path, other.span), f"the same round waits for `{other.call.name}`") for other in others],
        fix=_fix(path, loop),
        call=first.call.shown,
        all=loop.shown[0],
        item=loop.shown[1],
    )


def _fix(path: str, loop: Loop) -> Fix | None:
    """Ten rounds at a time; when one fails, up to nine others are under way."""
    if not loop.batched:
        return None
    return Fix("run ten rounds at a time", False, (Edit(Place(path, loop.span), loop.batched),))
