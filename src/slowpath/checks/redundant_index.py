"""An index that repeats another, or the beginning of another."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.redundant import Redundant, redundant
from slowpath.program.schema import DIALECT_NAMES, Schema


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for schema in program.schema.schemas:
        yield from _schema(schema, rule)


def _schema(schema: Schema, rule: Rule) -> Iterator[Finding]:
    """One finding for each index, whatever the dialects."""
    found: dict[tuple[str, str], list[tuple[str, Redundant]]] = {}
    for catalogue in schema.catalogues:
        for name in catalogue.tables:
            table = catalogue.certain(name)
            if table is not None and not table.parent:  # a partition's indexes are its parent's
                for entry in redundant(catalogue, table):
                    found.setdefault((name, entry.needless.name), []).append((catalogue.dialect, entry))
    for (table_name, index), entries in found.items():
        known = sum(table_name in catalogue.tables for catalogue in schema.catalogues)
        yield _finding(table_name, index, entries, known, rule)


def _finding(table: str, index: str, entries: list[tuple[str, Redundant]], known: int, rule: Rule) -> Finding:
    dialect, first = entries[0]
    names = " and ".join(DIALECT_NAMES[dialect] for dialect, _ in entries)
    related = [Step(entry.by.place, "makes it needless") for _, entry in entries]
    related += [Step(entry.place, "here, too") for _, entry in entries[1:]]
    return rule.finding(
        first.place,
        confidence="high" if first.same else "medium",
        related=related,
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
