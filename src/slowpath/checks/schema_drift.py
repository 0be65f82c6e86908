"""A `table!` and the migrations disagree on a column: missing, nullable on one side only, or of another family."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from slowpath.model.diesel import MacroColumn
from slowpath.model.finding import Confidence, Finding, Place, Span, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.schema import DIALECT_NAMES, Catalogue, Macro, Table, TableColumn
from slowpath.program.sqltypes import compatible, diesel_family, expressible, sql_family


class Difference(NamedTuple):
    """One disagreement as a dialect sees it; equal ones of several dialects are one finding."""

    column: str
    kind: str
    span: Span
    what: str


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """Drift is rare: where a file differs in many columns, its database has other migrations than those replayed."""
    by_file: dict[str, list[Macro]] = {}
    for macro in program.schema.macros:
        by_file.setdefault(macro.path, []).append(macro)
    for macros in by_file.values():
        findings = list(_file(macros, program, rule))
        columns = sum(len(macro.table.columns) for macro in macros)
        if len(findings) > max(rule.settings["few"], columns * rule.settings["share"]):
            findings = [msgspec.structs.replace(finding, confidence="low") for finding in findings]
        yield from findings


def _file(macros: list[Macro], program: Program, rule: Rule) -> Iterator[Finding]:
    for macro in macros:
        known = macro.schema.certain(macro.table.name)
        if not known:
            yield from _unknown_table(macro, rule)
            continue
        seen: dict[tuple[str, str], list[tuple[Difference, str, Place | None]]] = {}
        for catalogue, table in known:
            for difference, place in _differences(macro, table, catalogue, program.schema.sql_types):
                entry = (difference, catalogue.dialect, place)
                seen.setdefault((difference.column, difference.kind), []).append(entry)
        for entries in seen.values():
            yield _finding(macro, entries, len(known), rule)


def _finding(macro: Macro, entries: list[tuple[Difference, str, Place | None]], dialects: int, rule: Rule) -> Finding:
    difference = entries[0][0]
    everywhere = len(entries) == dialects
    names = " and ".join(DIALECT_NAMES[dialect] for _, dialect, _ in entries)
    confidence: Confidence = "high" if everywhere and difference.kind != "type" else "medium"
    if macro.patched or difference.kind == "hidden":
        confidence = "low"
    related = [Step(place, "the migration that says so") for _, _, place in entries if place is not None]
    return rule.finding(
        Place(macro.path, difference.span),
        confidence=confidence,
        related=related,
        what=difference.what,
        where="" if everywhere else f" in {names}",
    )


def _unknown_table(macro: Macro, rule: Rule) -> Iterator[Finding]:
    """A table that no migration creates, nor anything that was not understood."""
    name = macro.table.name
    bare = name.rpartition(".")[2]
    if macro.schema.has(name) or any({name, bare, "*"} & catalogue.doubtful for catalogue in macro.schema.catalogues):
        return
    if "." in name or not macro.familiar:
        return
    what = f"no migration creates table `{name}`"
    yield rule.finding(Place(macro.path, macro.table.span), confidence="medium", what=what, where="")


def _differences(
    macro: Macro, table: Table, catalogue: Catalogue, markers: dict[str, str]
) -> Iterator[tuple[Difference, Place | None]]:
    declared = {column.name for column in macro.table.columns}
    for column in macro.table.columns:
        actual = table.columns.get(column.name)
        if actual is None:
            what = f"`{table.name}.{column.name}` is in `table!`, but the migrations leave no such column"
            yield Difference(column.name, "extra", column.span, what), None
        elif not table.view:
            yield from _compare(column, actual, table, catalogue, markers)
    for name, actual in table.columns.items():
        if name not in declared and macro.fullest and not table.view:
            what = f"the migrations give `{table.name}` a column `{name}` that `table!` does not list"
            family = sql_family(actual.type, catalogue.types)
            kind = "missing" if not family or expressible(family, markers) else "hidden"
            yield Difference(name, kind, macro.table.span, what), actual.place


def _compare(
    column: MacroColumn, actual: TableColumn, table: Table, catalogue: Catalogue, markers: dict[str, str]
) -> Iterator[tuple[Difference, Place | None]]:
    name = f"`{table.name}.{column.name}`"
    nullable = column.type.startswith("Nullable<")
    key = column.name in table.primary
    if actual.nullable is not None and actual.nullable != nullable and not (key and catalogue.dialect == "sqlite"):
        says = "can be NULL" if actual.nullable else "is NOT NULL"
        what = f"{name} {says} after the migrations, but is `{column.type}` in `table!`"
        yield Difference(column.name, "nullable", column.span, what), actual.place
    sql = sql_family(actual.type, catalogue.types)
    if not compatible(sql, diesel_family(column.type, markers), catalogue.dialect):
        what = f"{name} is `{actual.type}` after the migrations, but `{column.type}` in `table!`"
        yield Difference(column.name, "type", column.span, what), actual.place
