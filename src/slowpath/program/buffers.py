"""Statements that are sent only now and then, although the code around them runs for each element.

A buffer that is written when it is full (`buf.push(x); if buf.len() == N { save(&buf); buf.clear() }`) sends one
statement per batch; what is refreshed when it is too old, one per period.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.code import Call
from slowpath.program.rust import Function, Site

SIZE = re.compile(r"(^|_)(len|capacity|size|count|full|large)(_|$)")
FILLS = frozenset("push push_back insert extend append push_values push_bind extend_from_slice push_str entry".split())
CLOCKS = frozenset(
    "elapsed now duration_since signed_duration_since num_seconds num_minutes is_expired is_stale".split()
)


def now_and_then(site: Site) -> bool:
    """Whether a call waits for a full buffer, or for some time to pass."""
    function = site.function
    for branch in _branches(function, site.call.scope):
        if branch != site.call.scope and (_is_timed(function, branch) or _is_full(function, branch)):
            return True
    return any(
        _is_timed(function, branch)
        for leave in function.fact.exits
        if leave.kind == "return" and leave.at < site.call.start
        for branch in _branches(function, leave.scope)
    )


def _branches(function: Function, scope: int) -> Iterator[int]:
    """The conditions that code in a scope runs under, innermost first."""
    return (index for index, level in function.scopes_of(scope) if level.kind == "if")


def _asked(function: Function, branch: int) -> Iterator[tuple[int, Call]]:
    """The calls of an `if`'s condition: those of its body stand in the body's own scope."""
    return ((number, call) for number, call in enumerate(function.fact.calls) if call.scope == branch)


def _is_timed(function: Function, branch: int) -> bool:
    """Whether a condition compares times; one that is handed on to a call is no comparison."""
    given = {arg for _, call in _asked(function, branch) for arg in call.args}
    end = {call.receiver: f"#{number}" for number, call in _asked(function, branch)}
    for number, call in _asked(function, branch):
        if call.name.rsplit("::", 1)[-1] in CLOCKS:
            operand = f"#{number}"
            while operand in end and operand not in given:
                operand = end.pop(operand)
            if operand not in given:
                return True
    return False


def _is_full(function: Function, branch: int) -> bool:
    """Whether a condition asks for the size of what elements go into outside the branch."""
    level = function.fact.scopes[branch]
    sized = {call.receiver for _, call in _asked(function, branch) if SIZE.search(call.name)}
    return any(
        call.receiver in sized and call.name in FILLS and not level.start <= call.start < level.end
        for call in function.fact.calls
    )
