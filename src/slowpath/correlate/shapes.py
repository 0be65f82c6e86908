"""Statements of the source as shapes: verb, tables, columns compared, order and limit.

A shape comes from the facts of the query that a call sends, as far as they were read; else from its builder or text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.extract.sql_query import read_queries
from slowpath.model.code import MAX_SQL
from slowpath.model.diesel import MANDATORY, Query
from slowpath.model.finding import Place
from slowpath.model.rust import RustFacts
from slowpath.program import Program
from slowpath.program.chains import chain, sql_of, template_of, verb
from slowpath.program.elements import call_of
from slowpath.program.placed import Placed
from slowpath.program.queries import QueryLoops, Sent
from slowpath.program.rust import Function, Site, TypeItem

COMPARED = frozenset(["eq", "in", "range"])
"""Operators that a statement's shape surely lists."""
KNOWN = frozenset(
    "find select first limit load get_result get_results execute values set returning on_conflict do_nothing "
    "on_conflict_do_nothing optional load_iter load_stream offset for_update for_share into_boxed distinct count "
    "default_values table model".split()
)
"""Steps of a builder that compare and sort nothing but a primary key."""
MODEL = "model"
MAX_STEPS = 60
NAME = re.compile(r"[a-z_]\w*$")
TABLE = re.compile(r'\b(?:from|into|update|join)\s+(?:only\s+)?"?((?:\w+"?\."?)?\w+)"?', re.I)
CONDITIONS = re.compile(r"\b(where|join|order\s+by|limit|having|union)\b", re.I)


class Shape(NamedTuple):
    """What the source says of a statement. `whole`: it says all that there is."""

    verb: str
    tables: frozenset[str]
    filters: frozenset[str]
    """Columns that it compares for sure, as `table.column`."""
    perhaps: frozenset[str] = frozenset()
    """Columns that it may compare."""
    order: str = ""
    limited: bool = False
    whole: bool = True


class Asked(NamedTuple):
    """A statement of the source, and the function that sends it."""

    function: Function
    place: Place
    shape: Shape | None


class Shapes:
    """The statements of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.rust = program.rust
        self.placed = Placed(program)
        facts = {f.path: f.facts.diesel for f in program.of("rust") if isinstance(f.facts, RustFacts)}
        macros = [macro for each in facts.values() for macro in each.tables]
        self.tables = {macro.rust.lower(): name(macro.name) for macro in macros}
        """Rust's name of a table → the database's."""
        self.keys = {name(macro.name): macro.primary for macro in macros}
        models = [model for each in facts.values() for model in each.models]
        self.models = {
            model.name: self.tables[model.table.lower()] for model in models if model.table.lower() in self.tables
        }
        """A struct that stands for a row → its table."""
        self.columns = {(name(m.name), column.rust.lower()): column.name for m in macros for column in m.columns}
        """(table, Rust's name of a column) → the database's."""
        self._written = {path: each.queries for path, each in facts.items()}
        self._sites: dict[tuple[int, int], Shape | None] = {}

    def sites(self) -> Iterator[Site]:
        """Every call of the program that sends a statement."""
        sent = self.rust.shared(Sent)
        yield from {site.key: site for site in (*sent.reads, *sent.writes)}.values()

    def at(self, place: Place) -> Asked | None:
        """The statement that a place stands in: a condition, a text, or what sends it."""
        function = self.rust.around(place)
        if function is None:
            return None
        site = self.sent(place)
        if site is not None:
            return self.of(site)
        around = [p for p in self.program.schema.queries if p.path == place.path and _holds(p.query.span, place.span)]
        if around:
            nearest = min(around, key=lambda placed: placed.query.span[1] - placed.query.span[0])
            return Asked(function, place, shape_of(nearest.query))
        chains = [s for s in self._of_function.get(id(function), ()) if _holds((s.call.head, s.call.end), place.span)]
        return self.of(min(chains, key=lambda site: site.call.end - site.call.head)) if chains else None

    def sent(self, place: Place) -> Site | None:
        """The call at a place, if it sends a statement."""
        function = self.rust.around(place)
        own = self._of_function.get(id(function), ()) if function is not None else ()
        return next((site for site in own if site.place == place), None)

    @cached_property
    def _of_function(self) -> dict[int, list[Site]]:
        found: dict[int, list[Site]] = {}
        for site in self.sites():
            found.setdefault(id(site.function), []).append(site)
        return found

    def of(self, site: Site) -> Asked:
        if site.key not in self._sites:
            self._sites[site.key] = self._read(site)
        return Asked(site.function, site.place, self._sites[site.key])

    def _read(self, site: Site) -> Shape | None:
        placed = self.placed.of(site)
        if placed is not None:
            return shape_of(placed.query)
        own = (site.call.head, site.call.end)
        near = [q for q in self._written.get(site.function.file, ()) if _holds(own, q.span) or _holds(q.span, own)]
        if near:
            nearest = min(near, key=lambda query: abs(query.span[0] - own[0]) + abs(query.span[1] - own[1]))
            return shape_of(nearest) if nearest.sql else self._unplaced(nearest)
        made = chain(self.rust, site)
        text = sql_of(made) or template_of(made)
        return _of_text(text) if text else self._built(site)

    def _unplaced(self, query: Query) -> Shape:
        """A builder's facts where no migrations describe its tables: as `table!` and the models have them."""
        tables = [self.models.get(each[:-1], "") if each[-1:] == "!" else self._table(each) for each in query.tables]
        base = tables[0] if tables else ""
        sure: set[str] = set()
        perhaps: set[str] = set()
        whole = not query.opaque and not query.joins and bool(tables) and all(tables)
        for predicate in query.predicates:
            owner, _, column = predicate.column.rpartition(".")
            table = self._table(owner) if owner else base
            key = self.keys.get(base, ())
            if predicate.operator == "find" and key:
                sure.update(f"{base}.{part}" for part in key)
            elif predicate.column[-1:] == "!" or not table or (table, column.lower()) not in self.columns:
                whole = False
            else:
                certain = predicate.role == MANDATORY and predicate.operator in COMPARED and not predicate.function
                joined = "." in predicate.value
                (sure if certain and not joined else perhaps).add(f"{table}.{self.columns[table, column.lower()]}")
        order = query.order.rpartition(".")[2]
        ordered = f"{base}.{self.columns.get((base, order.lower()), order)}" if order else ""
        found = frozenset(filter(None, tables))
        return Shape(query.verb, found, frozenset(sure), frozenset(perhaps - sure), ordered, query.limited, whole)

    def _built(self, site: Site) -> Shape | None:
        """A builder that compares nothing but a primary key: else its facts would tell of it, with a schema at hand."""
        made = chain(self.rust, site)
        kind = verb(self.rust, site) if self.rust.shared(QueryLoops).is_write(site) else "select"
        first = made.first
        at, scope = site.call.start, site.call.scope
        steps = [step.name for step in made.steps]
        operand = first.args[0] if first is not None and first.args else made.root
        target = self._target(made.function, operand, at, scope)
        if target is None:
            return None
        table, inner = target
        steps += inner
        by_key = "find" in steps or inner == [MODEL]
        key = self.keys.get(table, ())
        filters = frozenset(f"{table}.{column}" for column in key) if by_key else frozenset[str]()
        whole = KNOWN.issuperset(steps) and not (by_key and not key)
        return Shape(
            kind,
            frozenset([table]),
            filters,
            limited=not {"first", "limit"}.isdisjoint(steps),
            whole=whole and kind in ("select", "insert", "update", "delete"),
        )

    def _target(self, function: Function, operand: str, at: int, scope: int) -> tuple[str, list[str]] | None:
        """The table that a builder begins with, and the steps up to there; a model stands for its row by MODEL."""
        steps: list[str] = []
        for _ in range(MAX_STEPS):
            operand = operand.rstrip("?*")
            call = call_of(function, operand)
            if call is not None and call.receiver != "-":
                steps.append(call.name)
                operand, at, scope = call.receiver, call.start, call.scope
                continue
            table = self._table(function.path_of(operand))
            if table:
                return table, steps
            kind = self.rust.type_of(function, operand, at, scope) if NAME.match(operand) else None
            if kind is not None and isinstance(kind.head, TypeItem) and kind.head.name in self.models:
                return self.models[kind.head.name], [*steps, MODEL]
            local = self.rust.resolver.binding(function, operand, at, scope) if NAME.match(operand) else None
            if local is None:
                return None
            operand, at, scope = local.init, local.at - 1, local.scope
        return None

    def _table(self, path: str) -> str:
        segments = [part.lower() for part in path.lstrip(".").split("::") if part not in ("table", "dsl")]
        return self.tables.get(segments[-1], "") if segments else ""


def shape_of(query: Query) -> Shape:
    """A query's facts as a shape."""
    tables = frozenset(name(table) for table in query.tables if table)
    own = [p for p in query.predicates if p.column and "." not in p.value]
    sure = [p.column for p in own if p.role == MANDATORY and p.operator in COMPARED and not p.function]
    every = [column for p in query.predicates for column in (p.column, p.value) if "." in column]
    filters = frozenset(full(column, tables) for column in sure)
    return Shape(
        query.verb,
        tables,
        filters,
        frozenset(full(column, tables) for column in every) - filters,
        full(query.order, tables) if query.order else "",
        query.limited,
        whole=not query.opaque and bool(query.tables) and all(query.tables),
    )


def _of_text(text: str) -> Shape | None:
    """A statement in SQL, as far as its text is known."""
    if "{" not in text and len(text) < MAX_SQL and CONDITIONS.search(text):
        found = read_queries(text, "", (0, 0))
        return shape_of(found[0]) if len(found) == 1 else None
    kind = text.split(maxsplit=1)[0].lower()
    tables = frozenset(name(found) for found in TABLE.findall(text))
    if not tables or "{" in "".join(tables) or kind not in ("select", "insert", "update", "delete"):
        return None
    return Shape(kind, tables, frozenset(), whole="{" not in text and CONDITIONS.search(text) is None)


def name(written: str) -> str:
    """A table or column as shapes write it: lower case, without quotes and the schema `public`."""
    return written.replace('"', "").lower().removeprefix("public.").lstrip(".")


def full(column: str, tables: Collection[str]) -> str:
    bare = name(column)
    return f"{next(iter(tables))}.{bare}" if "." not in bare and len(tables) == 1 else bare


def _holds(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[0] and other[1] <= one[1]
