"""What the database was asked, and whether it is the one that code and migrations describe."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import Evidence, PlanScan, QueriesPart, Statement, StatementGroup, TableUse
from slowpath.report import charts
from slowpath.report.amounts import NONE, cut, ms, number, plural
from slowpath.report.document import Block, Chart, Code, Link, Paragraph, Section, Table, Text, missing, told

LOGS = "slowpath measure queries --log FILE -o queries.json"
PLANS = "slowpath measure queries --setup"
SCHEMA = "slowpath measure schema -o schema.json --database-env NAME"
SHOWN = 25
TEXT = 240


def statements(evidence: Evidence) -> Section:
    return Section("statements", "Statements", tuple(_statements(evidence.queries)))


def _statements(part: QueriesPart | None) -> Iterator[Block]:
    if part is None:
        yield missing("what the database was asked", LOGS)
        return
    if not part.statements:
        yield Paragraph((f"No statement was seen in the window (sources: {', '.join(part.sources) or 'none'}).",))
        return
    top, total = part.statements[0], sum(statement.total_ms for statement in part.statements)
    whole = f"{ms(total)} in {plural(len(part.statements), 'statement')}"
    said = f"Of {whole}, the first takes {ms(top.total_ms)} in {top.calls:,} calls."
    yield Chart("statements", "Statements by total time.", said, charts.statements(part.statements))
    rows = tuple(_statement(at, statement) for at, statement in enumerate(part.statements[:SHOWN], 1))
    head = ("", "Statement", "Calls", "Total", "Mean", "Max", "Rows", "Blocks read", "Id")
    more = f" ({SHOWN} of {len(part.statements)})" if len(part.statements) > SHOWN else ""
    yield Table(f"Statements by total time{more}", head, rows, frozenset({0, 2, 3, 4, 5, 6, 7}))


def _statement(at: int, statement: Statement) -> tuple[Text, ...]:
    return (
        (f"{at}",),
        (Code(cut(statement.text, TEXT)),),
        (f"{statement.calls:,}",),
        (ms(statement.total_ms),),
        (ms(statement.mean_ms),),
        (ms(statement.max_ms),),
        (number(statement.rows),),
        (number(statement.blocks_read),),
        (Code(statement.id),),
    )


def repeats(evidence: Evidence) -> Section:
    return Section("n-plus-one", "Statements that repeat (N+1)", tuple(_repeats(evidence.queries)))


def _repeats(part: QueriesPart | None) -> Iterator[Block]:
    if part is None or not {"jsonlog", "csvlog", "stderr"} & set(part.sources):
        yield missing("which statements repeat within one checkout of a connection: that takes the server's log", LOGS)
        return
    if not part.groups:
        yield Paragraph(("No statement repeated within one checkout of a connection.",))
        return
    texts = {statement.id: statement.text for statement in part.statements}
    head = ("Repeats", "After", "Median", "Most", "Checkouts", "ms in one", "Found by", "Confidence")
    rows = tuple(_group(group, texts) for group in part.groups)
    yield Table(
        "One statement again and again within one checkout of a connection", head, rows, frozenset({2, 3, 4, 5})
    )


def _group(group: StatementGroup, texts: dict[str, str]) -> tuple[Text, ...]:
    return (
        _named(group.statement, texts),
        _named(group.first, texts),
        (number(group.repeats_median),),
        (f"{group.repeats_max:,}",),
        (f"{group.windows:,}",),
        (number(group.ms_median),),
        (group.how or NONE,),
        (group.confidence,),
    )


def _named(statement: str, texts: dict[str, str]) -> Text:
    return (Code(cut(texts.get(statement, statement), TEXT)),) if statement else (NONE,)


def scans(evidence: Evidence) -> Section:
    return Section("scans", "Sequential scans", tuple(_scans(evidence.queries)))


def _scans(part: QueriesPart | None) -> Iterator[Block]:
    if part is None:
        yield missing("which tables are read from end to end", LOGS)
        return
    if part.scans:
        texts = {statement.id: statement.text for statement in part.statements}
        head = (
            "Table",
            "Filter",
            "An index would lead with",
            "Rows kept",
            "Rows thrown away",
            "Plans",
            "Time",
            "Statement",
            "Hint",
        )
        rows = tuple(_scan(scan, texts) for scan in part.scans)
        yield Table("Sequential scans in plans", head, rows, frozenset({3, 4, 5, 6}))
    elif "auto_explain" in part.sources:
        yield Paragraph(("No plan held a sequential scan that mattered.",))
    else:
        yield missing("the plans of slow statements (auto_explain)", PLANS)
    if part.tables:
        uses = tuple(_use(use) for use in part.tables[:SHOWN])
        named = ("Table", "Sequential scans", "Rows they read", "Index scans", "Rows in it")
        yield Table("How tables were read", named, uses, frozenset({1, 2, 3, 4}))


def _scan(scan: PlanScan, texts: dict[str, str]) -> tuple[Text, ...]:
    return (
        (Code(scan.table),),
        (Code(cut(scan.filter, TEXT)) if scan.filter else NONE,),
        (Code(", ".join(scan.columns)) if scan.columns else NONE,),
        (number(scan.rows_kept),),
        (number(scan.rows_removed),),
        (f"{scan.executions:,}",),
        (ms(scan.total_ms),),
        _named(scan.statement, texts),
        (scan.hint or NONE,),
    )


def _use(use: TableUse) -> tuple[Text, ...]:
    return (
        (Code(use.table),),
        *((f"{count:,}",) for count in (use.seq_scans, use.seq_rows, use.index_scans, use.rows)),
    )


def drift(evidence: Evidence) -> Section:
    return Section("schema", "Schema drift", tuple(_drift(evidence)))


def _drift(evidence: Evidence) -> Iterator[Block]:
    part = evidence.database
    if part is None:
        yield missing("whether the running database is the one that code and migrations describe", SCHEMA)
        return
    compared = ", ".join(part.compared) or "nothing"
    if not part.differences:
        yield Paragraph((f"No difference (compared: {compared}).",))
    else:
        rows = tuple(
            (
                (difference.what,),
                (Code(difference.name),),
                (difference.database or NONE,),
                (difference.code or NONE,),
                (difference.migrations or NONE,),
                (Link(difference.path, difference.line) if difference.path else NONE,),
                told(difference.message),
            )
            for difference in part.differences
        )
        head = ("What", "Name", "Database", "schema.rs", "Migrations", "Where", "What it means")
        yield Table(f"{plural(len(rows), 'difference')} (compared: {compared})", head, rows)
    if part.baseline:
        yield Paragraph(("A baseline migration was written to ", Code(part.baseline), "."))
