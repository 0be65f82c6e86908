"""Look-ups in a cache: what a function does after one, it does not do for each call."""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from slowpath.model.code import Call, is_literal
from slowpath.program.rust import Function, RustProgram, Site

CACHE = re.compile(r"(^|[._:])(?i:\w*cache\w*|memo\w*)($|[.?])|(^|::)[A-Z][A-Z0-9_]+$")
"""What is called a cache, or a static that something is looked up in."""
LOOKS = frozenset("get get_mut contains_key try_get".split())
KEEPS = frozenset("insert put try_insert set".split())
THROUGH = frozenset(
    "read write lock borrow borrow_mut unwrap expect as_ref as_mut clone cloned copied deref load to_string "
    "to_owned".split()
)
MAX_CHAIN = 12
"""Calls between a map and the look-up in it: locks, unwraps."""


class Kept(NamedTuple):
    """From a look-up in a map to the insertion into it: call numbers."""

    looked: int
    stored: int


class LookUps:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._first: dict[int, int] = {}
        """id(function) → its first look-up in what is called a cache"""
        self._kept: dict[int, list[Kept]] = {}

    def forget(self, functions: set[int], files: set[str]) -> None:
        """What is known of functions whose bodies changed, in these files."""
        for function in functions:
            self._first.pop(function, None)
            self._kept.pop(function, None)

    def before(self, site: Site) -> bool:
        """Whether a look-up in a cache comes first in the same function, or its result is kept in a map looked in."""
        key = id(site.function)
        if key not in self._first:
            calls = list(enumerate(site.function.fact.calls))
            asked = {handed_on(site.function, scope.subject) for scope in site.function.fact.scopes if scope.subject}
            self._first[key] = next(
                (n for n, call in calls if is_look_up(call) or (f"#{n}" in asked and self._asks(site.function, call))),
                sys.maxsize,
            )
            self._kept[key] = self._pairs(site.function)
        return self._first[key] < site.number or any(k.looked < site.number < k.stored for k in self._kept[key])

    def _asks(self, function: Function, call: Call) -> bool:
        """Whether what a branch depends on is looked up in a static map, behind its lock or not."""
        return (
            call.name in LOOKS
            and bool(call.args)
            and CACHE.search(self._root(function, call, call.receiver)) is not None
        )

    def _pairs(self, function: Function) -> list[Kept]:
        """Look-ups that an insertion of the same key into the same map follows."""
        looked: dict[tuple[str, str], int] = {}
        found = []
        for number, call in enumerate(function.fact.calls):
            if call.receiver in ("-", "") or not call.args or call.name not in LOOKS | KEEPS:
                continue
            entry = (self._root(function, call, call.receiver), self._root(function, call, call.args[0]))
            if call.name in LOOKS:
                looked.setdefault(entry, number)
            elif entry in looked and "." in entry[0] and entry[1] and not is_literal(entry[1]):
                found.append(Kept(looked[entry], number))
        return found

    def _root(self, function: Function, call: Call, operand: str) -> str:
        """The field or name behind an operand: `self.engines` for `self.engines.read().unwrap()`."""
        for _ in range(MAX_CHAIN):
            operand = operand.rstrip("?*")
            if not operand.startswith("#"):
                local = self.program.resolver.binding(function, operand, call.start, call.scope)
                if local is None or not local.init.startswith("#"):
                    return operand
                operand = local.init.rstrip("?*")
            number = operand[1:]
            if not number.isdigit() or function.fact.calls[int(number)].name not in THROUGH:
                return operand
            operand = function.fact.calls[int(number)].receiver
        return operand


def is_look_up(call: Call) -> bool:
    """Whether a call looks something up in a cache."""
    named = call.receiver not in ("-", "") and call.name.startswith(("get", "try_get", "entry"))
    return named and bool(call.args) and not call.name.endswith("_init") and CACHE.search(call.receiver) is not None


def handed_on(function: Function, operand: str) -> str:
    """The call behind what only hands its result on: `#3` for `map.get(k).cloned()`."""
    for _ in range(MAX_CHAIN):
        number = operand.rstrip("?*")[1:]
        if operand[:1] != "#" or not number.isdigit() or function.fact.calls[int(number)].name not in THROUGH:
            break
        operand = function.fact.calls[int(number)].receiver
    return operand.rstrip("?*")
