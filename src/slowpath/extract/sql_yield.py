"""The columns that a query yields, with the type of each or the column that it comes from, as far as its text tells."""

from __future__ import annotations

from typing import Any, NamedTuple

DEEPEST = 8


class Output(NamedTuple):
    """A column by name; `type` as SQL, or `source` as `table.column`, or neither."""

    name: str
    type: str = ""
    source: str = ""


def outputs(query: Any) -> list[Output]:
    """What a parsed query yields, some perhaps without a name; nothing where a star hides columns."""
    from sqlglot import exp

    selected = _selects(query)
    if any(expression.is_star for expression in selected):
        return []
    return [
        _typed(each, query, "" if isinstance(each, exp.Literal) else each.output_name.lower(), 0) for each in selected
    ]


def _selects(query: Any) -> list[Any]:
    """The expressions of a SELECT, or of the first one of a union."""
    from sqlglot import exp

    for _ in range(DEEPEST):
        if isinstance(query, exp.Select):
            return list(query.expressions)
        query = query.this if isinstance(query, exp.SetOperation | exp.Subquery) else None
    return []


def _typed(node: Any, query: Any, name: str, depth: int) -> Output:
    from sqlglot import exp

    while isinstance(node, exp.Alias | exp.Paren | exp.Max | exp.Min | exp.Coalesce | exp.Distinct):
        node = node.expressions[0] if isinstance(node, exp.Distinct) and node.expressions else node.this
    if isinstance(node, exp.Cast):
        return Output(name, node.to.sql(dialect="postgres").lower())
    if isinstance(node, exp.Count):
        return Output(name, "bigint")
    if isinstance(node, exp.Predicate | exp.And | exp.Or | exp.Not | exp.Boolean):
        return Output(name, "boolean")
    return _column(node, query, name, depth) if isinstance(node, exp.Column) and depth < DEEPEST else Output(name)


def _column(node: Any, query: Any, name: str, depth: int) -> Output:
    """Where a column comes from: a table, or a query in FROM that is looked through."""
    from sqlglot import exp

    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    origin = query.args.get("from_") or query.args.get("from")
    sources = [origin.this, *(join.this for join in query.args.get("joins") or [])] if origin is not None else []
    owner = node.table.lower()
    owners = [source for source in sources if source.alias_or_name.lower() == owner] if owner else sources
    if len(owners) != 1:
        return Output(name)
    (source,) = owners
    if isinstance(source, exp.Table):
        return Output(name, source=f"{source.name}.{node.name}".lower())
    if isinstance(source, exp.Subquery):
        inner = [each for each in _selects(source) if each.alias_or_name.lower() == node.name.lower()]
        return _typed(inner[0], source, name, depth + 1) if len(inner) == 1 else Output(name)
    return Output(name)
