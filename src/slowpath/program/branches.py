"""How often at most something happens in one run of a function's code, where branches exclude each other."""

from __future__ import annotations

from collections.abc import Mapping

from slowpath.program.rust import Function


def most(function: Function, counts: Mapping[int, int]) -> int:
    """The sum over all scopes (index → how often in it), of the arms of a `match`, and of `if` and `else`, the larger.

    Scopes stand after those around them, so one pass from the last to the first adds them up.
    """
    scopes = function.fact.scopes
    total = [counts.get(index, 0) for index in range(len(scopes))]
    arms: dict[int, int] = {}
    other: dict[int, int] = {}
    for index in range(len(scopes) - 1, -1, -1):
        level = scopes[index]
        total[index] += arms.pop(index, 0)
        if level.parent < 0:
            continue
        if level.kind == "arm":
            arms[level.parent] = max(arms.get(level.parent, 0), total[index])
        elif level.kind == "else":
            other[level.parent] = total[index]
        elif level.kind == "if":
            total[level.parent] += max(total[index], other.pop(level.parent, 0))
        else:
            total[level.parent] += total[index]
    return total[0] if total else 0


def exclude(function: Function, one: int, other: int) -> bool:
    """Whether two scopes stand in different arms of a `match`, or one in an `if` and one in its `else`."""
    above = dict(function.scopes_of(one))
    beside = [(index, level) for index, level in function.scopes_of(other) if index not in above]
    kinds = {(level.parent, level.kind) for level in above.values()}
    against = {"arm": "arm", "if": "else", "else": "if"}
    return any((level.parent, against.get(level.kind)) in kinds for _, level in beside)


def is_within(function: Function, scope: int, outer: int) -> bool:
    """Whether a scope is another one, or lies in it: scopes stand after those around them, and within their bytes."""
    inner, around = function.fact.scopes[scope], function.fact.scopes[outer]
    return scope == outer or (scope > outer and around.start <= inner.start and inner.end <= around.end)
