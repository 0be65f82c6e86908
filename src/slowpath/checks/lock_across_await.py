"""Guards of sync locks alive at an await: bound by `let`, or temporaries of a `match`, `if let` or loop head, or of
the awaited expression itself, which live to the end of its statement.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.code import AWAITED, Call, Local
from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.contexts import Contexts
from slowpath.program.elements import call_of
from slowpath.program.rust import Function, RustProgram, Site

PASSES_GUARD_ON = frozenset("unwrap expect unwrap_or_else map_err ok ok_or_else".split())


MAX_TYPE = 300
GUARD = re.compile(r"((?:\w+::)*\w*Guard)\b")


class Guard(NamedTuple):
    """A live guard: the call that made it, the scope that it dies with, the byte from which it lives, its name."""

    call: Call
    scope: int
    start: int
    name: str
    confidence: Confidence


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per guard."""
    if program.of("rust"):
        search = Search(program.rust, rule)
        for function in program.rust.functions:
            if function.fact.awaits and not function.test:
                yield from search.findings(function)


class Search:
    """Looks through functions that await."""

    def __init__(self, view: RustProgram, rule: Rule) -> None:
        self.view = view
        self.rule = rule
        self.contexts = view.shared(Contexts)
        self.givers = frozenset(f.fact.name for f in view.functions if guard_in(f))
        """Names of the workspace's functions that return a guard."""

    def findings(self, function: Function) -> Iterator[Finding]:
        drops = self.dropped_names(function)
        awaits = sorted((end, scope) for _, end, scope in function.fact.awaits)
        for guard in self.guards(function):
            awaited = self.first_await(function, guard, drops, awaits)
            if awaited is not None:
                yield report(function, guard, awaited, self.rule)
        yield from self.temporaries(function)

    def guards(self, function: Function) -> Iterator[Guard]:
        for local in function.fact.locals:
            made = self.lock_of(function, local.init)
            if made is not None and is_whole(local):
                yield Guard(made[0], local.scope, local.at, local.name, made[1])
        for index, level in enumerate(function.fact.scopes):
            if level.kind in ("match", "if", "while", "for") and level.subject:
                made = self.head_lock(function, level.subject)
                if made is not None:
                    yield Guard(made[0], index, made[0].end, "", made[1])

    def temporaries(self, function: Function) -> Iterator[Finding]:
        """Guards that an awaited expression makes on its way: `lock.lock().unwrap().fetch().await`."""
        calls = function.fact.calls
        by_scope: dict[int, list[tuple[int, int]]] = {}
        for number, call in enumerate(calls):
            if self.may_lock(call):
                by_scope.setdefault(call.scope, []).append((call.start, number))
        for locks in by_scope.values():
            locks.sort()
        for start, end, scope in function.fact.awaits:
            locks = by_scope.get(scope, []) if self.is_async(function, scope) else []
            for _, number in locks[bisect_left(locks, (start, 0)) : bisect_left(locks, (end, 0))]:
                call = calls[number]
                unwrapped = number + 1 < len(calls) and calls[number + 1].receiver == f"#{number}"
                made = self.classify(function, call, unwrapped)
                if made is not None:
                    yield report(function, Guard(call, scope, call.end, "", made[1]), end, self.rule)
                    break

    def is_async(self, function: Function, scope: int) -> bool:
        return self.contexts.of_scope(function, scope).kind == "async"

    def lock_of(self, function: Function, operand: str) -> tuple[Call, Confidence] | None:
        """The lock call that an operand is the guard of, through `unwrap` and the like only."""
        call = call_of(function, operand)
        unwrapped = operand.endswith("?")
        while call is not None and call.name in PASSES_GUARD_ON:
            unwrapped = True
            call = call_of(function, call.receiver)
        return self.classify(function, call, unwrapped)

    def head_lock(self, function: Function, operand: str) -> tuple[Call, Confidence] | None:
        """A lock anywhere down the chain of a head expression: the temporary lives as long as the body."""
        call = call_of(function, operand.split(".")[0].rstrip("*") if operand.startswith("#") else operand)
        unwrapped = False
        for _ in range(30):
            if call is None:
                return None
            found = self.classify(function, call, unwrapped)
            if found is not None:
                return found
            unwrapped = call.name in PASSES_GUARD_ON or call.receiver.endswith("?")
            call = call_of(function, call.receiver.split(".")[0])
        return None

    def may_lock(self, call: Call) -> bool:
        """Whether a call looks like one that takes a lock."""
        named = call.name in self.rule.settings["methods"] or call.name in self.givers
        return named and call.receiver != "-" and not call.args and not call.flags & AWAITED

    def classify(self, function: Function, call: Call | None, unwrapped: bool) -> tuple[Call, Confidence] | None:
        """Whether a call takes a sync lock: high by the receiver's type, medium by the shape `.lock().unwrap()`."""
        if call is None or not self.may_lock(call):
            return None
        if call.name in self.givers:
            callees = self.view.resolve(Site(function, function.fact.calls.index(call))).functions
            if callees:
                return (call, "high") if self.gives_guard(callees[0]) else None
        kind = self.view.type_of(function, call.receiver, call.start, call.scope)
        if kind is not None and isinstance(kind.head, str) and not kind.derived:
            return (call, "high") if kind.head in self.rule.settings["locks"] else None
        return (call, "medium") if unwrapped and call.name in self.rule.settings["by-shape"] and kind is None else None

    def gives_guard(self, callee: Function) -> bool:
        """Whether a function returns the guard of a sync lock."""
        named = guard_in(callee)
        kind = self.view.resolver.owner_type(callee, f"{named}::lock") if named else None
        return kind is not None and kind.head in self.rule.settings["guards"]

    def dropped_names(self, function: Function) -> dict[str, list[int]]:
        """name → offsets of the `drop(name)`s, ascending."""
        drops: dict[str, list[int]] = {}
        for call in function.fact.calls:
            if call.args and call.name.rsplit("::", 1)[-1] in self.rule.settings["releases"]:
                drops.setdefault(call.args[0], []).append(call.start)
        return {name: sorted(offsets) for name, offsets in drops.items()}

    def first_await(
        self, function: Function, guard: Guard, drops: dict[str, list[int]], awaits: list[tuple[int, int]]
    ) -> int | None:
        """Offset of the first await while the guard lives, None where it is dropped or dies before."""
        own = self.contexts.of_scope(function, guard.call.scope)
        end = function.fact.scopes[guard.scope].end
        if own.kind != "async":
            return None
        own_drops = drops.get(guard.name, [])
        after = bisect_right(own_drops, guard.start)
        end = min(end, own_drops[after]) if guard.name and after < len(own_drops) else end
        for at, scope in awaits[bisect_right(awaits, (guard.start, sys.maxsize)) :]:
            if at > end:
                return None
            inside = any(index == guard.scope for index, _ in function.scopes_of(scope))
            if inside and self.contexts.of_scope(function, scope) == own:
                return at
        return None


def guard_in(function: Function) -> str:
    """The guard that a function's return type names, if any."""
    returns = function.fact.returns
    named = GUARD.search(returns[:MAX_TYPE]) if "Guard" in returns else None
    return named[1] if named else ""


def is_whole(local: Local) -> bool:
    """The binding holds the guard itself, not what a deref copied out of it."""
    return re.fullmatch(r"#\d+\??", local.init) is not None


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
