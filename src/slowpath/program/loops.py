"""The loop that runs a call once per element, if any: `for`, draining `while let`, iterator and stream closures.

Chunks, pages, retries, polling, short literal lists and searches that end at the first hit are none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from slowpath.model.code import Call, Scope
from slowpath.model.finding import Place
from slowpath.program.paths import known
from slowpath.program.rust import Function, RustProgram, Site

MAX_LITERAL = 64
"""A list that somebody wrote out does not grow with the data."""
COLLECTIONS = frozenset(
    "Vec VecDeque HashMap BTreeMap HashSet BTreeSet IndexMap DashMap Iterator IntoIterator Stream BoxStream".split()
)


HANDS_ON = frozenset("clone cloned copied as_ref as_slice to_vec to_owned collect unwrap_or_default sorted".split())
"""Methods between a collection and its loop that do not say what is iterated."""


class Loop(NamedTuple):
    """`scope` is the body's; `head` the first line of the loop or chain; `over` names what is iterated."""

    function: Function
    scope: int
    head: Place
    over: str


@cache
def words(name: str) -> frozenset[str]:
    return frozenset(known()["iteration"][name])


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


class Loops:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._per_call: dict[tuple[int, int], bool] = {}
        self._indexes: dict[int, Index] = {}

    def around(self, site: Site) -> Loop | None:
        """The innermost loop per element around a call; None where there is none, or where a closer one is harmless."""
        return self.around_scope(site.function, site.call.scope, site.call.start)

    def around_scope(self, function: Function, scope: int, at: int) -> Loop | None:
        """The same for what stands at a byte offset in a scope."""
        for index, level in function.scopes_of(scope):
            if level.kind == "for":
                return self._for(function, index, level, at)
            if level.kind == "while":
                return self._while(function, index, level)
            if level.kind == "loop":
                return None
            if level.kind == "closure":
                loop = self.of_closure(function, index)
                if loop is not None:
                    return loop
        return None

    def _for(self, function: Function, index: int, level: Scope, at: int) -> Loop | None:
        given = (function, level.subject, level.start, level.parent)
        if self._is_short(*given) or self._is_batched(*given):
            return None
        if self._is_retry(function, index, level.subject) or self._is_search(function, index, at):
            return None
        place = Place(function.file, (level.start, level.start + 3))
        return Loop(function, index, place, self._over(function, level.subject))

    def _while(self, function: Function, index: int, level: Scope) -> Loop | None:
        call = call_of(function, level.subject)
        if call is None or call.name not in words("pops") or call.args or call.flags:
            return None
        place = Place(function.file, (level.start, level.start + 5))
        return Loop(function, index, place, self._over(function, call.receiver))

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
            if not self.is_iterator(function, call.receiver, call.start, call.scope):
                return None
            if self._is_batched(function, call.receiver, call.start, call.scope) or self._is_short(
                function, base_of(function, call.receiver), call.start, call.scope
            ):
                return None
            return Loop(function, scope, head, self._over(function, base_of(function, call.receiver)))
        position = call.args.index(operand) + (1 if call.receiver != "-" else 0)
        for callee in self.program.resolve(site).functions:
            if self._loops_param(callee, position):
                return Loop(function, scope, head, callee.name)
        return None

    def _loops_param(self, function: Function, position: int) -> bool:
        """Whether a function calls its closure parameter once per element of a loop."""
        key = (id(function), position)
        if key not in self._per_call:
            self._per_call[key] = False
            params = function.fact.params
            name = params[position][0] if position < len(params) else ""
            self._per_call[key] = bool(name) and any(
                call.receiver == "-" and call.name == name and self.around(Site(function, number)) is not None
                for number, call in enumerate(function.fact.calls)
            )
        return self._per_call[key]

    def is_iterator(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Positive evidence that a value has elements, and is no Option or Result."""
        seen = operand
        while True:
            call = call_of(function, seen)
            if call is None:
                break
            name = call.name.rsplit("::", 1)[-1]
            if name in words("sources") or call.name in ("stream::iter", "futures::stream::iter"):
                return True
            if call.receiver in ("-", ""):
                break
            if name in ("first", "last", "pop", "next", "find", "get", "ok", "and_then", "filter_map_ok"):
                break
            seen = call.receiver
        if operand.startswith((".", "L..", "L[")):
            return True
        kind = self.program.type_of(function, operand, at, scope)
        return kind is not None and isinstance(kind.head, str) and kind.head.rsplit("::", 1)[-1] in COLLECTIONS

    def _is_short(self, function: Function, operand: str, at: int, scope: int, depth: int = 0) -> bool:
        """A literal list or range, also through a local, a constant, or a function that returns one."""
        if operand.startswith("L.."):
            return True
        if operand.startswith("L["):
            count = re.match(r"L\[(\d+)\b(?!\[)", operand)
            return count is not None and int(count[1][:9]) <= MAX_LITERAL
        if depth > 4 or not operand:
            return False
        call = call_of(function, operand)
        if call is not None:
            if call.receiver not in ("-", ""):
                plain = call.name in (
                    "iter",
                    "into_iter",
                    "iter_mut",
                    "enumerate",
                    "rev",
                    "copied",
                    "cloned",
                    "to_vec",
                    "into",
                )
                return plain and self._is_short(function, call.receiver, at, scope, depth + 1)
            number = int(operand[1:].rstrip("?"))
            return any(
                self._is_short(callee, callee.fact.scopes[0].result, callee.fact.stop, 0, depth + 1)
                for callee in self.program.resolve(Site(function, number)).functions
                if callee.fact.scopes
            )
        local = self.program.resolver.binding(function, operand, at, scope)
        if local is not None:
            return self._is_short(function, local.init, local.at - 1, local.scope, depth + 1)
        return self.program.resolver.constant_init(function, operand).startswith("L[")

    def _is_batched(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Chunks of a collection, also through a local."""
        call = call_of(function, operand)
        if call is None and operand:
            local = self.program.resolver.binding(function, operand, at, scope)
            call = call_of(function, local.init) if local is not None else None
        while call is not None:
            if call.name in words("chunked"):
                return True
            call = call_of(function, call.receiver)
        return False

    def _is_retry(self, function: Function, scope: int, subject: str) -> bool:
        if not subject.startswith(("..", "L..")):
            return False
        names = self._index(function).names.get(scope, ())
        return not names or any(retries().search(name) or name.startswith("_") for name in names)

    def _is_search(self, function: Function, scope: int, at: int) -> bool:
        """The loop is left, and not by an error, after the call."""
        return self._index(function).left.get(scope, -1) > at

    def _over(self, function: Function, operand: str) -> str:
        """How to name what is iterated."""
        operand = base_of(function, operand)
        call = call_of(function, operand)
        if call is not None:
            return f"{call.name.rsplit('::', 1)[-1]}(..)"
        return operand.replace("[]", "").replace("?", "") or "the elements"


def base_of(function: Function, operand: str) -> str:
    """Down a chain of adaptors to what it iterates."""
    for _ in range(40):
        call = call_of(function, operand)
        if (
            call is None
            or call.receiver in ("-", "")
            or call.name not in words("sources") | words("adaptors") | HANDS_ON
        ):
            return operand
        operand = call.receiver
    return operand


def call_of(function: Function, operand: str) -> Call | None:
    """The call whose result an operand is."""
    if not operand.startswith("#"):
        return None
    digits = re.match(r"#(\d+)\??$", operand)
    return function.fact.calls[int(digits[1])] if digits else None
