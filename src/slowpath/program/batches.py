"""A statement that runs per element → the one that does it for all of them, as code in the words of the place.

In: the call that sends the statement. Out: an expression, or nothing where the key that varies is not plain to see.
What else the statement says is kept, or shown as `…`. Read are Diesel's builders, SQL in a string, SeaORM's entities.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from slowpath.model.code import AWAITED, CHAIN_AWAITED, Call, is_literal
from slowpath.program.batched_sql import batched_sql
from slowpath.program.chains import PATH, Chain, chain, sql_of
from slowpath.program.elements import call_of
from slowpath.program.rust import Function, RustProgram, Site, TypeItem

METAVARIABLE = re.compile(r"(^|\W)_[a-z]")
"""A name in a macro's arm that each use of the macro replaces."""
SENDS = frozenset(["first", "get_result", "get_results", "load"])
ALIKE = frozenset(
    "filter find select order order_by limit first get_result get_results load optional into_boxed".split()
)
"""Steps of a query that is as well asked for many keys."""
FIXED = "="
"""Stands for a condition whose value is a literal."""
MAX_CONDITIONS = 6


class Batches:
    """`keys` are the tables of `table!` with their primary key, nothing where that has several columns."""

    def __init__(self, program: RustProgram, keys: Mapping[str, str]) -> None:
        self.program = program
        self.keys = keys

    def of(self, site: Site) -> str:
        """The statement for all elements, or nothing."""
        made = chain(self.program, site)
        sql = sql_of(made)
        if sql:
            return batched_sql(sql, self._has_arrays(site))
        code = self._entity(made) or self._diesel(made)
        return "" if METAVARIABLE.search(code) else code

    def _has_arrays(self, site: Site) -> bool:
        """Whether the database takes arrays: PostgreSQL does; the connection's type or the imports name others."""
        call = site.call
        operand = call.args[0] if call.args else call.receiver
        known = operand not in ("", "-")
        kind = str(self.program.type_of(site.function, operand, call.start, call.scope)) if known else ""
        if re.search("postgres|Pg[A-Z]", f"{kind} {site.function.name}"):
            return True
        uses = " ".join(use.path for use in self.program.facts[site.function.file].uses)
        return re.search("sqlite|mysql|maria", f"{kind} {uses} {site.function.name}", re.I) is None

    def _entity(self, made: Chain) -> str:
        """SeaORM: `Entity::find_by_id(id).one(db)` and the like."""
        first, end = made.first, made.steps[-1]
        owner, _, method = (first.name if first is not None else "").rpartition("::")
        if first is None or not owner or not end.args:
            return ""
        entity = f"{owner}::Entity" if owner[:1].islower() and not owner.endswith("Entity") else owner
        path = entity.removesuffix("Entity") if entity.endswith("::Entity") else ""
        given = made.function.path_of(end.args[0])
        sent = f"({given if PATH.match(given) else 'db'}).await?"
        if method == "insert" and end.name.startswith("exec"):
            return f"{entity}::insert_many(models){kept(made, 'on_conflict')}.exec{sent}"
        if method in ("find_by_id", "delete_by_id"):
            key = f"{path}Column::Id" if first.args and first.args[0] and self._has_id(made.function, path) else ""
            rest = kept(made, "filter")
        else:
            key, rest = compared(made)
        if method not in ("find", "find_by_id", "delete_many", "delete_by_id") or "Column::" not in key:
            return ""
        start, ending = ("find", "all") if method.startswith("find") else ("delete_many", "exec")
        return f"{entity}::{start}().filter({key}.is_in({plural(key)})){rest}.{ending}{sent}"

    def _has_id(self, function: Function, path: str) -> bool:
        """Whether an entity's key is called `id`, as far as its model can be read."""
        model = self.program.resolver.owner_type(function, f"{path}Model::id")
        if model is None or not isinstance(model.head, TypeItem):
            return True
        return any(name == "id" for name, _ in model.head.definition.fields)

    def _diesel(self, made: Chain) -> str:
        first, end = made.first, made.steps[-1]
        does = first.name.rsplit("::", 1)[-1] if first is not None else ""
        conn = made.function.path_of(end.args[0]) if end.args else ""
        awaited = ".await?" if end.flags & (AWAITED | CHAIN_AWAITED) else "?"
        sent = f"({conn if PATH.match(conn) else 'conn'}){awaited}"
        if first is not None and does == "insert_into" and first.args and made.step("values"):
            target = made.function.path_of(first.args[0])
            tail = kept(made, "on_conflict", "on_conflict_do_nothing")
            return f"{first.name}({target}).values(&rows){tail}.execute{sent}" if PATH.match(target) else ""
        if first is not None and does in ("delete", "update") and first.args:
            inner = self._target(made.function, first.args[0])
            setter = made.step("set")
            if not inner or (does == "update" and not (setter is not None and is_fixed(made.function, setter))):
                return ""
            return f"{first.name}({inner}){'.set(…)' if does == 'update' else ''}.execute{sent}"
        if made.root and end.name in SENDS and all(step.name in ALIKE for step in made.steps):
            inner, key = self._keyed(made)
            columns = f".select(({key}, …))" if made.step("select") is not None else ""
            return f"{inner}{columns}.load{sent}" if inner else ""
        return ""

    def _target(self, function: Function, operand: str) -> str:
        """`users::table.find(id)`, the target of a delete, by all keys."""
        call = call_of(function, operand)
        if call is None or call.receiver in ("-", ""):
            return ""
        return self._keyed(chain(self.program, Site(function, int(operand[1:].rstrip("?")))))[0]

    def _keyed(self, made: Chain) -> tuple[str, str]:
        """The table filtered by all keys at once, and the key."""
        found = made.step("find")
        if found is None:
            key, rest = compared(made)
        else:
            owner = made.root.removesuffix("::table")
            named = self.keys.get(owner.rsplit("::", 1)[-1], "id") if found.args and found.args[0] else ""
            key = f"{owner}::{named}" if named and "::" in made.root else named
            rest = kept(made, "filter")
        if not made.root or not key or "Column::" in key:
            return "", ""
        return f"{made.root}.filter({key}.eq_any(&{plural(key)})){rest}", key


def kept(made: Chain, *names: str) -> str:
    """A further step of a chain that the statement for all needs as well."""
    step = made.step(*names)
    return f".{step.name}({'…' if step.args else ''})" if step is not None else ""


def compared(made: Chain) -> tuple[str, str]:
    """The one column that the filters compare with a value that may vary, and the rest of them."""
    columns = [
        column
        for step in made.steps
        if step.name == "filter" and step.args
        for column in _columns(made.function, step.args[0])
    ]
    varying = [column for column in columns if column != FIXED]
    return (varying[0], ".filter(…)" if len(columns) > 1 else "") if len(varying) == 1 else ("", "")


def _columns(function: Function, operand: str, depth: int = 0) -> list[str]:
    """The columns that a condition compares, FIXED for one with a literal, an empty one where it is not understood."""
    call = call_of(function, operand)
    if call is None or depth > MAX_CONDITIONS:
        return [""]
    if call.name == "and" and call.args:
        return [*_columns(function, call.receiver, depth + 1), *_columns(function, call.args[0], depth + 1)]
    if call.name in ("eq", "is") and call.args and PATH.match(call.receiver):
        return [FIXED] if is_literal(call.args[0]) else [call.receiver]
    return [FIXED] if call.name in ("is_null", "is_not_null") else [""]


def is_fixed(function: Function, setter: Call) -> bool:
    """Whether `.set(..)` gives every row the same value."""
    given = call_of(function, setter.args[0]) if setter.args else None
    return given is not None and given.name == "eq" and bool(given.args) and is_literal(given.args[0])


def plural(column: str) -> str:
    """A name for the list of a column's values."""
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.rsplit("::", 1)[-1]).lower()
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return f"{last[:-1]}ies"
    return f"{last}es" if last.endswith(("s", "x")) else f"{last}s"
