"""Which values are database connections: by type where it is known, else by name."""

from __future__ import annotations

import re
from functools import cache

from slowpath.model.code import is_literal
from slowpath.program.paths import known
from slowpath.program.rust import Function, RustProgram, Site, TraitItem, Ty, TypeItem

TRANSACTION = re.compile(r"(^|[_.])(tx|txn|trx|trans|transaction\w*)($|[_.?])", re.I)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(known()["connection"][name])


def is_transaction(operand: str) -> bool:
    """Whether an operand is named as the handle of a transaction is."""
    return TRANSACTION.search(operand) is not None


class Connections:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._types: dict[int, bool] = {}
        self._known: dict[tuple[int, str, int, int], bool] = {}

    def is_connection(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Whether an operand is a connection, a pool, or something that holds or gives one."""
        if not operand or operand[0] in "|~" or is_literal(operand):
            return False
        key = (id(function), operand, at, scope)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._is_connection(function, operand, at, scope)
        return known

    def forget(self, functions: set[int], files: set[str]) -> None:
        """What is known of functions whose bodies changed, in these files."""
        self._known = {key: known for key, known in self._known.items() if key[0] not in functions}

    def _is_connection(self, function: Function, operand: str, at: int, scope: int) -> bool:
        kind = self.program.type_of(function, operand, at, scope)
        if kind is not None:
            answer = self._by_type(kind)
            if answer is not None:
                return answer
        return self._by_name(function, operand)

    def is_type(self, kind: Ty) -> bool:
        """Whether values of a type are connections or hold one, or a pair has one for its second part."""
        return bool(self._by_type(kind.args[-1] if kind.head == "()" and kind.args else kind))

    def _by_type(self, kind: Ty) -> bool | None:
        head = kind.head
        if isinstance(head, TypeItem):
            if id(head) not in self._types:
                self._types[id(head)] = False
                self._types[id(head)] = bool(_pattern("types").search(head.name)) or self._holds(head)
            return self._types[id(head)]
        if isinstance(head, TraitItem):
            return True if _pattern("types").search(head.name) else None
        if head in ("?", "()") or kind.derived:
            return None
        if head in ("Option", "Result", "Vec"):
            return self._by_type(kind.args[0]) if kind.args else None
        if _pattern("not-types").search(head):
            return False
        if _pattern("types").search(head.removesuffix("::Connection")) or _pattern("types").search(head):
            return True
        if any(self._by_type(inner) for inner in kind.args):
            return True
        return None if len(head) <= 2 else False

    def _holds(self, item: TypeItem) -> bool:
        """A wrapper or context with a connection among its fields."""
        return any(_pattern("types").search(kind.rstrip(">").rsplit("::", 1)[-1]) for _, kind in item.definition.fields)

    def _by_name(self, function: Function, operand: str) -> bool:
        if operand.startswith("#"):
            number = operand[1:].rstrip("?*").partition(".")[0]
            if not number.isdigit():
                return False
            call = function.fact.calls[int(number)]
            name = call.name.rsplit("::", 1)[-1]
            if name in (
                "unwrap",
                "expect",
                "map_err",
                "as_mut",
                "deref_mut",
                "clone",
                "into_inner",
                "as_ref",
                "get_ref",
            ):
                return self.is_connection(function, call.receiver, call.start, call.scope)
            by_key = bool(call.args) and name in ("get", "read", "write")
            return not by_key and bool(_pattern("getters").match(name))
        last = re.split(r"[.:]", operand.rstrip("?"))[-1]
        return bool(_pattern("names").search(last))

    def given(self, site: Site) -> bool:
        """Whether one of a call's arguments is a connection."""
        call = site.call
        return any(self.is_connection(site.function, arg, call.start, call.scope) for arg in call.args)

    def owned(self, site: Site) -> bool:
        """Whether the receiver of a call is a connection or holds one."""
        call = site.call
        return call.receiver != "-" and self.is_connection(site.function, call.receiver, call.start, call.scope)
