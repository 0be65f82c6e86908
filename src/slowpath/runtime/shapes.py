"""Cleaned statement → what it does. Columns are resolved by the reader that the static side uses: both agree."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from slowpath.extract.sql_query import read_queries
from slowpath.model.evidence import StatementShape

MAX_LENGTH = 8_000
DEEPEST = 60
"""Parentheses: sqlglot takes a level of recursion, and time, for each."""
JSON_OPERATOR = re.compile(r"""(?<=[\w")\]] )\?[|&]?(?= ?(?:\?|\$\d|array\b))""", re.I)
"""`tags ? $1`: no value, although it looks like one."""
VALUE = re.compile(r"\$\d+|\?")
VERBS = {"select", "insert", "update", "delete"}


@lru_cache(4096)
def shape(text: str) -> StatementShape:
    """Of a text without values; empty where it is no query or is not understood."""
    tree = _parse(text)
    if tree is None:
        return StatementShape()
    from sqlglot import exp

    verb = tree.key if tree.key in VERBS else "select" if isinstance(tree, exp.Query) else "other"
    if verb == "other":
        return StatementShape(verb=verb)
    ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    queries = read_queries(_plain(tree), "", (0, 0))
    predicates = [each for query in queries for each in query.predicates]
    joins = [tuple(sorted((each.column, each.value))) for each in predicates if "." in each.value]
    return StatementShape(
        verb=verb,
        tables=tuple(dict.fromkeys(filter(None, (_name(table, ctes) for table in _tables(tree))))),
        filters=tuple(dict.fromkeys(each.column for each in predicates if "." not in each.value)),
        joins=tuple(dict.fromkeys((left, right) for left, right in joins)),
        order=tuple(query.order for query in queries[:1] if query.order),
        limited=any(tree.args.get(name) is not None for name in ("limit", "fetch")),
    )


@lru_cache(1024)
def compared(table: str, alias: str, condition: str) -> tuple[str, ...]:
    """The columns of a table that a plan's filter compares: those tested for equality first; by what an index on an
    expression would hold, where it is one: `lower(email)`."""
    if not condition:
        return ()
    quoted = f'"{table}" AS "{alias or table}"'
    tree = _parse(f"SELECT 1 FROM {quoted} WHERE {condition}")
    if tree is None:
        return ()
    queries = read_queries(_plain(tree), "", (0, 0))
    ranks = {"eq": 0, "in": 1, "null": 2, "range": 3}
    found = sorted(
        (
            each
            for query in queries[:1]
            for each in query.predicates
            if each.operator in ranks and "." not in each.value
        ),
        key=lambda each: ranks[each.operator],
    )
    named = (
        f"{each.function}({each.column.rpartition('.')[2]})" if each.function else each.column.rpartition(".")[2]
        for each in found
    )
    return tuple(dict.fromkeys(named))


def _parse(text: str) -> Any:
    if not text or len(text) > MAX_LENGTH or _depth(text) > DEEPEST:
        return None
    text = VALUE.sub("'?'", JSON_OPERATOR.sub("=", text))  # sqlglot takes `$1,$2` for a dollar quote
    import sqlglot
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)
    try:
        return sqlglot.parse_one(text, dialect="postgres")
    except (SqlglotError, RecursionError, ValueError, AttributeError, TypeError):
        return None


def _plain(tree: Any) -> str:
    """As SQL again, without the casts and parentheses that PostgreSQL puts around columns."""
    from sqlglot import exp

    def bare(node: Any) -> Any:
        inner = node
        while isinstance(inner, exp.Cast | exp.Paren):
            inner = inner.this
        return inner.copy() if inner is not node and isinstance(inner, exp.Column) else node

    try:
        return str(tree.transform(bare).sql(dialect="postgres"))
    except (RecursionError, ValueError, AttributeError, TypeError):
        return ""


def _depth(text: str) -> int:
    depth = deepest = 0
    for sign in text:
        if sign in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif sign in ")]":
            depth -= 1
    return deepest


def _tables(tree: Any) -> list[Any]:
    """The one that is written or selected from first, then those of joins and subqueries, as they are written."""
    from sqlglot import exp

    found = list(tree.find_all(exp.Table, bfs=False))
    with_ = {id(table) for cte in tree.find_all(exp.CTE) for table in cte.find_all(exp.Table)}
    target = tree.this if tree.key in ("insert", "update", "delete") else None
    first = target.find(exp.Table) if target is not None and hasattr(target, "find") else None
    return sorted(found, key=lambda table: (table is not first, id(table) in with_))


def _name(table: Any, ctes: set[str]) -> str:
    parts = [part.lower() for part in (table.db, table.name) if part]
    name = ".".join(parts).removeprefix("public.")
    return "" if name in ctes else name
