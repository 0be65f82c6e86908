"""Searches for a word in the middle of a column that no index of trigrams or words serves."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import Endpoints, reached
from slowpath.program.patterns import Search, searches


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per function and table, where an endpoint leads there."""
    if not program.of("rust"):
        return
    endpoints = program.rust.shared(Endpoints)
    for search in searches(program):
        routes = endpoints.of(search.function)
        table = search.table
        first = table.columns.get(search.columns[0])
        yield rule.finding(
            search.places[0],
            function=search.function.name,
            confidence=weakest(rule.confidence, "high" if routes else "low"),
            related=[
                *(Step(place, "searched in the same way") for place in search.places[1:]),
                *([Step(first.place, "the column")] if first is not None else []),
            ],
            columns=" and ".join(f"`{table.name}.{column}`" for column in search.columns),
            reached=reached(program.rust, search.function),
            instead=" ".join(
                rule.settings["instead"][catalogue.dialect].format(statement=statement(search, catalogue.dialect))
                for catalogue in search.catalogues
            ),
        )


def statement(search: Search, dialect: str) -> str:
    """The index that serves it, in the words of the database."""
    name, columns = search.table.name, search.columns
    index = "_".join((name.replace(".", "_"), *columns, "search_idx"))
    if dialect == "mysql":
        return f"CREATE FULLTEXT INDEX {index} ON {name} ({', '.join(columns)});"
    if dialect == "sqlite":
        listed = ", ".join(columns)
        return f"CREATE VIRTUAL TABLE {name}_search USING fts5({listed}, content='{name}', tokenize='trigram');"
    listed = ", ".join(f"{column} gin_trgm_ops" for column in columns)
    return f"CREATE INDEX {index} ON {name} USING gin ({listed});"
