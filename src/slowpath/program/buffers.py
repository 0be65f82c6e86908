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
        for call in asked(function, branch):
            if call.name.rsplit("::", 1)[-1] in CLOCKS:
                return True
            if SIZE.search(call.name) and _is_filled(function, call.receiver, branch):
                return True
    return any(
        call.name.rsplit("::", 1)[-1] in CLOCKS
        for leave in function.fact.exits
        if leave.kind == "return" and leave.at < site.call.start
        for branch in _branches(function, leave.scope)
        for call in asked(function, branch)
    )


def _branches(function: Function, scope: int) -> Iterator[int]:
    """The conditions that code in a scope runs under, innermost first."""
    return (index for index, level in function.scopes_of(scope) if level.kind == "if")


def asked(function: Function, branch: int) -> list[Call]:
    """The calls of an `if`'s condition: those of its body stand in the body's own scope."""
    level = function.fact.scopes[branch]
    return [call for call in function.fact.calls if call.scope == branch and level.start <= call.start < level.end]


def _is_filled(function: Function, buffer: str, branch: int) -> bool:
    """Whether elements go into a buffer outside a branch."""
    level = function.fact.scopes[branch]
    return any(
        call.receiver == buffer and call.name in FILLS and not level.start <= call.start < level.end
        for call in function.fact.calls
    )
