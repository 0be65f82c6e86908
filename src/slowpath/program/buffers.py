"""Statements that are sent only now and then, although the code around them runs for each element.

A buffer that is written when it is full (`buf.push(x); if buf.len() == N { save(&buf); buf.clear() }`) sends one
statement per batch; what is refreshed when it is too old, one per period.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from slowpath.model.code import Call
from slowpath.program.rust import Function, RustProgram, Site

SIZE = re.compile(r"(^|_)(len|capacity|size|count|full|large)(_|$)")
FILLS = frozenset("push push_back insert extend append push_values push_bind extend_from_slice push_str entry".split())
CLOCKS = frozenset(
    "elapsed now duration_since signed_duration_since num_seconds num_minutes is_expired is_stale".split()
)


class Buffers:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self._asked: dict[int, dict[int, list[tuple[int, Call]]]] = {}
        """id(function) → `if` → the calls of its condition: those of its body stand in the body's own scope"""
        self._timed: dict[tuple[int, int], bool] = {}
        self._full: dict[tuple[int, int], bool] = {}
        self._left: dict[int, int] = {}
        """id(function) → the first return that a condition on time guards"""

    def now_and_then(self, site: Site) -> bool:
        """Whether a call waits for a full buffer, or for some time to pass."""
        function = site.function
        for branch in _branches(function, site.call.scope):
            if branch != site.call.scope and (self._is_timed(function, branch) or self._is_full(function, branch)):
                return True
        if id(function) not in self._left:
            self._left[id(function)] = min(
                (
                    leave.at
                    for leave in function.fact.exits
                    if leave.kind == "return"
                    and any(self._is_timed(function, branch) for branch in _branches(function, leave.scope))
                ),
                default=sys.maxsize,
            )
        return self._left[id(function)] < site.call.start

    def _condition(self, function: Function, branch: int) -> list[tuple[int, Call]]:
        if id(function) not in self._asked:
            asked = self._asked[id(function)] = {}
            for number, call in enumerate(function.fact.calls):
                if function.fact.scopes[call.scope].kind == "if":
                    asked.setdefault(call.scope, []).append((number, call))
        return self._asked[id(function)].get(branch, [])

    def _is_timed(self, function: Function, branch: int) -> bool:
        """Whether a condition compares times; one that is handed on to a call is no comparison."""
        key = (id(function), branch)
        if key not in self._timed:
            self._timed[key] = compares_times(self._condition(function, branch))
        return self._timed[key]

    def _is_full(self, function: Function, branch: int) -> bool:
        """Whether a condition asks for the size of what elements go into outside the branch."""
        key = (id(function), branch)
        if key not in self._full:
            level = function.fact.scopes[branch]
            sized = {call.receiver for _, call in self._condition(function, branch) if SIZE.search(call.name)}
            self._full[key] = bool(sized) and any(
                call.receiver in sized and call.name in FILLS and not level.start <= call.start < level.end
                for call in function.fact.calls
            )
        return self._full[key]


def _branches(function: Function, scope: int) -> Iterator[int]:
    """The conditions that code in a scope runs under, innermost first."""
    return (index for index, level in function.scopes_of(scope) if level.kind == "if")


def compares_times(asked: list[tuple[int, Call]]) -> bool:
    """Whether a time of a condition's calls goes to no other call."""
    given = {arg for _, call in asked for arg in call.args}
    end = {call.receiver: f"#{number}" for number, call in asked}
    for number, call in asked:
        if call.name.rsplit("::", 1)[-1] in CLOCKS:
            operand = f"#{number}"
            while operand in end and operand not in given:
                operand = end.pop(operand)
            if operand not in given:
                return True
    return False
