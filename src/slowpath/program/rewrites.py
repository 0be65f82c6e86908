"""Which changes of a column make PostgreSQL write its whole table anew. What is not sure does not.

Each line here was put to a server, which says "rewriting table" where it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from slowpath.model.schema import Column

NAMES = {
    "int": "int4", "integer": "int4", "serial": "int4", "serial4": "int4", "bigint": "int8", "bigserial": "int8",
    "serial8": "int8", "smallint": "int2", "smallserial": "int2", "serial2": "int2", "boolean": "bool",
    "character varying": "varchar", "char varying": "varchar", "character": "char", "bpchar": "char",
    "decimal": "numeric", "dec": "numeric", "real": "float4", "double precision": "float8", "float": "float8",
    "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
    "time without time zone": "time", "time with time zone": "timetz", "bit varying": "varbit",
}  # fmt: skip
OTHERS = frozenset("text citext uuid json jsonb bytea date inet cidr money macaddr tsvector bit".split())
KNOWN = frozenset(NAMES.values()) | OTHERS
UNLIMITED = frozenset(["text", "citext"])
STRINGS = UNLIMITED | {"varchar"}
CLOCKS = frozenset(["timestamp", "timestamptz", "time", "timetz"])
FLOATS = frozenset(["float4", "float8"])
FINEST = 6
"""The precision of a clock's type that names none."""
ALIKE = ({"timestamp", "timestamptz"}, {"inet", "cidr"})
"""Stored alike, or alike in some time zones."""
WRITTEN = re.compile(r"([a-z][a-z0-9 ]*?)(?:\(([\d, ]*)\))?( with(?:out)? time zone)?((?:\[\d*\])*)")


class Type(NamedTuple):
    name: str
    sizes: tuple[int, ...]
    array: bool


def parse(written: str) -> Type | None:
    """A built-in type by its one name."""
    match = WRITTEN.fullmatch(written)
    if match is None:
        return None
    name = (match[1] + (match[3] or "")).strip()
    name = NAMES.get(name, name)
    sizes = tuple(int(size) for size in re.findall(r"\d{1,9}", match[2] or ""))
    if name in ("char", "bit") and not sizes:
        sizes = (1,)
    if name == "numeric" and len(sizes) == 1:
        sizes = (sizes[0], 0)
    unknown = name not in KNOWN or (name in FLOATS and sizes)
    return None if unknown else Type(name, sizes, bool(match[4]))


def converts(column: str, old: str, new: str, using: str, types: Mapping[str, str]) -> bool:
    """ALTER COLUMN TYPE from `old` to `new` rewrites the table. `types` are the schema's own, domains with a base."""
    if using and using != column and not using.startswith(f"cast ( {column} as "):
        return True
    if old == new or not old:
        return False
    before, after = parse(old), parse(new)
    if before is None or after is None:
        return all(known is not None or types.get(name) == "" for known, name in ((before, old), (after, new)))
    return _differ(before, after)


def _differ(old: Type, new: Type) -> bool:
    if old == new or {old.name, new.name} in ALIKE:
        return False
    if old.array or new.array:
        return True
    if old.name in STRINGS and new.name in STRINGS:
        return bool(new.sizes) and (not old.sizes or new.sizes < old.sizes)
    return old.name != new.name or _narrower(old, new)


def _narrower(old: Type, new: Type) -> bool:
    """Of one type, whether old values may not fit, or are laid out otherwise."""
    if old.name in CLOCKS:
        return min((*new.sizes, FINEST)) < min((*old.sizes, FINEST))
    if old.name in ("char", "bit"):
        return old.sizes != new.sizes
    if not new.sizes:
        return False
    if not old.sizes or old.sizes[1:] != new.sizes[1:]:
        return True
    return new.sizes < old.sizes


def fills(column: Column, volatile: frozenset[str]) -> str:
    """Why adding the column computes a value for each row, or nothing. Constants and `now()` cost nothing."""
    if column.generated == "stored":
        return "computes it for each row"
    if column.generated == "identity" or "serial" in column.type:
        return "numbers all rows"
    return next((f"calls `{name}()` for each row" for name in column.calls if name in volatile), "")
