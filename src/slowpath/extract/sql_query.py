"""What SELECTs, UPDATEs and DELETEs yield and compare, read with sqlglot, which is imported when first needed."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

from slowpath.extract.sql_yield import Output, outputs
from slowpath.model.diesel import ALTERNATIVE, LITERAL, MANDATORY, OPTIONAL, Predicate, Query
from slowpath.model.finding import Span

BEFORE = re.compile(r"(?:\s|\(|--[^\n]*(?:\n|$))*+")
VERB = re.compile(r"(?:SELECT|UPDATE|DELETE|INSERT|WITH)\b", re.I)
CLAUSE = re.compile(r"\b(?:WHERE|JOIN|ORDER\s+BY)\b", re.I)
MAX_LENGTH = 20_000
NUMBERED = re.compile(r"\?\d+\b")
"""SQLite's placeholders, which sqlglot does not know."""
VERBS = {"update": "update", "delete": "delete"}


def worth_reading(sql: str) -> bool:
    """Whether a text is a query that looks rows up, or sorts them; comments may stand before it."""
    before = BEFORE.match(sql)
    verb = VERB.match(sql, before.end() if before else 0)
    return verb is not None and CLAUSE.search(sql, verb.end()) is not None


def _parse(sql: str) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    if len(sql) > MAX_LENGTH:
        return None
    sql = NUMBERED.sub("?", sql)
    for dialect in ("postgres", "mysql"):
        try:
            return sqlglot.parse_one(sql, dialect=dialect)
        except (SqlglotError, RecursionError, ValueError):
            continue
    return None


def output_columns(text: str, names: list[str] | None = None) -> list[Output]:
    """What a query yields, under other names if such are given; nothing where one of its columns has none."""
    found = outputs(_parse(text.encode("latin-1", "replace").decode("utf-8", "replace")))
    if names:
        return [each._replace(name=own) for each, own in zip(found or map(Output, names), names, strict=False)]
    return found if all(each.name for each in found) else []


def read_queries(sql: str, function: str, span: Span) -> list[Query]:
    """The queries of a statement: it, and those in its subqueries and CTEs. `span` is the place of each."""
    if not worth_reading(sql):
        return []
    from sqlglot import exp

    tree = _parse(sql)
    if tree is None:
        return []
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    found = (_Reader(node, ctes, span).query(function) for node in tree.find_all(exp.Select, exp.Update, exp.Delete))
    return [query for query in found if query is not None]


class _Reader:
    """One SELECT, UPDATE or DELETE, without those inside it. Its columns are resolved through its aliases."""

    def __init__(self, node: Any, ctes: set[str], span: Span) -> None:
        self.node = node
        self.span = span
        self.predicates: list[Predicate] = []
        self.opaque = False
        self.tables: dict[str, str] = {}
        for source in _sources(node):
            if hasattr(source, "alias_or_name"):  # a statement that goes wrong has other things here
                self._source(source, ctes)

    def _source(self, source: Any, ctes: set[str]) -> None:
        """A derived table, and one of a CTE, has no name."""
        from sqlglot import exp

        plain = isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier)
        name = ".".join(part for part in (source.db, source.name) if part).lower() if plain else ""
        known = name.removeprefix("public.").removeprefix("main.") if name not in ctes else ""
        self.tables[source.alias_or_name.lower()] = known

    def query(self, function: str) -> Query | None:
        """What was read; nothing where no table, or nothing about one, was."""
        node = self.node
        if node.args.get("where") is not None:
            self._conditions(node.args["where"].this)
        for join in _joins(node):
            if join.args.get("on") is not None:
                self._conditions(join.args["on"])
            self._using(join)
        sums = node.args.get("group") or node.args.get("distinct")
        order = None if sums else node.args.get("order")
        first = self.column(order.expressions[0].this) if order is not None else ""
        tables = tuple(dict.fromkeys(filter(None, self.tables.values())))
        if not tables or not (self.predicates or first):
            return None
        limited = node.args.get("limit") is not None
        return Query(VERBS.get(node.key, "select"), function, self.span, tables, (), tuple(self.predicates), first,
                     self.span, limited, self.opaque, (), True)  # fmt: skip

    def column(self, node: Any) -> str:
        """`table.column`; `.column` where one of several tables has it; nothing for all else."""
        from sqlglot import exp

        if isinstance(node, exp.Cast | exp.Paren):
            node = node.this
        if not isinstance(node, exp.Column) or node.name.startswith("$"):
            return ""
        owner, name = node.table.lower(), node.name.lower()
        if owner or len(self.tables) == 1:
            table = self.tables.get(owner, "") if owner else next(iter(self.tables.values()))
            return f"{table}.{name}" if table else ""
        return f".{name}" if all(self.tables.values()) else ""

    def _using(self, join: Any) -> None:
        """JOIN … USING (columns): the joined table's with that of the first one."""
        first, joined = next(iter(self.tables.values())), self.tables.get(join.this.alias_or_name.lower(), "")
        for identifier in join.args.get("using") or []:
            name = identifier.name.lower()
            if first and joined and len(self.tables) == 2:
                self._add(f"{joined}.{name}", "eq", f"{first}.{name}", MANDATORY)
            else:
                self.opaque = True

    def _conditions(self, node: Any) -> None:
        from sqlglot import exp

        kinds = {exp.EQ: "eq", exp.In: "in", exp.LT: "range", exp.LTE: "range", exp.GT: "range", exp.GTE: "range",
                 exp.Between: "range"}  # fmt: skip
        for part, alternative in _branches(node):
            role = ALTERNATIVE if alternative else MANDATORY
            operator = kinds.get(type(part), "")
            if isinstance(part, exp.Is) and isinstance(part.expression, exp.Null):
                operator = "null"
            if isinstance(part, exp.Like | exp.ILike) and _leads_with_any(part.expression):
                operator = "contains"
            if operator:
                self._compare(part, operator, role)
            else:
                self._touch(part, role)

    def _touch(self, part: Any, role: int) -> None:
        """Columns that something else than a comparison speaks of."""
        from sqlglot import exp

        for column in dict.fromkeys(map(self.column, part.find_all(exp.Column) if part is not None else ())):
            if column:
                self._add(column, "other", "", role)

    def _compare(self, part: Any, operator: str, role: int) -> None:
        from sqlglot import exp

        left, value = part.this, part.args.get("expression")
        if isinstance(value, exp.Any) and self._reads(value):
            self._touch(part, role)
            return
        if isinstance(value, exp.Any):
            operator, value = "in", value.this
        if not self._reads(left) and self._reads(value):
            left, value = value, left
        if operator == "in" and role == MANDATORY and (part.args.get("query") or isinstance(value, exp.Subquery)):
            role = OPTIONAL  # few values or many: nobody knows
        function = ""
        if isinstance(left, exp.Func) and isinstance(left.this, exp.Column):
            function, left = left.key.lower(), left.this
        name, other = self.column(left), self.column(value)
        if self._foreign(left) or (self._reads(value) and not other):
            self.opaque = True
        elif name:
            literal = isinstance(value, exp.Literal | exp.Boolean)
            self._add(name, operator, other or (LITERAL if literal else ""), role, function)

    def _reads(self, node: Any) -> bool:
        """Columns of this query stand in an expression, subqueries aside."""
        from sqlglot import exp

        return node is not None and any(
            column.find_ancestor(exp.Select, exp.Update, exp.Delete) is self.node and not column.name.startswith("$")
            for column in node.find_all(exp.Column)
        )

    def _foreign(self, node: Any) -> bool:
        """A column of a table that is not here: of a derived one, or of the query around this one."""
        from sqlglot import exp

        bare = node.this if isinstance(node, exp.Cast | exp.Paren) else node
        return isinstance(bare, exp.Column) and not bare.name.startswith("$") and not self.column(bare)

    def _add(self, column: str, operator: str, value: str, role: int, function: str = "") -> None:
        self.predicates.append(Predicate(column, operator, value, function, role, self.span))


def _joins(node: Any) -> list[Any]:
    """The joins of a query; those of an UPDATE or DELETE hang on its tables, others may stand in parentheses."""
    origin = node.args.get("from_") or node.args.get("from")
    holders = [node, node.this, *_within(origin.this if origin is not None else None), *(node.args.get("using") or [])]
    found = [join for holder in holders if hasattr(holder, "args") for join in holder.args.get("joins") or []]
    for join in found:
        found += [inner for holder in _within(join.this) for inner in holder.args.get("joins") or []]
    return found


def _within(source: Any) -> list[Any]:
    """A source, and what stands in its parentheses: `(a JOIN b ON …)`, as Diesel writes each join."""
    from sqlglot import exp

    found = [source] if source is not None else []
    while found and _in_parentheses(found[-1]):
        found.append(found[-1].this)
    return [each for each in found if isinstance(each, exp.Expression)]


def _in_parentheses(source: Any) -> bool:
    from sqlglot import exp

    return isinstance(source, exp.Subquery) and not source.alias and isinstance(source.this, exp.Table | exp.Subquery)


def _sources(node: Any) -> Iterator[Any]:
    """What a query reads from."""
    if node.key in VERBS:
        yield node.this
    origin = node.args.get("from_") or node.args.get("from")
    if origin is not None:
        yield (_within(origin.this) or [origin.this])[-1]
    yield from node.args.get("using") or []
    yield from ((_within(join.this) or [join.this])[-1] for join in _joins(node))
    yield from node.args.get("laterals") or []


def _leads_with_any(pattern: Any) -> bool:
    """`'%' || $1`, `CONCAT('%', ?)`, `'%word'`: what begins with anything."""
    from sqlglot import exp

    first = next((node for node in pattern.walk(bfs=False) if isinstance(node, exp.Literal)), None)
    return first is not None and first.is_string and first.this.startswith("%")


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
