"""An index that repeats another, or the beginning of another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from slowpath.model.finding import Finding, Fix, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.new_migrations import propose_drop
from slowpath.program.redundant import Redundant, redundant
from slowpath.program.schema import DIALECT_NAMES, Catalogue, Schema


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    turns = count(1)
    for schema in program.schema.schemas:
        yield from _schema(schema, rule, turns)


def _schema(schema: Schema, rule: Rule, turns: Iterator[int]) -> Iterator[Finding]:
    """One finding for each index, whatever the dialects."""
    found: dict[tuple[str, str], list[tuple[Catalogue, Redundant]]] = {}
    for catalogue in schema.catalogues:
        for name in catalogue.tables:
            table = catalogue.certain(name)
            if table is not None and not table.parent:  # a partition's indexes are its parent's
                for entry in redundant(catalogue, table):
                    found.setdefault((name, entry.needless.name), []).append((catalogue, entry))
    for (table_name, index), entries in found.items():
        known = sum(table_name in catalogue.tables for catalogue in schema.catalogues)
        catalogues = [catalogue for catalogue, _ in entries]
        fix = propose_drop(catalogues, table_name, entries[0][1].needless, turn=next(turns))
        yield _finding(table_name, index, entries, known, rule, fix)


def _finding(
    table: str, index: str, entries: list[tuple[Catalogue, Redundant]], known: int, rule: Rule, fix: Fix | None
) -> Finding:
    dialect, first = entries[0][0].dialect, entries[0][1]
    names = " and ".join(DIALECT_NAMES[catalogue.dialect] for catalogue, _ in entries)
    related = [Step(entry.by.place, "makes it needless") for _, entry in entries]
    related += [Step(entry.place, "here, too") for _, entry in entries[1:]]
    return rule.finding(
        first.place,
        confidence="high" if first.same else "medium",
        related=related,
        fix=fix,
        index=index,
        table=table,
        how="lists the same columns as" if first.same else "repeats the beginning of",
        by=first.by.title,
        where="" if len(entries) == known else f" in {names}",
        drop=_drop(index, table, dialect),
    )


def _drop(index: str, table: str, dialect: str) -> str:
    if dialect == "mysql":
        return f"DROP INDEX {index} ON {table};"
    schema, dot, _ = table.rpartition(".")
    return f"DROP INDEX {schema}{dot}{index.rpartition('.')[2]};"
