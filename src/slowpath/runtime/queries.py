"""Logs and snapshots of PostgreSQL → the part that says what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from slowpath.model.evidence import LoadPart, QueriesPart, Remark, Statement
from slowpath.model.snapshot import Snapshot
from slowpath.runtime.log_findings import LogFindings
from slowpath.runtime.statements import by_fingerprint, compare_remarks, difference, table_use

SCHEMA = "slowpath-queries/1"
MOST = 500
"""Statements that are written, and groups and scans."""
SLACK = 1.0
"""Seconds that a window is widened by on both sides: a statement is logged when it ends."""
SAME = 0.05
"""Calls of the log and of the counters that differ by less are of the same time."""
MOSTLY = 0.8
"""Of the calls that were counted, what a whole log holds at least."""
Window = tuple[float, float]


def window_of(load: LoadPart) -> Window | None:
    """From the first to the last second of a load test, by the clock of the measured host."""
    times = [tick.time for tick in load.ticks] or [time for step in load.steps for time in (step.start, step.end)]
    if not times:
        return None
    return min(times) + load.clock_offset - SLACK, max(times) + 1 + load.clock_offset + SLACK


def analyse(
    logs: Sequence[Path],
    before: Snapshot | None,
    after: Snapshot | None,
    window: Window | None,
    progress: Callable[[str], None] = lambda _: None,
) -> QueriesPart:
    """What the database was asked within a window, by default that between the snapshots. Raises LogError. An
    interrupt ends the reading and keeps what was read."""
    known = after or before
    narrowed = window is not None
    if window is None and before and after:
        window = (before.time, after.time)
    log = LogFindings(known, window)
    remarks: list[Remark] = []
    complete = True
    try:
        if logs:
            log.follow(logs, progress)
    except KeyboardInterrupt:
        complete = False
        remarks.append(Remark("warning", "log", "reading was interrupted: what comes later in it is missing"))
    scans, groups = log.scans()[:MOST], log.groups()[:MOST]
    counted: tuple[Statement, ...] = ()
    tables = table_use(before, after) if before and after else ()
    if before and after:
        remarks += compare_remarks(before, after)
        counted = difference(before, after)
    remarks += log.remarks() if logs else ()
    names = _same_statements(log, known)
    logged = _renamed(log.tally.statements(MOST), names)
    remarks += _missing(logged, counted)
    statements = _together(logged, counted, narrowed)
    left_out = max(0, max(len(log.tally), len(statements)) - MOST)
    if left_out:
        remarks.append(Remark("note", "statements", f"{left_out} statements with less time are left out"))
    started, finished = window or log.span or (0.0, 0.0)
    if not logs and before and after:
        started, finished = before.time, after.time  # counters know no narrower window
    return QueriesPart(
        schema=SCHEMA,
        started=started,
        finished=finished,
        complete=complete,
        remarks=tuple(dict.fromkeys(remarks)),
        server=known.server if known is not None else "",
        sources=_sources(log, before, after),
        statements=tuple(statements[:MOST]),
        groups=tuple(
            msgspec.structs.replace(
                each, statement=names.get(each.statement, each.statement), first=names.get(each.first, each.first)
            )
            for each in groups
        ),
        scans=tuple(
            msgspec.structs.replace(each, statement=names.get(each.statement, each.statement)) for each in scans
        ),
        tables=tables,
    )


def _same_statements(log: LogFindings, known: Snapshot | None) -> dict[str, str]:
    """Fingerprint → query id, where the log has no ids and the server counts statements."""
    return by_fingerprint(known.statements or ()) if known is not None and log.formats else {}


def _renamed(logged: list[Statement], names: dict[str, str]) -> list[Statement]:
    """By query id where it is known, added up where some lines of the log had it and some had not."""
    found: dict[str, Statement] = {}
    for each in logged:
        name = names.get(each.id, each.id)
        known = found.get(name)
        calls, total = each.calls, each.total_ms
        if known is not None:
            calls, total = calls + known.calls, total + known.total_ms
        longest = max(own.max_ms or 0.0 for own in (each, known) if own is not None)
        found[name] = msgspec.structs.replace(
            known or each, id=name, calls=calls, total_ms=total, mean_ms=total / calls, max_ms=longest
        )
    return list(found.values())


def _missing(logged: Sequence[Statement], counted: Sequence[Statement]) -> Iterator[Remark]:
    """The log has much less than the server counted."""
    there, all_ = sum(each.calls for each in logged), sum(each.calls for each in counted)
    if logged and there < MOSTLY * all_:
        told = f"it has {there} of {all_} calls that the server counted between the snapshots"
        why = "the others are of another time, or were not logged, or that part of the log is missing"
        yield Remark("warning", "log", f"{told}: {why}")


def _together(logged: Sequence[Statement], counted: Sequence[Statement], windowed: bool) -> list[Statement]:
    """One entry for each statement. Where both have it: of the log, which knows the window and the longest; of the
    counters, which miss none, where the log has fewer calls although it is not narrowed to a window."""
    found = {each.id: each for each in logged}
    for each in counted:
        own = found.get(each.id)
        if own is None and windowed and logged:
            continue
        if own is None or (own.calls < each.calls and not windowed):
            found[each.id] = msgspec.structs.replace(each, max_ms=own.max_ms if own is not None else None)
        elif abs(own.calls - each.calls) <= SAME * each.calls:  # a few ran at the edges of the window
            found[each.id] = msgspec.structs.replace(
                own,
                text=each.text or own.text,
                rows=round((each.rows or 0) * own.calls / each.calls),
                blocks_read=round((each.blocks_read or 0) * own.calls / each.calls),
            )
    return sorted(found.values(), key=lambda each: (-each.total_ms, each.id))


def _sources(log: LogFindings, before: Snapshot | None, after: Snapshot | None) -> tuple[str, ...]:
    counted = before is not None and after is not None
    return (
        *sorted({str(form) for form in log.formats}),
        *(["auto_explain"] if log.plans else []),
        *(["pg_stat_statements"] if counted and after and after.statements is not None else []),
        *(["pg_stat_user_tables"] if counted else []),
    )
