"""Messages of a log → statements that ran, one session after the other in the order of its lines.

Of the protocol's messages only `execute` and `statement` count: `parse` and `bind` are times of the same statement.
"""

from __future__ import annotations

import heapq
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slowpath.runtime.log_lines import Line

TIMED = re.compile(
    r"duration: (\d{1,12}\.\d{1,6}) ms(?:  (?:(execute)(?: fetch from)? [^:]{0,300}: |(statement):(?: |\Z)|(plan):\n))?"
)
STARTED = re.compile(r"(?:execute(?: fetch from)? [^:]{0,300}|statement): ")
"""With log_statement: the duration comes alone in a later line."""
REACH = 16
"""Lines of a session that a shipper of logs may have put out of order."""
SESSIONS = 4096
HELD = 32 * 1024 * 1024
"""Sessions, and characters of their messages, that are held at a time: what is silent for longest is ended."""
REMEMBERED = 100_000
"""Ended sessions whose last line is known, so that a second copy of the log is not counted."""


class Event(NamedTuple):
    """A statement that ended, or the plan of one."""

    line: Line
    ms: float
    text: str
    """As it was logged: it may hold values."""
    plan: bool = False


class Ended(NamedTuple):
    """Nothing more comes of a session."""

    session: str


class Ordering:
    """Lines of all sessions → the same by session and number, without those that were there before."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self.repeated = 0
        """Lines that came twice: the same log was given as JSON and as CSV, or two times."""

    def ordered(self, lines: Iterable[Line]) -> Iterator[Line | Ended]:
        held: OrderedDict[str, list[Line]] = OrderedDict()
        size = 0
        for line in lines:
            waiting = held.get(line.session)
            if waiting is None:
                waiting = held[line.session] = []
            else:
                held.move_to_end(line.session)
            size += len(line.message)
            if len(waiting) < REACH:
                heapq.heappush(waiting, line)
            else:
                first = heapq.heappushpop(waiting, line)
                size -= len(first.message)
                if self._is_next(first):
                    yield first
            while len(held) > SESSIONS or (size > HELD and held):
                _, oldest = held.popitem(last=False)
                size -= sum(len(each.message) for each in oldest)
                yield from self._ended(oldest)
        for waiting in held.values():
            yield from self._ended(waiting)

    def _ended(self, waiting: list[Line]) -> Iterator[Line | Ended]:
        session = waiting[0].session
        yield from filter(self._is_next, sorted(waiting))
        yield Ended(session)

    def _is_next(self, line: Line) -> bool:
        last = self._last.pop(line.session, 0)
        self._last[line.session] = max(last, line.number)
        if len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]
        self.repeated += line.number <= last
        return line.number > last


def events(lines: Iterable[Line | Ended]) -> Iterator[Event | Ended]:
    """What ran, and plans."""
    started: dict[str, str] = {}
    for line in lines:
        if isinstance(line, Ended):
            started.pop(line.session, None)
            yield line
            continue
        message = line.message
        timed = TIMED.match(message)
        if timed is None:
            begun = STARTED.match(message)
            if begun is not None:
                started[line.session] = message[begun.end() :]
        elif timed.lastindex == 3 or (timed.end() < len(message) and timed.lastindex != 1):
            started.pop(line.session, None)
            yield Event(line, float(timed[1]), message[timed.end() :], timed[4] is not None)
        elif timed.end() == len(message) and line.session in started:
            yield Event(line, float(timed[1]), started.pop(line.session))
