"""How often at most something happens in one run of a function's code, where branches exclude each other."""

from __future__ import annotations

from collections.abc import Mapping

from slowpath.program.rust import Function


def inside(function: Function, scope: int) -> range:
    """A scope and those in it, which stand behind it without a gap."""
    scopes = function.fact.scopes
    last = scope + 1
    while last < len(scopes) and scopes[last].start < scopes[scope].end:
        last += 1
    return range(scope, last)


def most(function: Function, counts: Mapping[int, int], root: int = 0) -> int:
    """The sum over the scopes in `root` (index → how often in it); of arms, and of `if` and `else`, the larger.

    Scopes stand after those around them, so one pass from the last to the first adds them up.
    """
    scopes = function.fact.scopes
    total = dict(counts)
    arms: dict[int, int] = {}
    other: dict[int, int] = {}
    for index in reversed(inside(function, root)):
        level, parent = scopes[index], scopes[index].parent
        own = total.get(index, 0) + arms.pop(index, 0)
        total[index] = own
        if level.kind == "arm":
            arms[parent] = max(arms.get(parent, 0), own)
        elif level.kind == "else":
            other[parent] = own
        elif level.kind == "if":
            total[parent] = total.get(parent, 0) + max(own, other.pop(parent, 0))
        else:
            total[parent] = total.get(parent, 0) + own
    return total.get(root, 0)


def exclude(function: Function, one: int, other: int) -> bool:
    """Whether two scopes stand in different arms of a `match`, or one in an `if` and one in its `else`."""
    above = dict(function.scopes_of(one))
    beside = [(index, level) for index, level in function.scopes_of(other) if index not in above]
    kinds = {(level.parent, level.kind) for level in above.values()}
    against = {"arm": "arm", "if": "else", "else": "if"}
    return any((level.parent, against.get(level.kind)) in kinds for _, level in beside)


def is_within(function: Function, scope: int, outer: int) -> bool:
    """Whether a scope is another one, or lies in it."""
    scopes = function.fact.scopes
    return scope == outer or (scope > outer and scopes[scope].start < scopes[outer].end)
