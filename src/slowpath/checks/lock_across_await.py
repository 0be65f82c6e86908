"""Guards of sync locks alive at an await: bound by `let`, or temporaries of a `match`, `if let` or loop head."""

from __future__ import annotations

import re
import sys
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.code import AWAITED, Call, Local
from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.contexts import Contexts
from slowpath.program.loops import call_of
from slowpath.program.rust import Function, RustProgram

PASSES_GUARD_ON = frozenset("unwrap expect unwrap_or_else map_err ok ok_or_else".split())


class Guard(NamedTuple):
    """A live guard: the call that made it, the scope that it dies with, the byte from which it lives, its name."""

    call: Call
    scope: int
    start: int
    name: str
    confidence: Confidence


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per guard."""
    if not program.of("rust"):
        return
    view = program.rust
    for function in view.functions:
        if function.fact.awaits and not function.test:
            drops = dropped_names(function)
            awaits = sorted(function.fact.awaits)
            for guard in guards(view, function, rule):
                awaited = first_await(view, function, guard, drops, awaits)
                if awaited is not None:
                    yield report(function, guard, awaited, rule)


def guards(view: RustProgram, function: Function, rule: Rule) -> Iterator[Guard]:
    for local in function.fact.locals:
        made = lock_of(view, function, local.init, rule)
        if made is not None and is_whole(function, local):
            yield Guard(made[0], local.scope, local.at, local.name, made[1])
    for index, level in enumerate(function.fact.scopes):
        if level.kind in ("match", "if", "while", "for") and level.subject:
            made = head_lock(view, function, level.subject, rule)
            if made is not None:
                yield Guard(made[0], index, made[0].end, "", made[1])


def is_whole(function: Function, local: Local) -> bool:
    """The binding holds the guard itself, not what a deref copied out of it."""
    return re.fullmatch(r"#\d+\??", local.init) is not None


def lock_of(view: RustProgram, function: Function, operand: str, rule: Rule) -> tuple[Call, Confidence] | None:
    """The lock call that an operand is the guard of, through `unwrap` and the like only."""
    call = call_of(function, operand)
    unwrapped = operand.endswith("?")
    while call is not None and call.name in PASSES_GUARD_ON:
        unwrapped = True
        call = call_of(function, call.receiver)
    return classify(view, function, call, unwrapped, rule)


def head_lock(view: RustProgram, function: Function, operand: str, rule: Rule) -> tuple[Call, Confidence] | None:
    """A lock anywhere down the chain of a head expression: the temporary lives as long as the body."""
    call = call_of(function, operand.split(".")[0].rstrip("*") if operand.startswith("#") else operand)
    unwrapped = False
    for _ in range(30):
        if call is None:
            return None
        found = classify(view, function, call, unwrapped, rule)
        if found is not None:
            return found
        unwrapped = call.name in PASSES_GUARD_ON or call.receiver.endswith("?")
        call = call_of(function, call.receiver.split(".")[0])
    return None


def classify(
    view: RustProgram, function: Function, call: Call | None, unwrapped: bool, rule: Rule
) -> tuple[Call, Confidence] | None:
    """Whether a call takes a sync lock: high by the receiver's type, medium by the shape `.lock().unwrap()`."""
    if call is None or call.name not in rule.settings["methods"] or call.args or call.flags & AWAITED:
        return None
    kind = view.type_of(function, call.receiver, call.start, call.scope)
    if kind is not None and isinstance(kind.head, str) and not kind.derived:
        return (call, "high") if kind.head in rule.settings["locks"] else None
    return (call, "medium") if unwrapped and call.name in rule.settings["by-shape"] and kind is None else None


def dropped_names(function: Function) -> dict[str, list[int]]:
    """name → offsets of the `drop(name)`s, ascending."""
    drops: dict[str, list[int]] = {}
    for call in function.fact.calls:
        if call.args and call.name.rsplit("::", 1)[-1] == "drop":
            drops.setdefault(call.args[0], []).append(call.start)
    return {name: sorted(offsets) for name, offsets in drops.items()}


def first_await(
    view: RustProgram, function: Function, guard: Guard, drops: dict[str, list[int]], awaits: list[tuple[int, int]]
) -> int | None:
    """Offset of the first await while the guard lives, None where it is dropped or dies before."""
    contexts = view.shared(Contexts)
    own = contexts.of_scope(function, guard.call.scope)
    end = function.fact.scopes[guard.scope].end
    if own.kind != "async":
        return None
    own_drops = drops.get(guard.name, [])
    after = bisect_right(own_drops, guard.start)
    end = min(end, own_drops[after]) if guard.name and after < len(own_drops) else end
    for at, scope in awaits[bisect_right(awaits, (guard.start, sys.maxsize)) :]:
        if at > end:
            return None
        if contexts.of_scope(function, scope) == own and any(
            index == guard.scope for index, _ in function.scopes_of(scope)
        ):
            return at
    return None


def report(function: Function, guard: Guard, awaited: int, rule: Rule) -> Finding:
    place = function.at(guard.call)
    here = Step(Place(function.file, (awaited - len("await"), awaited)), "it is still held at this `.await`")
    return rule.finding(
        place,
        function=function.name,
        confidence=guard.confidence,
        flow=[
            Step(function.place, f"`{function.name}` is async"),
            Step(place, f"`{guard.call.name}` takes the lock"),
            here,
        ],
        guard=f"`{guard.name}`" if guard.name else f"the temporary of `.{guard.call.name}()`",
    )
