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
from slowpath.program.sqltypes import bare, compatible, diesel_family, expressible, sql_family

SYSTEM = {
    "postgres": frozenset("ctid xmin xmax cmin cmax tableoid oid".split()),
    "sqlite": frozenset("rowid oid _rowid_".split()),
}
"""Columns that a table has without being told."""


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
        if not macro.variant:
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
            if not macro.patch.touches(macro.table, entries[0][0].column):
                yield _finding(macro, entries, len(known), rule)


def _finding(macro: Macro, entries: list[tuple[Difference, str, Place | None]], dialects: int, rule: Rule) -> Finding:
    difference = entries[0][0]
    everywhere = len(entries) == dialects
    names = " and ".join(DIALECT_NAMES[dialect] for _, dialect, _ in entries)
    confidence: Confidence = "high" if everywhere and difference.kind != "type" else "medium"
    if macro.patch.everything or difference.kind == "hidden":
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
    short = name.rpartition(".")[2]
    if macro.schema.has(name) or any({name, short, "*"} & catalogue.doubtful for catalogue in macro.schema.catalogues):
        return
    if "." in name or not macro.familiar or macro.patch.touches(macro.table, ""):
        return
    what = f"no migration creates table `{name}`"
    confidence: Confidence = "low" if macro.patch.everything else "medium"
    yield rule.finding(Place(macro.path, macro.table.span), confidence=confidence, what=what, where="")


def _differences(
    macro: Macro, table: Table, catalogue: Catalogue, markers: dict[str, str]
) -> Iterator[tuple[Difference, Place | None]]:
    for column in macro.table.columns:
        actual = table.columns.get(column.name)
        if actual is not None:
            if not table.view:
                yield from _compare(column, actual, table, catalogue, markers)
        elif column.name not in SYSTEM.get(catalogue.dialect, ()):
            what = f"`{table.name}.{column.name}` is in `table!`, but the migrations leave no such column"
            yield Difference(column.name, "extra", column.span, what), None
    if macro.fullest and not table.view:
        yield from _unlisted(macro, table, catalogue, markers)


def _unlisted(
    macro: Macro, table: Table, catalogue: Catalogue, markers: dict[str, str]
) -> Iterator[tuple[Difference, Place | None]]:
    """Columns that `table!` leaves out; where it lists fewer than it leaves out, it is meant to be a part."""
    listed = {column.name for column in macro.table.columns}
    missing = [column for name, column in table.columns.items() if name not in listed]
    for column in missing if len(missing) <= len(listed) else ():
        what = f"the migrations give `{table.name}` a column `{column.name}` that `table!` does not list"
        family = sql_family(column.type, catalogue.types)
        kind = "missing" if not family or expressible(family, markers) else "hidden"
        yield Difference(column.name, kind, macro.table.span, what), column.place


def _compare(
    column: MacroColumn, actual: TableColumn, table: Table, catalogue: Catalogue, markers: dict[str, str]
) -> Iterator[tuple[Difference, Place | None]]:
    name = f"`{table.name}.{column.name}`"
    declared = column.type.startswith("Nullable<")
    nullable = _nullable(actual, table, catalogue)
    if nullable is not None and nullable != declared and not (declared and _fills(actual, table, catalogue)):
        says = "can be NULL" if nullable else "is NOT NULL"
        what = f"{name} {says} after the migrations, but is `{column.type}` in `table!`"
        yield Difference(column.name, "nullable", column.span, what), actual.place
    sql = sql_family(actual.type, catalogue.types)
    if not compatible(sql, diesel_family(column.type, markers), catalogue.dialect):
        what = f"{name} is `{actual.type}` after the migrations, but `{column.type}` in `table!`"
        yield Difference(column.name, "type", column.span, what), actual.place


def _nullable(column: TableColumn, table: Table, catalogue: Catalogue) -> bool | None:
    """Whether a column can be NULL, if that is certain: SQLite lets keys be NULL, and a domain can forbid it."""
    if column.name in table.primary:
        return None if catalogue.dialect == "sqlite" else False
    return False if bare(column.type)[0] in catalogue.required else column.nullable


def _fills(column: TableColumn, table: Table, catalogue: Catalogue) -> bool:
    """A NULL that is written makes the database choose the value: MySQL's key that counts up."""
    return catalogue.dialect == "mysql" and table.primary == (column.name,)
