"""What is done to rows that are loaded, where the database could do it and send fewer: count, test, filter, sort, cut.

In: the chains of methods that begin with a list of rows. Out: what all of them together make of it, or nothing where
the rows are needed.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, NamedTuple

from slowpath.model.code import Call
from slowpath.program.row_chains import Chain
from slowpath.program.rust import Function

Kind = Literal["count", "exists", "first", "filter", "find", "any", "all", "cut", "top", "max", "min", "sum"]
VIEWS = frozenset("iter into_iter iter_mut as_slice cloned copied by_ref drain".split())
SORTS = frozenset("sort sort_by sort_by_key sort_unstable sort_unstable_by sort_unstable_by_key".split())
ENDS = frozenset("first next last pop".split())
"""Methods that take the first row, or the last: `get(0)` does too, but facts do not hold which one."""
COUNTS = frozenset(["len", "count"])
FILTERS: dict[str, Kind] = {
    "filter": "filter",
    "retain": "filter",
    "find": "find",
    "any": "any",
    "all": "all",
    "position": "find",
}
AGGREGATES: dict[str, Kind] = {"max": "max", "min": "min", "sum": "sum"}
BEST: dict[str, Kind] = {"max_by_key": "top", "min_by_key": "top"}


class Reduction(NamedTuple):
    """`text` is the condition, or what is taken of each row, which it calls by one of `names`."""

    kind: Kind
    call: Call
    text: str = ""
    names: frozenset[str] = frozenset()


def reduction(function: Function, chains: list[Chain]) -> Reduction | None:
    """What becomes of the rows, if that is all."""
    if not chains:
        return None
    own = [steps(chain) for chain in chains]
    shortened = _shortened(function, chains[0], own[0])
    if shortened is not None or not all(own) or any(in_a_loop(function, chain) for chain in chains):
        return shortened
    firsts = [calls[0] for calls in own]
    names = {call.name for call in firsts}
    if names <= {*COUNTS, "is_empty"}:
        return Reduction("exists" if names == {"is_empty"} else "count", firsts[0])
    if names <= {*ENDS, "is_empty"}:
        return Reduction("first", next(call for call in firsts if call.name != "is_empty"))
    filtered = _filtered(function, firsts[0]) if len(own) == 1 else None
    return _cut(function, own) or filtered or _aggregated(function, own)


def steps(chain: Chain) -> tuple[Call, ...]:
    """What a chain does, beyond looking at the rows."""
    return tuple(call for call in chain.calls if call.name not in VIEWS)


def in_a_loop(function: Function, chain: Chain) -> bool:
    """Whether rows that were loaded before a loop are looked at in it: they stand for many queries."""
    if chain.local is None:
        return False
    for index, level in function.scopes_of(chain.calls[0].scope):
        if index == chain.local.scope:
            return False
        if level.kind in ("for", "while", "loop", "closure"):
            return True
    return False


def _shortened(function: Function, chain: Chain, own: tuple[Call, ...]) -> Reduction | None:
    """`rows.retain(..)` or `rows.truncate(n)` before all else, under no condition of its own."""
    if not own or (chain.local is not None and own[0].scope != chain.local.scope):
        return None
    return Reduction("cut", own[0]) if own[0].name == "truncate" else _filtered(function, own[0], ("retain",))


def _cut(function: Function, own: list[tuple[Call, ...]]) -> Reduction | None:
    """A sort or none, then `truncate(n)`, `take(n)`, `skip(m).take(n)` or the first row."""
    kind: Kind = "cut"
    text = ""
    for calls in own[:-1]:
        if calls[0].name not in SORTS or (calls[0].args and not plain(function, calls[0])):
            return None
        kind, text = "top", plain(function, calls[0])
    last = [call for call in own[-1] if call.name not in ("map", "rev")]
    names = [call.name for call in last[:2]]
    if names[:1] in (["take"], ["truncate"]) or names == ["skip", "take"]:
        return Reduction(kind, last[0], text)
    return Reduction("top", last[0], text) if kind == "top" and last and last[0].name in ENDS else None


def _filtered(function: Function, call: Call, names: Collection[str] = FILTERS) -> Reduction | None:
    """What keeps the rows that a comparison of their fields lets pass."""
    text = plain(function, call)
    return Reduction(FILTERS[call.name], call, text, elements(function, call)) if text and call.name in names else None


def _aggregated(function: Function, own: list[tuple[Call, ...]]) -> Reduction | None:
    """`map(|row| row.field).max()`, `max_by_key(|row| row.field)`"""
    first = own[0][0]
    text = plain(function, first)
    if len(own) > 1 or not text:
        return None
    if first.name in BEST:
        return Reduction(BEST[first.name], first, text, elements(function, first))
    second = own[0][1] if len(own[0]) > 1 else None
    if first.name == "map" and second is not None and second.name in AGGREGATES:
        return Reduction(AGGREGATES[second.name], second, text, elements(function, first))
    return None


def elements(function: Function, call: Call) -> frozenset[str]:
    """What the closure that a call is given calls its element."""
    scope = int(call.args[0][1:])
    return frozenset(local.name for local in function.fact.locals if local.scope == scope)


def plain(function: Function, call: Call) -> str:
    """The text of the closure that a call is given, if that only compares or names fields of its element."""
    arg = call.args[0] if call.args else ""
    return function.fact.scopes[int(arg[1:])].plain if arg.startswith("|") and arg[1:].isdigit() else ""
