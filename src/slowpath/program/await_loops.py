"""How sure it is that the rounds of a loop could run side by side, given what their awaits do."""

from __future__ import annotations

from slowpath.model.awaits import Await, Loop, Sequence
from slowpath.model.finding import Confidence, less_sure
from slowpath.program.await_effects import AwaitEffects
from slowpath.program.await_names import mentions, parts, root, verb, vocabulary, words


def confidence(effects: AwaitEffects, path: str, sequence: Sequence, loop: Loop) -> Confidence | None:
    """High where the rounds only read, or change each its own thing; None where the order or the pace is the point."""
    table = vocabulary()
    if sequence.transaction or mentions(loop.calls, table["waits"]) or mentions(loop.calls, table["watches"]):
        return None
    if checked_out(sequence, loop.awaits[0]) or any(root(name) in table["sinks"] for name in loop.calls):
        return None
    grades = [grade(effects, path, sequence, loop, sequence.awaits[index]) for index in loop.awaits]
    known = [each for each in grades if each != "instant"]
    if not known or None in known:
        return None
    lowest: Confidence = "high"
    for each in known:
        if each == "low" or (each == "medium" and lowest == "high"):
            lowest = "low" if each == "low" else "medium"
    if effects.once(path):
        return "low"
    if lowest == "low" and loop.catches and len(known) == 1:
        return "medium"
    return less_sure(lowest) if set(loop.calls) & table["tells"] else lowest


def grade(effects: AwaitEffects, path: str, sequence: Sequence, loop: Loop, point: Await) -> Confidence | str | None:
    """One await of a loop."""
    table = vocabulary()
    name = point.call.name
    last = verb(name)
    effect = effects.of(path, sequence, point)
    if (place := effects.resolve(path, sequence.owner, point.call)) is not None and place.routine.remembers:
        return None
    own = bool(name) and parts(name)[0].removesuffix("()") in loop.item
    if effect.kind == "instant":
        return "instant"
    if last in table["separate"]:
        return "high"
    if effect.kind == "read" and not point.used and not effect.proven:
        return "low"
    if effect.kind == "read":
        return "medium" if (own and not effect.proven) or effect.doubtful else "high"
    if effect.kind == "barrier" or own:
        return None
    if last in table["per_row"] and len(parts(name)) > 2 and not point.ordered:
        return "medium"
    if words(last)[:1] and words(last)[0] in table["deletes"] and effects.short(path, sequence, point.call):
        return "medium"
    return "low"


def checked_out(sequence: Sequence, index: int) -> bool:
    """Works on what a pool handed out: one connection does one thing at a time."""
    return any(
        verb(sequence.awaits[needed].call.name) in vocabulary()["checkouts"] for needed in sequence.awaits[index].needs
    )
