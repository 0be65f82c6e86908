"""Log files → statements, groups that repeat, sequential scans; in one pass, whatever the size of the files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from slowpath.model.evidence import PlanScan, Remark, StatementGroup
from slowpath.model.snapshot import Snapshot
from slowpath.runtime import plans
from slowpath.runtime.database import NAME
from slowpath.runtime.index_hints import hint
from slowpath.runtime.log_events import Ended, Event, Ordering, events
from slowpath.runtime.log_files import LogError, format_of, read
from slowpath.runtime.log_lines import Format, Line, Reading
from slowpath.runtime.log_times import Clock
from slowpath.runtime.shapes import compared
from slowpath.runtime.tally import Tally
from slowpath.runtime.windows import Groups, Session

PING = re.compile(r"\s*(?:/\*[^*]*\*/\s*)?(?P<asks>select\s+1\s*)?;?\s*\Z", re.I)
"""What pools send on checkout: r2d2 and diesel-async this, bb8 and deadpool an empty statement, sqlx a comment."""
BEGIN = re.compile(r"\s*(?:begin|start\s+transaction)\b", re.I)
END = re.compile(r"\s*(?:commit|rollback(?!\s+to)|end|abort)\b", re.I)
MOST_SCANS = 5_000
Window = tuple[float, float]
Progress = Callable[[str], None]


class LogFindings:
    """What the logs tell; filled by `follow`, and of use however far it came."""

    def __init__(self, known: Snapshot | None, window: Window | None) -> None:
        self.tally = Tally()
        self.formats: list[Format] = []
        self.reading = Reading()
        self.plans = 0
        self.plans_unread = 0
        self.plans_cut = 0
        self.databases: Counter[str] = Counter()
        self.outside = 0
        """Statements before or after the window."""
        self.span: Window | None = None
        """Of all statements, in or out of the window."""
        self.shortest = float("inf")
        self.seen = 0
        self._known = known
        self._window = window
        self._groups = Groups()
        self._pings = 0
        self._beside_pings = 0
        self._scans: dict[tuple[str, str, str], list[float]] = {}
        self._filters: dict[tuple[str, str, str], str] = {}
        self._sessions: dict[str, Session] = {}
        self._ordering = Ordering()
        self._clock = Clock()

    def follow(self, paths: Sequence[Path], progress: Progress) -> None:
        """Read the files, oldest first. Raises LogError."""
        files = []
        for path in dict.fromkeys(path.resolve() for path in paths):
            form, time = format_of(path)
            if not form and path.stat().st_size:
                raise LogError(f"{path}: is no log of PostgreSQL (`--setup` tells how to get one)")
            if form:
                files.append((time, path, form))
        self.formats = [form for _, _, form in sorted(files)]
        if "stderr" in self.formats and len(set(self.formats)) > 1:
            raise LogError("a log as text goes with no other: its lines cannot be told from theirs")
        lines = self._lines([(path, form) for _, path, form in sorted(files)], progress)
        for event in events(self._ordering.ordered(lines)):
            if isinstance(event, Ended):
                self._collect(self._sessions.pop(event.session, None))
            elif event.plan:
                self._plan(event)
            else:
                self._statement(event)

    def groups(self) -> tuple[StatementGroup, ...]:
        for session in self._sessions.values():
            self._collect(session)
        self._sessions.clear()
        return self._groups.result(self._beside_pings / self._pings if self._pings else 0.0)

    def scans(self) -> tuple[PlanScan, ...]:
        """By total time of the plans that they are in."""
        found = []
        for key, (count, kept, removed, total) in self._scans.items():
            statement, table, alias = key
            columns = compared(table.rpartition(".")[2], alias, self._filters[key])
            told = hint(table, columns, self._filters[key], self._known)
            found.append(
                PlanScan(statement, table, self._filters[key], round(kept / count, 1), round(removed / count, 1),
                         int(count), round(total, 3), columns, told)
            )  # fmt: skip
        return tuple(sorted(found, key=lambda each: (-each.total_ms, each.statement, each.table)))

    def remarks(self) -> Iterator[Remark]:
        """What weakens the figures."""
        reading, about = self.reading, "log"
        unread = reading.unreadable + reading.too_long
        if unread:
            yield Remark("warning", about, f"{unread} of {reading.lines} lines could not be read and are not counted")
        if self._ordering.repeated:
            told = f"{self._ordering.repeated} lines came twice and are counted once"
            yield Remark("note", about, told)
        if self.plans_unread:
            yield Remark("warning", "auto_explain", f"{self.plans_unread} plans are not JSON, or not readable",
                         instead="auto_explain.log_format = json")  # fmt: skip
        if self.plans_cut:
            yield Remark("note", "auto_explain", f"{self.plans_cut} plans are cut: scans behind the cut are missing")
        if self._clock.unknown:
            yield Remark("warning", about, "the time zone of the log is not known for certain: its window may be off",
                         instead="log_timezone = 'UTC'")  # fmt: skip
        if reading.with_values:
            yield Remark("warning", about, "the log file itself holds bind values (none is kept here)",
                         instead="log_parameter_max_length = 0")  # fmt: skip
        if self.tally.rest:
            yield Remark("warning", about, f"{self.tally.rest} more statements are counted together: without "
                         "query ids each text is one", instead="compute_query_id = on")  # fmt: skip
        if "stderr" in self.formats:
            yield Remark("warning", about, "a log as text tells no query ids, and sessions and databases not surely",
                         instead="log_destination = 'jsonlog' (15 on) or 'csvlog'")  # fmt: skip
        yield from self._doubts()

    def _doubts(self) -> Iterator[Remark]:
        known = self._known.database if self._known is not None else ""
        others = {name: count for name, count in self.databases.items() if name != known}
        if known and others:
            told = ", ".join(f"{count} of {_plain(name)}" for name, count in sorted(others.items())[:5])
            level = "warning" if self.databases[known] == 0 else "note"
            yield Remark(level, "log", f"statements of other databases than {known} are left out: {told}")  # type: ignore[arg-type]
        elif len(others) > 1:
            told = ", ".join(map(_plain, sorted(others)[:5]))
            yield Remark("warning", "log", f"it is of several databases, counted together: {told}",
                         instead="--after a snapshot of the one that is meant")  # fmt: skip
        if not self.seen:
            yield Remark("error", "log", "no statement with a duration is in it",
                         instead="log_min_duration_statement = 0, lc_messages = 'C'")  # fmt: skip
        elif not len(self.tally) and self.outside and self.span:
            yield Remark("error", "log", f"all {self.outside} statements lie outside of the measured "
                         "window: it is of another clock, or another log")  # fmt: skip
        elif self.shortest > 2 and self.seen >= 20:
            yield Remark("warning", "log", f"no statement took less than {self.shortest:.0f} ms: quick ones "
                         "seem not to be logged, and an N+1 is made of them",
                         instead="log_min_duration_statement = 0")  # fmt: skip

    def _lines(self, files: Iterable[tuple[Path, Format]], progress: Progress) -> Iterator[Line]:
        """Those of the app's sessions."""
        for path, form in files:
            progress(f"reading {path.name}")
            for line in read(path, form, self.reading):
                if line.application != NAME and line.backend in ("client backend", ""):
                    yield line

    def _time(self, line: Line) -> float | None:
        """When a line was written; None where it is of another database or of another time, or tells none."""
        known = self._known.database if self._known is not None else ""
        self.databases[line.database if len(self.databases) < 100 else ""] += 1
        if known and line.database and line.database != known:
            return None
        time = self._clock.seconds(line.time, line.session_start, line.session)
        if time is None:
            self.reading.unreadable += 1
            return None
        self.seen += 1
        self.span = (min(self.span[0], time), max(self.span[1], time)) if self.span else (time, time)
        if self._window is not None and not self._window[0] <= time <= self._window[1]:
            self.outside += 1
            return None
        return time

    def _statement(self, event: Event) -> None:
        line, ms = event.line, event.ms
        time = self._time(line)
        if time is None:
            return
        self.shortest = min(self.shortest, ms)
        session = self._sessions.get(line.session)
        if session is None:
            session = self._sessions[line.session] = Session()
        head = event.text[:40]
        ping = PING.match(head)
        if ping is None or ping["asks"]:
            name = self.tally.identify(event.text, line.query_id)
            self.tally.add(name, ms)
        if ping is not None:
            self._pings += 1
            found = session.ping()
        elif self.tally.is_query(name):
            self._beside_pings += session.pinged
            found = session.add(name, ms, time)
        elif BEGIN.match(head):
            found = session.begin()
        elif END.match(head):
            found = session.end()
        else:
            return
        for repeats in found:
            self._groups.add(repeats)

    def _plan(self, event: Event) -> None:
        line = event.line
        if self._time(line) is None:
            return
        plan = plans.read(event.text)
        if plan is None:
            self.plans_unread += 1
            return
        self.plans += 1
        self.plans_cut += plan.cut
        name = self.tally.of_text(plan.text) or self.tally.identify(plan.text, line.query_id)
        for scan in plan.scans:
            key = (name, scan.table, scan.alias)
            if key not in self._scans and len(self._scans) >= MOST_SCANS:
                continue
            figures = self._scans.setdefault(key, [0, 0.0, 0.0, 0.0])
            for number, more in enumerate((1, scan.kept, scan.removed, event.ms)):
                figures[number] += more
            self._filters[key] = self._filters.get(key) or scan.filter

    def _collect(self, session: Session | None) -> None:
        for repeats in session.close() if session is not None else ():
            self._groups.add(repeats)


def _plain(name: str) -> str:
    return name[:63] if name.isprintable() and name else "no name"
