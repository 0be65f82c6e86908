"""A part of `measure queries` for a person: what takes time, what repeats, what is scanned, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.evidence import QueriesPart, Remark, Statement

TOP = 10
WIDE = 116
COLUMNS = re.compile(r"SELECT .{3,}? FROM (?=[(\"\w])", re.I)
"""What a statement yields says least of it."""
PINGS = ("SELECT ?", "SELECT $1")
CHATTY_MS = 1.0
"""A statement that is quick alone and costs by its number."""
CHATTY_CALLS = 1000
LARGE = 10_000


def lines(part: QueriesPart) -> Iterator[str]:
    """Lines of text."""
    texts = {each.id: each for each in part.statements}
    total = sum(each.total_ms for each in part.statements)
    calls = sum(each.calls for each in part.statements)
    seconds = part.finished - part.started
    span = f" in {seconds:.0f} s" if 0 < seconds < 1e7 else ""
    server = f" of PostgreSQL {part.server.split()[0]}" if part.server else ""
    sources = ", ".join(part.sources) or "nothing"
    yield f"{calls} statements{server}{span}, {total / 1000:.2f} s together (from {sources})"
    yield from _statements(part, total)
    yield from _groups(part, texts)
    yield from _scans(part, texts)
    yield from _tables(part)
    for remark in part.remarks:
        yield _remark(remark)


def _statements(part: QueriesPart, total: float) -> Iterator[str]:
    if part.statements:
        yield ""
        yield f"Top statements by time{'':9}calls   total ms    mean ms     max ms  share"
    for each in part.statements[:TOP]:
        longest = f"{each.max_ms:10.1f}" if each.max_ms is not None else f"{'-':>10}"
        share = each.total_ms / total if total else 0.0
        yield f"{'':28}{each.calls:8} {each.total_ms:10.1f} {each.mean_ms:10.2f} {longest} {share:6.0%}"
        yield f"  {_short(each)}"
    chatty = [each for each in part.statements if each.calls >= CHATTY_CALLS and each.mean_ms < CHATTY_MS]
    if chatty:
        yield ""
        yield "Chatty: quick alone, many of them. Ask for all rows at once, or keep what does not change"
    for each in sorted(chatty, key=lambda each: -each.calls)[:TOP]:
        test = " (a pool testing its connections)" if each.text in PINGS else ""
        yield f"  {each.calls} calls of {each.mean_ms:.2f} ms: {_short(each)}{test}"


def _groups(part: QueriesPart, texts: dict[str, Statement]) -> Iterator[str]:
    if part.groups:
        yield ""
        yield "N+1: one statement again and again. Load the children of all rows at once (WHERE … = ANY($1), a join)"
    for each in part.groups[:TOP]:
        yield (
            f"  {each.repeats_median:g} times (at most {each.repeats_max}), {each.ms_median:.1f} ms together, "
            f"in {each.windows} {_windows(each.how, each.windows)}; confidence {each.confidence}"
        )
        yield f"    {_short(texts.get(each.statement))}"
        if each.first and each.first in texts:
            yield f"    after {_short(texts[each.first])}"


def _scans(part: QueriesPart, texts: dict[str, Statement]) -> Iterator[str]:
    if part.scans:
        yield ""
        yield "Sequential scans over large tables"
    for each in part.scans[:TOP]:
        read = each.rows_kept + each.rows_removed
        yield (
            f"  {each.table}: keeps {each.rows_kept:.0f} of {read:.0f} rows where {each.filter}; "
            f"{each.executions} plans, {each.total_ms:.0f} ms"
        )
        yield f"    {_short(texts.get(each.statement))}"
        yield f"    {each.hint}"


def _tables(part: QueriesPart) -> Iterator[str]:
    planned = {scan.table for scan in part.scans}
    read = [
        each
        for each in part.tables
        if each.seq_scans and each.seq_rows / each.seq_scans >= LARGE and each.table not in planned
    ]
    if read:
        yield ""
        yield "Tables read as a whole (pg_stat_user_tables; auto_explain would tell by which statement)"
    for each in read[:TOP]:
        yield f"  {each.table}: {each.seq_scans} times, {each.seq_rows / each.seq_scans:.0f} rows each"
        for asked in [statement for statement in part.statements if each.table in statement.shape.tables][:2]:
            yield f"    perhaps for {_short(asked)}"


def _windows(how: str, count: int) -> str:
    word = {"ping": "checkout", "transaction": "transaction", "idle gap": "stretch between pauses"}.get(how, "window")
    return word if count == 1 else word.replace("stretch", "stretches") if " " in word else f"{word}s"


def _short(statement: Statement | None) -> str:
    text = statement.text if statement is not None else ""
    if not text:
        return f"statement {statement.id} (its text is not kept)" if statement is not None else "a statement"
    if len(text) > WIDE:
        text = COLUMNS.sub("SELECT … FROM ", text, count=1)
    return text if len(text) <= WIDE else f"{text[: WIDE - 1]}…"


def _remark(remark: Remark) -> str:
    instead = f" → {remark.instead}" if remark.instead else ""
    return f"{remark.level}: {remark.about}: {remark.message}{instead}"
