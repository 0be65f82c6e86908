"""A read that is waited for although an early exit right behind it, which asks nothing of it, may throw it away."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.awaits import Await, Guard, Sequence
from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.await_batches import Batches
from slowpath.program.await_effects import AwaitEffects
from slowpath.program.await_fixes import below, fails
from slowpath.program.await_names import verb, vocabulary, words


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per await."""
    effects = program.await_effects
    for path, sequence in effects.sequences():
        if sequence.transaction or not any(point.guard for point in sequence.awaits):
            continue
        batched = {index for batch, sure in Batches(effects, path, sequence).all() if sure != "low" for index in batch}
        for index, point in enumerate(sequence.awaits):
            if point.guard is not None and index not in batched and _spared(effects, path, sequence, point):
                yield _finding(rule, path, sequence, point, point.guard, effects.of(path, sequence, point).library)


def _spared(effects: AwaitEffects, path: str, sequence: Sequence, point: Await) -> bool:
    """It reads, and who may go on does not hang on it."""
    effect = effects.of(path, sequence, point)
    if effect.kind != "read" or effect.doubtful or not point.used:
        return False
    calls = point.together or (point.call,)
    return not any(set(words(verb(call.name))) & vocabulary()["identity"] for call in calls) and not any(
        effects.guards(path, sequence, call) for call in calls
    )


def _finding(rule: Rule, path: str, sequence: Sequence, point: Await, guard: Guard, library: bool) -> Finding:
    shown = point.call.shown
    return rule.finding(
        Place(path, point.span),
        function=sequence.function,
        flow=[
            Step(Place(path, point.span), f"`{shown}` is waited for"),
            Step(Place(path, guard.span), "then this may leave, and asks nothing of it"),
        ],
        fix=below(path, guard, safe=library and guard.pure and not fails(point)) if guard.text else None,
        call=shown,
    )
