"""Indexes and constraints of one table: the database against the migrations. schema.rs knows neither."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from slowpath.model.finding import Place
from slowpath.model.schema import Index, Key
from slowpath.program.pg_names import cut
from slowpath.program.schema import Table
from slowpath.runtime.schema_sides import MISSING, Found, Thing, What, disagreement

CAST = re.compile(
    r"::\s*(?:[\w.]+(?:\s+(?:varying|precision|with(?:out)?\s+time\s+zone))?)(?:\s*\(\s*\d+\s*\))?(?:\s*\[\s*\])?"
)
NOISE = re.compile(r"[\s()\"]+")
Kind = TypeVar("Kind", Index, Key)


def indexes(own: Table, applied: Table, full: Table | None, invalid: frozenset[str]) -> Iterator[Found]:
    """Indexes that one side lacks, that differ, that have another name, or that the database does not use."""
    pairs, ours, theirs = _paired(own.indexes, applied.indexes, _alike)
    for real, known in pairs:
        if _short(real.name) != _short(known.name):
            yield from _told(
                own, "index", real.name, shown(real), f"there as {known.name}", _place(applied, known),
                f"It is the same index under another name: a migration that names `{known.name}` fails here",
            )  # fmt: skip
    ours = [index for index in ours if not _as_key(index, applied.keys)]
    theirs = [index for index in theirs if not _as_key(index, own.keys)]
    for index in theirs:
        yield from _told(own, "index", index.name, MISSING, shown(index), _place(applied, index))
    for index in ours:
        made = full.indexes if full is not None and not any(_alike(index, each) for each in applied.indexes) else []
        later = next((each for each in made if _alike(index, each) is not False), None)
        yield from _told(own, "index", index.name, shown(index), MISSING, None, after=shown(later) if later else None)
    for index in own.indexes:
        if index.name in invalid and not own.partitioned:
            again = f"`REINDEX INDEX CONCURRENTLY {index.name}`"
            advice = f"A CREATE INDEX CONCURRENTLY failed: the index costs each write and serves no query. {again}"
            yield from _told(own, "index", index.name, "not valid", shown(index), None, advice)


def constraints(own: Table, applied: Table, full: Table | None) -> Iterator[Found]:
    """Keys that one side lacks. Checks are counted: PostgreSQL writes what they ask in words of its own."""
    real = [key for key, _ in own.keys if key.kind != "check"]
    known = [key for key, _ in applied.keys if key.kind != "check"]
    _, ours, theirs = _paired(real, known, _same)
    for key in theirs:
        if not (key.kind == "unique" and _as_index(key, own.indexes)):
            yield from _told(own, "constraint", _named(key), MISSING, described(key), _source(applied, key))
    for key in ours:
        if key.kind == "unique" and _as_index(key, applied.indexes):
            continue
        made = full.keys if full is not None and not any(_same(key, each) for each in known) else []
        later = next((each for each, _ in made if _same(key, each)), None)
        after = described(later) if later is not None else None
        yield from _told(own, "constraint", _named(key), described(key), MISSING, None, after=after)
    yield from _checks(own, applied)


def shown(index: Index) -> str:
    """As `name (column, column)`."""
    unique = "unique " if index.unique else ""
    method = f"{index.method} " if index.method not in ("", "btree") else ""
    include = f" include ({', '.join(index.include)})" if index.include else ""
    where = f" where {' '.join(index.where.split())}" if index.where else ""
    return f"{unique}{method}{index.name} ({', '.join(index.parts)}){include}{where}"


def described(key: Key) -> str:
    """What a constraint says."""
    if key.kind == "check":
        text = " ".join(key.text.split())
        return f"check {text if text[:1] == '(' or not text else f'({text})'}".strip()
    words = {"primary": "primary key", "unique": "unique", "foreign": "foreign key"}[key.kind]
    target = f" to {key.table}" if key.table else ""
    deletes = f" on delete {key.on_delete}" if key.on_delete not in ("", "no action") else ""
    return f"{words} ({', '.join(key.columns)}){target}{deletes}"


def _told(
    own: Table,
    what: What,
    name: str,
    database: str,
    applied: str,
    place: Place | None,
    instead: str = "",
    after: str | None = None,
) -> Iterator[Found]:
    """`after` is what the migrations that have yet to run make of it, where they do."""
    full = f"{own.name}.{name}"
    thing = Thing(what, full, database, applied, after or applied, None, True, False, False, place, instead)
    found = disagreement(thing)
    if found is not None:
        yield found


def _checks(own: Table, applied: Table) -> Iterator[Found]:
    """By name; what remains on both sides may be the same check under names that differ."""
    real = [key for key, _ in own.keys if key.kind == "check"]
    known = [key for key, _ in applied.keys if key.kind == "check" and key.text]
    if any(key.kind == "check" and not key.text for key, _ in applied.keys):
        return  # an exclusion, or one that was not read
    _, ours, theirs = _paired(real, known, lambda one, other: _short(one.name) == _short(other.name))
    paired = min(len(ours), len(theirs))
    if paired and len(ours) != len(theirs):
        return  # which of them is the odd one cannot be told
    for key in theirs[paired:]:
        yield from _told(own, "constraint", _named(key), MISSING, described(key), _source(applied, key))
    for key in ours[paired:]:
        yield from _told(own, "constraint", _named(key), described(key), MISSING, None)


def _paired(
    ours: Sequence[Kind], theirs: Sequence[Kind], same: Callable[[Kind, Kind], bool | None]
) -> tuple[list[tuple[Kind, Kind]], list[Kind], list[Kind]]:
    """Pairs that are the same or may be, those of one name first; and what is left of both."""
    left, right = list(ours), list(theirs)
    pairs = []
    for by_name in (True, False):
        for one in list(left):
            fits = [
                (same(one, each), number)
                for number, each in enumerate(right)
                if not by_name or _short(one.name) == _short(each.name)
            ]
            known = [number for sure, number in fits if sure]
            perhaps = [number for sure, number in fits if sure is None and by_name]
            if known or perhaps:
                pairs.append((one, right.pop((known or perhaps)[0])))
                left.remove(one)
    return pairs, left, right


def _alike(one: Index, other: Index) -> bool | None:
    """None where expressions or conditions are written so that it cannot be told."""
    if (one.unique, one.method or "btree", len(one.parts)) != (other.unique, other.method or "btree", len(other.parts)):
        return False
    if set(one.include) != set(other.include) or bool(one.where) != bool(other.where):
        return False
    sure = _plain(one.where) == _plain(other.where)
    for part, fellow in zip(one.parts, other.parts, strict=True):
        if _plain(part) != _plain(fellow):
            if not (_is_expression(part) and _is_expression(fellow)):
                return False
            sure = False
    return True if sure else None


def _is_expression(part: str) -> bool:
    return not re.fullmatch(r"\w+", part.strip('"'))


def _plain(text: str) -> str:
    """An expression without casts, parentheses and blanks."""
    return NOISE.sub("", CAST.sub("", text.lower())).replace("!=", "<>")


def _same(one: Key, other: Key) -> bool:
    return _key(one) == _key(other)


def _key(key: Key) -> tuple[str, tuple[str, ...], str, str]:
    return key.kind, key.columns, key.table, "" if key.on_delete == "no action" else key.on_delete


def _as_key(index: Index, keys: Sequence[tuple[Key, str]]) -> bool:
    """A unique index does what a unique key on these columns does."""
    wanted = (index.parts, True, "")
    return any(
        key.kind in ("unique", "primary") and (key.columns, index.unique, index.where) == wanted for key, _ in keys
    )


def _as_index(key: Key, listed: Sequence[Index]) -> bool:
    return any(index.unique and index.parts == key.columns and not index.where for index in listed)


def _short(name: str) -> str:
    return cut(name.rpartition(".")[2])


def _named(key: Key) -> str:
    return key.name or "_".join(key.columns)


def _place(table: Table, index: Index) -> Place | None:
    path = table.sources.get(index.name, "")
    return Place(path, index.span) if path else None


def _source(table: Table, key: Key) -> Place | None:
    path = next((path for own, path in table.keys if own is key), "")
    return Place(path, key.span) if path else None
