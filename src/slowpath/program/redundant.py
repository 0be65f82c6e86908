"""Indexes that another index of the same table makes needless, as the migrations leave them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.finding import Place
from slowpath.model.schema import Index, Key
from slowpath.program.schema import Catalogue, Table

BTREE = "btree"
DIRECTIONS = {"": (False, False), "asc": (False, False), "desc": (True, True)}
"""Descending, and NULLs first, as each direction implies."""


class Access(NamedTuple):
    """An index or a key, as far as it can serve instead of another."""

    title: str
    parts: tuple[str, ...]
    options: tuple[str, ...]
    include: tuple[str, ...]
    method: str
    where: str
    unique: bool
    place: Place


class Redundant(NamedTuple):
    needless: Index
    place: Place
    by: Access
    same: bool
    """Both list the same columns."""


def redundant(catalogue: Catalogue, table: Table) -> Iterator[Redundant]:
    """The table's needless indexes. Of two that are alike the later goes."""
    kept = [_of_key(key, path) for key, path in table.keys if key.kind in ("primary", "unique") and key.columns]
    indexes = [index for index in table.indexes if table.sources.get(index.name) and index.parts]
    every = [_of_index(index, table) for index in indexes]
    alike: dict[str, dict[int, Access]] = defaultdict(dict)
    for number, access in enumerate([*kept, *every]):
        alike[access.parts[0]][number - len(kept)] = access
    for number, (index, access) in reversed(list(enumerate(zip(indexes, every, strict=True)))):
        others = alike[access.parts[0]]
        by = next((other for at, other in others.items() if at != number and replaces(other, access)), None)
        if by is not None:
            del others[number]
            yield Redundant(index, access.place, by, len(by.parts) == len(access.parts))


def _of_key(key: Key, path: str) -> Access:
    title = f"the {key.kind} key ({', '.join(key.columns)})"
    return Access(title, key.columns, (), (), BTREE, "", True, Place(path, key.span))


def _of_index(index: Index, table: Table) -> Access:
    title = f"`{index.name}` ({', '.join(index.parts)})"
    place = Place(table.sources[index.name], index.span)
    method = index.method or BTREE
    return Access(title, index.parts, index.options, index.include, method, index.where, index.unique, place)


def replaces(other: Access, access: Access) -> bool:
    """Whether `other` serves all that `access` does: it begins alike, and is as strict."""
    if access.where != other.where or access.method != other.method or (access.unique and not other.unique):
        return False
    if (access.unique or access.method != BTREE) and access.parts != other.parts:
        return False
    count = len(access.parts)
    held = {*other.parts, *other.include}
    return other.parts[:count] == access.parts and held.issuperset(access.include) and _ordered(access, other)


def _ordered(access: Access, other: Access) -> bool:
    """Both are sorted alike, or one in reverse, which reads as well."""
    count = len(access.parts)
    mine = list(access.options) or [""] * count
    theirs = (list(other.options) or [""] * len(other.parts))[:count]
    if mine == theirs:
        return True
    one, two = [_direction(option) for option in mine], [_direction(option) for option in theirs]
    if None in one or None in two:
        return False
    reverse = [(not down, not first) for down, first in (pair for pair in one if pair is not None)]
    return one == two or reverse == two


def _direction(option: str) -> tuple[bool, bool] | None:
    """Descending, and NULLs first; None where the option is more than a direction."""
    direction, _, nulls = option.partition(" nulls ")
    if option.startswith("nulls "):
        direction, nulls = "", option[6:]
    if direction not in DIRECTIONS or nulls not in ("", "first", "last"):
        return None
    down, first = DIRECTIONS[direction]
    return down, (nulls == "first") if nulls else first
