"""What a loop goes over: whether it has elements at all, whether few, whether each is a batch, and how to call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from slowpath.model.code import Call
from slowpath.program.connections import Connections
from slowpath.program.paths import known
from slowpath.program.rust import Function, RustProgram, Site, TraitItem, TypeItem

MAX_LITERAL = 64
"""A list that somebody wrote out does not grow with the data."""
MAX_CHAIN = 40
"""Calls of one chain that are looked at."""
COLLECTIONS = frozenset(
    "Vec VecDeque HashMap BTreeMap HashSet BTreeSet IndexMap DashMap Iterator IntoIterator Stream BoxStream".split()
)
PLAIN = frozenset("iter into_iter iter_mut enumerate rev copied cloned to_vec into".split())
"""Methods that keep the number of elements."""
HANDS_ON = frozenset("clone cloned copied as_ref as_slice to_vec to_owned collect unwrap_or_default sorted".split())
"""Methods between a collection and its loop that do not say what is iterated."""


@cache
def pattern(name: str) -> re.Pattern[str]:
    return re.compile(known()["iteration"][name], re.I)


@cache
def words(name: str) -> frozenset[str]:
    return frozenset(known()["iteration"][name])


class Elements:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.connections = program.shared(Connections)

    def are_iterated(self, function: Function, operand: str, at: int, scope: int) -> bool:
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
        return operand.startswith((".", "L..", "L[")) or self.is_list(function, operand, at, scope)

    def are_few(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Few by construction: written out, values of a plain enum, parts wired up in code, databases."""
        if self._is_short(function, operand, at, scope):
            return True
        kind = self.program.type_of(function, f"{operand}[]", at, scope) if operand[:1] not in ("", ".") else None
        if kind is None:
            return False
        head = kind.head
        if self.connections.is_type(kind):
            return True  # one statement for each database
        if isinstance(head, TypeItem):
            return head.definition.kind == "enum" and not any(payload for _, payload in head.definition.fields)
        return isinstance(head, TraitItem) and not self._is_bound(function, head)

    def is_list(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Whether a value is known to be a collection."""
        kind = self.program.type_of(function, operand, at, scope)
        return kind is not None and isinstance(kind.head, str) and kind.head.rsplit("::", 1)[-1] in COLLECTIONS

    @staticmethod
    def _is_bound(function: Function, trait: TraitItem) -> bool:
        """Whether a type parameter stands for a trait: then elements are of one type, and any number."""
        generics = (*function.fact.generics, *(function.owner.generics if function.owner is not None else ()))
        bounds = [bound for _, bound in generics] + [kind for _, kind in function.fact.params if "impl " in kind]
        return any(trait.name in bound for bound in bounds)

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
            if call.receiver not in ("-", "") and call.name in PLAIN:
                return self._is_short(function, call.receiver, at, scope, depth + 1)
            number = int(operand[1:].rstrip("?"))
            if asks_catalogue(function, number):
                return True
            return any(
                self._is_short(callee, callee.fact.scopes[0].result, callee.fact.stop, 0, depth + 1)
                for callee in self.program.resolve(Site(function, number)).functions
                if callee.fact.scopes
            )
        local = self.program.resolver.binding(function, operand, at, scope)
        if local is not None:
            return self._is_short(function, local.init, local.at - 1, local.scope, depth + 1)
        return self.program.resolver.constant_init(function, operand).startswith("L[")

    def are_batches(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Chunks of a collection, also through a local."""
        call = call_of(function, operand)
        if call is None and operand:
            local = self.program.resolver.binding(function, operand, at, scope)
            call = call_of(function, local.init) if local is not None else None
        while call is not None:
            if pattern("chunked").search(call.name.rsplit("::", 1)[-1]):
                return True
            call = call_of(function, call.receiver)
        return False

    def name(self, function: Function, operand: str) -> str:
        """How to call what is iterated."""
        operand = base_of(function, operand)
        call = call_of(function, operand)
        for _ in range(MAX_CHAIN):  # an adaptor that is not known stands on one that is
            below = call_of(function, call.receiver) if call is not None else None
            if call is None or below is None or below.name not in words("sources"):
                break
            operand = base_of(function, call.receiver)
            call = call_of(function, operand)
        if call is not None:
            return f"`{call.name.rsplit('::', 1)[-1]}(..)`"
        if operand[:1] == "L":
            return "the elements"
        if operand == "..":
            return "a range of numbers"
        return f"`{operand.replace('[]', '').replace('?', '')}`" if operand.strip("[]?") else "the elements"


def asks_catalogue(function: Function, number: int) -> bool:
    """Whether a call yields what the database knows of itself."""
    texts = (arg for _, call in down(function, f"#{number}") for arg in call.args if arg[:1] == '"')
    return any(pattern("catalogue").search(text) for text in texts)


def base_of(function: Function, operand: str) -> str:
    """Down a chain of adaptors to what it iterates."""
    for _ in range(MAX_CHAIN):
        call = call_of(function, operand)
        if (
            call is None
            or call.receiver in ("-", "")
            or call.name not in words("sources") | words("adaptors") | HANDS_ON
        ):
            return operand
        operand = call.receiver
    return operand


def down(function: Function, operand: str) -> Iterator[tuple[int, Call]]:
    """The calls of a chain with their numbers, from the one whose result an operand is to its root."""
    for _ in range(MAX_CHAIN):
        call = call_of(function, operand)
        if call is None:
            return
        yield int(operand[1:].rstrip("?")), call
        operand = call.receiver


def call_of(function: Function, operand: str) -> Call | None:
    """The call whose result an operand is."""
    if not operand.startswith("#"):
        return None
    digits = re.match(r"#(\d+)\??$", operand)
    return function.fact.calls[int(digits[1])] if digits else None
