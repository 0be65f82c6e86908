"""Reads that hide an access check: what follows must not start before it is over."""

from __future__ import annotations

from slowpath.model.awaits import Call, Sequence
from slowpath.program.await_effects import AwaitEffects, Place
from slowpath.program.await_names import parts, verb, vocabulary, words

DEPTH = 3
MOST = 40


def refusers(effects: AwaitEffects, path: str, sequence: Sequence, call: Call) -> frozenset[str]:
    """Functions, up to three calls below this one, that end in an error where somebody may not go on."""
    place = effects.resolve(path, sequence.owner, call)
    found: set[str] = set()
    level = [place] if place is not None else []
    seen: set[tuple[str, tuple[int, int]]] = set()
    for _ in range(DEPTH + 1):
        below: list[Place] = []
        for each in level:
            key = each.path, each.routine.span
            if key in seen or len(seen) > MOST:
                continue
            seen.add(key)
            if each.routine.refuses == "access" or (each.routine.refuses and _asks_who(each.routine.name)):
                found.add(f"{each.path}:{each.routine.span[0]}")
            for inner in (*each.routine.waited, *each.routine.others):
                if _demands(inner.name):
                    found.add(verb(inner.name))
                elif (next_ := effects.resolve(each.path, each.routine.owner, inner)) is not None:
                    below.append(next_)
        level = below
    return frozenset(found)


def misses(effects: AwaitEffects, path: str, sequence: Sequence, call: Call) -> bool:
    """It ends in an error where something is not there: by its own body, or by its name."""
    spelled = words(verb(call.name))
    if spelled[-2:-1] == ("or",) and spelled[-1] in vocabulary()["failing"]:
        return True
    place = effects.resolve(path, sequence.owner, call)
    return place is not None and place.routine.refuses == "missing"


def _asks_who(name: str) -> bool:
    return bool(set(words(name)[-1:]) & vocabulary()["access"])


def _demands(name: str) -> bool:
    """`requireUser()`, `assertAccess()`."""
    spelled = words(parts(name)[-1].removesuffix("()"))
    table = vocabulary()
    return bool(spelled) and spelled[0] in table["demands"] and bool(set(spelled[1:]) & table["identity"])
