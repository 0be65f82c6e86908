"""Awaits that stand one after the other although the later ones need nothing of the earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from slowpath.model.awaits import Sequence
from slowpath.model.finding import Confidence, Finding, Fix, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.await_batches import Batches
from slowpath.program.await_fixes import fails, together


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per batch of awaits that could start together, at the second of them."""
    effects = program.await_effects
    for path, sequence in effects.sequences():
        if not sequence.transaction:
            found = Batches(effects, path, sequence)
            for batch, sure in found.all():
                yield _finding(rule, path, sequence, batch, sure, _fix(found, batch))


def _finding(rule: Rule, path: str, sequence: Sequence, batch: list[int], sure: Confidence, fix: Fix | None) -> Finding:
    first, second, *rest = (sequence.awaits[index] for index in batch)
    earlier, later = first.call.shown, second.call.shown
    return rule.finding(
        Place(path, second.span),
        function=sequence.function,
        confidence=sure,
        flow=[
            Step(Place(path, first.span), f"`{earlier}` is waited for first"),
            Step(Place(path, second.span), f"`{later}` starts only then, and uses nothing of it"),
        ],
        related=[Step(Place(path, point.span), f"`{point.call.shown}` needs none of these either") for point in rest],
        fix=fix,
        earlier=earlier,
        later=later,
    )


def _fix(found: Batches, batch: list[int]) -> Fix | None:
    """One `Promise.all` for a run of statements that are one await each."""
    if any(found.effects[index].kind != "read" for index in batch):
        return None
    points = [found.awaits[index] for index in batch]
    if any(found.awaits[two].follows != one for one, two in pairwise(batch)):
        return None
    library = all(found.effects[index].library for index in batch)
    return together(found.path, points, safe=library and not any(map(fails, points)))
