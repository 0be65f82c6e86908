"""Where a list of rows goes: the chains of methods that begin with it.

In: a call that gives the list. Out: each chain in order, an empty one where the list is used in another way.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.code import Call, Local
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.statements import words

MAX_CHAIN = 40
HEADS = frozenset(
    "len is_empty iter into_iter iter_mut first last pop get truncate retain sort sort_by sort_by_key sort_unstable "
    "sort_unstable_by sort_unstable_by_key swap_remove remove".split()
)
"""Methods of a list: what else is called on a result is a method of the Result."""
ON_RESULTS = frozenset(["map", "map_or", "map_or_else", "is_ok_and", "is_some_and", "and_then"])


class Chain(NamedTuple):
    """Methods called one after another on a list of rows; none where it is used in a way that is not followed.

    `local` is the binding that the list is read from.
    """

    calls: tuple[Call, ...]
    local: Local | None


class Chains:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self._continued: dict[int, dict[int, int]] = {}
        self._bound: dict[int, dict[str, list[Local]]] = {}
        self._called: dict[int, dict[tuple[int, str], int]] = {}

    def of(self, site: Site) -> list[Chain]:
        """All that is done to what a call gives; nothing where it is not held."""
        function = site.function
        top, calls = self._climb(function, site.number)
        if calls and calls[0].name in HEADS:
            return [Chain(tuple(calls), None)]
        local = self._inside(function, top, calls[0]) if calls else self._held(function, top)
        return self._of_local(function, local) if local is not None else []

    def _climb(self, function: Function, number: int) -> tuple[int, list[Call]]:
        """Up a chain from a call: past what hands its result on; the last call of that, and those after it."""
        continued = self._above(function)
        top = number
        calls: list[Call] = []
        while number in continued and len(calls) < MAX_CHAIN:
            number = continued[number]
            call = function.fact.calls[number]
            if not calls and call.name in words("hands-on"):
                top = number
            else:
                calls.append(call)
        return top, calls

    def _above(self, function: Function) -> dict[int, int]:
        """Call → the method called on its result."""
        if id(function) not in self._continued:
            found: dict[int, int] = {}
            for number, call in enumerate(function.fact.calls):
                digits = re.match(r"#(\d+)\??$", call.receiver)
                if digits is not None:
                    found.setdefault(int(digits[1]), number)
            self._continued[id(function)] = found
        return self._continued[id(function)]

    def _binding(self, function: Function) -> dict[str, list[Local]]:
        """Operand → what is bound to it, or to what it holds."""
        if id(function) not in self._bound:
            found = self._bound[id(function)] = {}
            for local in function.fact.locals:
                found.setdefault(local.init.rstrip("?"), []).append(local)
        return self._bound[id(function)]

    def _calls(self, function: Function) -> dict[tuple[int, str], int]:
        """Where the expression of a call begins, and its receiver → the first such call."""
        if id(function) not in self._called:
            found = self._called[id(function)] = {}
            for number, call in enumerate(function.fact.calls):
                found.setdefault((call.head, call.receiver), number)
        return self._called[id(function)]

    def _held(self, function: Function, number: int) -> Local | None:
        """The only binding of a call's result, if its uses are known; what an arm calls it on the way counts not."""
        bound = self._binding(function).get(f"#{number}", [])
        used = [local for local in bound if local.uses]
        others = (function.fact.scopes[local.scope].kind for local in bound if not local.uses)
        return used[0] if len(used) == 1 and all(kind in ("arm", "if") for kind in others) else None

    def _inside(self, function: Function, number: int, taker: Call) -> Local | None:
        """What the rows are called in the closure of `result.map(|rows| ..)`."""
        if taker.name not in ON_RESULTS or len(taker.args) > 2:
            return None
        closures = {int(arg[1:]) for arg in taker.args if arg.startswith("|") and arg[1:].isdigit()}
        operand = f"#{number}[]"
        bound = self._binding(function).get(operand, [])
        own = (local for local in bound if local.scope in closures and local.init == operand)
        local = next(own, None)
        return local if local is not None and local.uses else None

    def _of_local(self, function: Function, local: Local) -> list[Chain]:
        chains = []
        for at in local.uses:
            number = self._calls(function).get((at, local.name))
            calls = (function.fact.calls[number], *self._climb(function, number)[1]) if number is not None else ()
            chains.append(Chain(calls, local))
        return chains
