"""The loop that runs a call once per element, if any: `for`, draining `while let`, iterator and stream closures.

Chunks, pages, retries, polling, short literal lists and searches that end at the first hit are none.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import takewhile
from typing import NamedTuple

from slowpath.model.code import Call, Scope
from slowpath.model.finding import Place
from slowpath.program.connections import Connections
from slowpath.program.elements import Elements, base_of, call_of, down, words
from slowpath.program.paths import known
from slowpath.program.rust import Function, RustProgram, Site


class Loop(NamedTuple):
    """`scope` is the body's; `head` the first line of the loop or chain; `over` names what is iterated."""

    function: Function
    scope: int
    head: Place
    over: str


@cache
def retries() -> re.Pattern[str]:
    return re.compile(known()["iteration"]["retries"], re.I)


class Index:
    """A function's parts by scope, so that a generated function of any length costs what it holds."""

    def __init__(self, function: Function) -> None:
        self.takers: dict[str, int] = {}
        """closure → the first call that takes it"""
        self.names: dict[int, list[str]] = {}
        """scope → the names bound in it"""
        self.left: dict[int, int] = {}
        """loop → where the last `return` or `break` that leaves it ends"""
        for number, call in enumerate(function.fact.calls):
            for arg in call.args:
                if arg.startswith("|"):
                    self.takers.setdefault(arg, number)
        for local in function.fact.locals:
            self.names.setdefault(local.scope, []).append(local.name)
        for leave in function.fact.exits:
            if leave.kind in ("return", "break"):
                for scope, level in function.scopes_of(leave.scope):
                    if level.kind in ("closure", "async"):
                        break
                    if level.kind in ("for", "while", "loop"):
                        self.left[scope] = max(self.left.get(scope, -1), leave.end)
                        if leave.kind == "break":
                            break


def leaves(function: Function, scope: int, loop: int, at: int) -> bool:
    """Whether what stands in a branch of a loop is always followed by an exit from it."""
    inside = {index for index, _ in takewhile(lambda level: level[0] != loop, function.scopes_of(scope))}
    return any(
        leave.scope in inside and leave.at > at and leave.kind in ("return", "break", "fail")
        for leave in function.fact.exits
    )


class Loops:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.elements = program.shared(Elements)
        self.connections = program.shared(Connections)
        self._per_call: dict[tuple[int, int], bool] = {}
        self._indexes: dict[int, Index] = {}

    def around(self, site: Site) -> Loop | None:
        """The innermost loop per element around a call; those around chunks, pages and attempts are none."""
        return self.around_scope(site.function, site.call.scope, site.call.start)

    def around_scope(self, function: Function, scope: int, at: int) -> Loop | None:
        """The same for what stands at a byte offset in a scope."""
        for index, level in function.scopes_of(scope):
            loop = None
            if level.kind == "for":
                loop = None if leaves(function, scope, index, at) else self._for(function, index, level, at)
            elif level.kind == "while":
                loop = self._while(function, index, level)
            elif level.kind == "closure":
                loop = self.of_closure(function, index)
            if loop is not None:
                return loop
        return None

    def _for(self, function: Function, index: int, level: Scope, at: int) -> Loop | None:
        given = (function, level.subject, level.start, level.parent)
        if self.elements.are_few(*given) or self.elements.are_batches(*given):
            return None
        if any(outer.failing for _, outer in function.scopes_of(level.parent)):
            return None  # the long way, where the statement for all failed
        if self._is_retry(function, index, level.subject) or self._is_search(function, index, at):
            return None
        place = Place(function.file, (level.start, level.start + 3))
        return Loop(function, index, place, self.elements.name(function, level.subject))

    def _while(self, function: Function, index: int, level: Scope) -> Loop | None:
        call = call_of(function, level.subject)
        if call is None or call.name not in words("pops") or call.args:
            return None
        if call.flags and not self._streams_rows(function, call):
            return None
        place = Place(function.file, (level.start, level.start + 5))
        return Loop(function, index, place, self.elements.name(function, call.receiver))

    def _streams_rows(self, function: Function, call: Call) -> bool:
        """Whether what is awaited for each turn is the next row of a query, and no message of a queue."""
        local = self.program.resolver.binding(function, call.receiver, call.start, call.scope)
        for number, made in down(function, local.init if local is not None else call.receiver):
            if made.name in words("streams"):
                return self.connections.given(Site(function, number))
        return False

    def of_closure(self, function: Function, scope: int) -> Loop | None:
        """The loop that a closure is the body of."""
        number = self._index(function).takers.get(f"|{scope}")
        return self._of_adaptor(Site(function, number), f"|{scope}", scope) if number is not None else None

    def _index(self, function: Function) -> Index:
        key = id(function)
        if key not in self._indexes:
            self._indexes[key] = Index(function)
        return self._indexes[key]

    def _of_adaptor(self, site: Site, operand: str, scope: int) -> Loop | None:
        """The loop that a call makes of an argument: an iterator adaptor, or a helper that calls it in a loop."""
        function, call = site.function, site.call
        head = Place(function.file, (call.head, call.head + 1))
        if call.receiver != "-" and call.name in words("adaptors"):
            if not self.elements.are_iterated(function, call.receiver, call.start, call.scope):
                return None
            if self.elements.are_batches(function, call.receiver, call.start, call.scope) or self.elements.are_few(
                function, base_of(function, call.receiver), call.start, call.scope
            ):
                return None
            return Loop(function, scope, head, self.elements.name(function, base_of(function, call.receiver)))
        position = call.args.index(operand) + (1 if call.receiver != "-" else 0)
        for callee in self.program.resolve(site).functions:
            if self._loops_param(callee, position):
                return Loop(function, scope, head, f"`{callee.name}(..)`")
        return None

    def _loops_param(self, function: Function, position: int) -> bool:
        """Whether a function calls its closure parameter once per element of a loop."""
        key = (id(function), position)
        if key not in self._per_call:
            self._per_call[key] = False
            params = function.fact.params
            name = params[position][0] if position < len(params) else ""
            self._per_call[key] = bool(name) and any(
                self._runs_each(Site(function, number), name) for number in range(len(function.fact.calls))
            )
        return self._per_call[key]

    def _runs_each(self, site: Site, name: str) -> bool:
        """Whether a call runs a closure parameter for each element, or hands it on to one that does: `map(f)`."""
        call = site.call
        if call.receiver == "-" and call.name == name:
            return self.around(site) is not None
        return name in call.args and self._of_adaptor(site, name, call.scope) is not None

    def _is_retry(self, function: Function, scope: int, subject: str) -> bool:
        if not subject.startswith(("..", "L..")):
            return False
        names = self._index(function).names.get(scope, ())
        return not names or any(retries().search(name) or name.startswith("_") for name in names)

    def _is_search(self, function: Function, scope: int, at: int) -> bool:
        """The loop is left, and not by an error, after the call."""
        return self._index(function).left.get(scope, -1) > at
