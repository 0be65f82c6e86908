"""What a SELECT, UPDATE or DELETE yields and compares, read with sqlglot, which is imported when first needed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slowpath.model.diesel import ALTERNATIVE, LITERAL, MANDATORY, Predicate, Query
from slowpath.model.finding import Span

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

WORTH_READING = re.compile(r"^\W*(?:SELECT|UPDATE|DELETE)\b.*\b(?:WHERE|JOIN|ORDER\s+BY)\b", re.I | re.S)
MAX_LENGTH = 20_000


def _parse(sql: str) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    if len(sql) > MAX_LENGTH:
        return None
    for dialect in ("postgres", "mysql"):
        try:
            return sqlglot.parse_one(sql, dialect=dialect)
        except (SqlglotError, RecursionError, ValueError):
            continue
    return None


def output_columns(text: str) -> list[str]:
    """The names of a query's columns, in lower case; none where a star or an unnamed expression hides one."""
    query = _parse(text.encode("latin-1", "replace").decode("utf-8", "replace"))
    names = [name.lower() for name in getattr(query, "named_selects", [])]
    return [] if "*" in names or "" in names else names


def read_query(sql: str, function: str, span: Span) -> Query | None:
    """A query on plain tables; none where a subquery, a CTE or a set operation makes its columns ambiguous."""
    if not WORTH_READING.search(sql):
        return None
    from sqlglot import exp

    tree = _parse(sql)
    if not isinstance(tree, exp.Select | exp.Update | exp.Delete) or tree.find(exp.Subquery, exp.CTE, exp.Union):
        return None
    tables = {table.alias_or_name.lower(): table.name.lower() for table in tree.find_all(exp.Table)}
    if not tables or tree.find(exp.Select) not in (None, tree):
        return None
    reader = _Reader(tables, span)
    where = tree.args.get("where")
    if where is not None:
        reader.conditions(where.this, MANDATORY)
    for join in tree.args.get("joins") or []:
        if join.args.get("on") is not None:
            reader.conditions(join.args["on"], MANDATORY)
    order = tree.args.get("order")
    first = reader.column(order.expressions[0].this) if order is not None else ""
    verb = {exp.Update: "update", exp.Delete: "delete"}.get(type(tree), "select")
    limited = tree.args.get("limit") is not None
    predicates = tuple(reader.predicates)
    if not predicates and not first:
        return None
    return Query(verb, function, span, tuple(dict.fromkeys(tables.values())), (), predicates, first, span, limited,
                 reader.opaque, (), True)  # fmt: skip


class _Reader:
    """Comparisons of a condition, columns resolved through the query's aliases."""

    def __init__(self, tables: dict[str, str], span: Span) -> None:
        self.tables = tables
        self.span = span
        self.predicates: list[Predicate] = []
        self.opaque = False

    def column(self, node: Any) -> str:
        """`table.column`, or nothing."""
        from sqlglot import exp

        if isinstance(node, exp.Cast):
            node = node.this
        if not isinstance(node, exp.Column):
            return ""
        owner = node.table.lower()
        if not owner and len(self.tables) != 1:
            return ""
        table = self.tables.get(owner, "") if owner else next(iter(self.tables.values()))
        return f"{table}.{node.name.lower()}" if table else ""

    def conditions(self, node: Expression, role: int) -> None:
        from sqlglot import exp

        for part, alternative in _branches(node):
            inner = ALTERNATIVE if alternative else role
            kinds = {exp.EQ: "eq", exp.In: "in", exp.LT: "range", exp.LTE: "range", exp.GT: "range", exp.GTE: "range",
                     exp.Between: "range"}  # fmt: skip
            operator = kinds.get(type(part), "")
            if isinstance(part, exp.Is) and isinstance(part.expression, exp.Null):
                operator = "null"
            if not operator:
                continue
            self._compare(part, operator, inner)

    def _compare(self, part: Any, operator: str, role: int) -> None:
        from sqlglot import exp

        left, function, right_side = part.this, "", part.args.get("expression")
        if isinstance(right_side, exp.Any):
            operator, right_side = "in", None
        if isinstance(left, exp.Func) and not isinstance(left, exp.Cast) and isinstance(left.this, exp.Column):
            function, left = left.key.lower(), left.this
        name, other = self.column(left), self.column(right_side)
        if not name and other:
            name, other = other, ""
        if name:
            value = other or (LITERAL if isinstance(right_side, exp.Literal | exp.Boolean) else "")
            self.predicates.append(Predicate(name, operator, value, function, role, self.span))


def _branches(node: Any) -> Iterator[tuple[Any, bool]]:
    """The comparisons under AND and OR, with whether an OR is above."""
    from sqlglot import exp

    stack: list[tuple[Any, bool]] = [(node, False)]
    while stack:
        part, alternative = stack.pop()
        if isinstance(part, exp.And | exp.Or):
            inner = alternative or isinstance(part, exp.Or)
            stack += [(part.right, inner), (part.left, inner)]
        elif isinstance(part, exp.Paren):
            stack.append((part.this, alternative))
        else:
            yield part, alternative
