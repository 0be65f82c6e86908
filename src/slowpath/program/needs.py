"""Columns by which queries look rows up while no index begins with them.

In: a query with resolved names, and a catalogue. Out: for each of its tables, the columns of which one would do. A
table is *bounded* if an index serves one of the query's own conditions on it, or a join from a bounded table to it;
then the other conditions only filter few rows. A table that is not bounded is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from re import Pattern
from typing import NamedTuple

from slowpath.model.diesel import ALTERNATIVE, LITERAL, MANDATORY, OPTIONAL, Predicate
from slowpath.model.finding import Place
from slowpath.program.schema import Access, Catalogue, PlacedQuery, Table
from slowpath.program.sqltypes import sql_family

LOOKUPS = ("eq", "in")
FOREIGN, LOOKUP, RANGE, ORDER = range(4)
MOST = 3
"""Columns of an index that is proposed."""


class Need(NamedTuple):
    """One query's need. `rank` is FOREIGN, LOOKUP, RANGE or ORDER; `optional`: only under some condition."""

    table: str
    column: str
    function: str
    rank: int
    optional: bool
    verb: str
    within: str
    """The Rust function around the query."""
    place: Place
    rest: tuple[str, ...] = ()
    """Other columns that the query compares with values, then one that it takes a range of or sorts by."""


def split(column: str) -> tuple[str, str]:
    table, _, name = column.rpartition(".")
    return table, name


def needs(placed: PlacedQuery, catalogue: Catalogue, flags: Pattern[str] | None) -> Iterator[list[Need]]:
    """For each table, what would do; nothing if the query may have conditions that were not read."""
    query = placed.query
    if query.opaque:
        return
    view = _View(placed, catalogue, flags)
    served = {name for name, table in view.tables.items() if table is not None and view.served(name, table)}
    bounded = view.reached_from(served)
    spared = view.reached_from(served | {name for name, table in view.tables.items() if table is None})
    for name, table in view.tables.items():
        if table is None or table.view or name in spared or catalogue.tiny(table):
            continue
        candidates = list(view.candidates(name, table, bounded))
        if candidates:
            yield candidates


class _View:
    """A query before one catalogue."""

    def __init__(self, placed: PlacedQuery, catalogue: Catalogue, flags: Pattern[str] | None) -> None:
        self.path = placed.path
        self.query = placed.query
        self.catalogue = catalogue
        self.flags = flags
        names = [*self.query.tables, *(split(predicate.column)[0] for predicate in self.query.predicates)]
        self.tables = {name: catalogue.certain(name) for name in names if name}

    def joined(self, predicate: Predicate) -> str:
        """The other table's column, if the predicate joins two tables of this query."""
        other = split(predicate.value)[0]
        mine = split(predicate.column)[0]
        joins = predicate.operator == "eq" and other in self.query.tables and other != mine
        return predicate.value if joins and predicate.role == MANDATORY else ""

    def own(self, name: str, *roles: int) -> list[Predicate]:
        """Conditions on a table that no other table of the query decides."""
        return [
            predicate
            for predicate in self.query.predicates
            if split(predicate.column)[0] == name and predicate.role in roles and not self.joined(predicate)
        ]

    def reached_from(self, start: set[str]) -> set[str]:
        """Those tables, and those that joins from them reach by an index."""
        found = set(start)
        links = [(split(p.column), split(p.value)) for p in self.query.predicates if self.joined(p)]
        links += [(other, one) for one, other in links]
        grown = True
        while grown:
            grown = False
            for (one, _), (other, column) in links:
                table = self.tables.get(other)
                if one in found and other not in found and table is not None and self._leads(table, column):
                    found.add(other)
                    grown = True
        return found

    def _leads(self, table: Table, column: str) -> bool:
        return self.catalogue.leads(table, Access(column, "eq", ""))

    def served(self, name: str, table: Table) -> bool:
        own = self.own(name, MANDATORY)
        accesses = [_access(predicate) for predicate in own]
        if any(
            a.operator in (*LOOKUPS, "range", "null") and self.catalogue.leads(table, a, accesses) for a in accesses
        ):
            return True
        if any(a.operator == "other" and self.catalogue.matches(table, a.column) for a in accesses):
            return True
        branches = self.own(name, ALTERNATIVE)
        return bool(branches) and all(
            p.operator in LOOKUPS and self.catalogue.leads(table, _access(p), accesses) for p in branches
        )

    def candidates(self, name: str, table: Table, bounded: set[str]) -> Iterator[Need]:
        own = self.own(name, MANDATORY, OPTIONAL)
        for predicate in own:
            led = self.catalogue.leads(table, _access(predicate))
            if predicate.operator in LOOKUPS and not led and not self._flag(table, predicate):
                yield self._need(table, predicate.column, predicate)
        for predicate in self.query.predicates:
            other = self.joined(predicate)
            for mine, theirs in ((predicate.column, other), (other, predicate.column)):
                owner, column = split(mine)
                if other and owner == name and split(theirs)[0] in bounded and not self._leads(table, column):
                    yield self._need(table, mine, predicate)
        alone = not any(p.operator in LOOKUPS and p.role == MANDATORY for p in own) and name == self.query.tables[0]
        if alone and len(self.tables) == 1:
            yield from self._spans(name, table, own)

    def _spans(self, name: str, table: Table, own: list[Predicate]) -> Iterator[Need]:
        """A range of times that is deleted or searched, or the first rows by some order."""
        for predicate in own:
            column = table.columns.get(split(predicate.column)[1])
            family = sql_family(column.type, self.catalogue.types) if column is not None else ""
            if (
                predicate.operator == "range"
                and predicate.role == MANDATORY
                and family in ("timestamp", "timestamptz", "date")
            ):
                yield self._need(table, predicate.column, predicate)
        owner, column_name = split(self.query.order)
        if owner == name and self.query.limited and not own and not self._leads(table, column_name):
            place = Place(self.path, self.query.order_span)
            yield Need(name, column_name, "", ORDER, False, self.query.verb, self.query.function, place)

    def _need(self, table: Table, column: str, predicate: Predicate) -> Need:
        name = split(column)[1]
        foreign = not predicate.function and any(key.columns[:1] == (name,) for key, _ in table.foreign())
        rank = RANGE if predicate.operator == "range" else FOREIGN if foreign else LOOKUP
        return Need(
            table.name,
            name,
            predicate.function if column == predicate.column else "",
            rank,
            predicate.role == OPTIONAL,
            self.query.verb,
            self.query.function,
            Place(self.path, predicate.span),
            self._rest(table, predicate) if column == predicate.column and rank in (FOREIGN, LOOKUP) else (),
        )

    def _rest(self, table: Table, first: Predicate) -> tuple[str, ...]:
        """What an index that begins with the column could list after it."""
        own = [p for p in self.own(split(first.column)[0], MANDATORY) if not p.function and p.column != first.column]
        equal = [p.column for p in own if p.operator == "eq" and not self._flag(table, p)]
        ranged = [p.column for p in own if p.operator == "range"]
        owner = split(self.query.order)[0]
        sorts = self.query.limited and first.operator == "eq" and owner == split(first.column)[0]
        last = ranged[:1] or ([self.query.order] if sorts else [])
        listed = dict.fromkeys(split(column)[1] for column in (*equal[: MOST - 2], *last))
        return tuple(c for c in listed if c != split(first.column)[1] and self.catalogue.orders(table, c))

    def _flag(self, table: Table, predicate: Predicate) -> bool:
        """Few values, so that an index would not help: booleans, enums, and what is compared with a constant."""
        name = split(predicate.column)[1]
        column = table.columns.get(name)
        if column is None or predicate.value == LITERAL or (self.flags and self.flags.search(name)):
            return True
        family = sql_family(column.type, self.catalogue.types)
        return family in ("bool", "small") or self.catalogue.types.get(family, "?") == ""


def _access(predicate: Predicate) -> Access:
    return Access(split(predicate.column)[1], predicate.operator, predicate.function)
