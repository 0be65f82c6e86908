"""Statements of a session → windows of work, and what repeats within one: an N+1 at run time.

A window is one checkout of a connection where the pool tests it with `SELECT 1`, as r2d2 with Diesel does; else one
transaction; else what lies between pauses, which is less certain: requests that follow each other closely look like
one, so only an uninterrupted run behind another statement counts there.
"""

from __future__ import annotations

from collections import Counter, deque
from statistics import median
from typing import Literal, NamedTuple

from slowpath.model.evidence import StatementGroup

LEAST = 5
"""Equal statements in a window that make a group."""
PAUSE = 0.005
"""Seconds without a statement that may end a window, if they are also LONGER × the median pause."""
LONGER = 10
LONGEST = 20_000
WIDEST = 500
"""Statements of a window, all and different ones: then it is closed."""
KEPT = 10_000
"""Windows of a statement whose figures are kept for medians."""
RARE = 300
"""With so many statements for each `SELECT 1`, it is no test on checkout."""
MOST = 2_000
"""Groups."""
How = Literal["ping", "transaction", "idle gap"]
Key = tuple[str, str, How]
CONFIDENCE: dict[How, Literal["high", "medium", "low"]] = {"ping": "high", "transaction": "medium", "idle gap": "low"}


class Repeats(NamedTuple):
    """One statement that repeats within one window."""

    statement: str
    how: How
    times: int
    ms: float
    first: str


class Session:
    """What one session does; `add` gives the groups of windows that end with it."""

    def __init__(self) -> None:
        self.pinged = False
        self._transaction = False
        self._counts: dict[str, list[float]] = {}
        self._first: dict[str, str] = {}
        self._last = ""
        self._end = 0.0
        self._pauses: deque[float] = deque(maxlen=101)
        self._size = 0

    def ping(self) -> list[Repeats]:
        """`SELECT 1`."""
        self.pinged = True
        return self._closed("ping")

    def begin(self) -> list[Repeats]:
        """BEGIN."""
        if self.pinged:
            return []
        found = self._closed("transaction" if self._transaction else "idle gap")
        self._transaction = True
        return found

    def end(self) -> list[Repeats]:
        """COMMIT or ROLLBACK."""
        if self.pinged or not self._transaction:
            return []
        found = self._closed("transaction")
        self._transaction = False
        return found

    def add(self, statement: str, ms: float, time: float) -> list[Repeats]:
        """A statement that ended at a time, in seconds."""
        found: list[Repeats] = []
        if not self.pinged and not self._transaction:
            pause = time - ms / 1000 - self._end if self._end else 0.0
            if self._size and pause > PAUSE and pause > LONGER * (median(self._pauses) if self._pauses else 0.0):
                found = self._closed("idle gap")
            self._pauses.append(max(0.0, pause))
            if statement != self._last and statement in self._counts:
                found += self._closed("idle gap", only=statement)
        if self._size >= LONGEST or len(self._counts) >= WIDEST:
            found += self._closed(self.how)
        self._end = time
        self._size += 1
        known = self._counts.get(statement)
        if known is None:
            self._counts[statement] = [1, ms]
            self._first[statement] = self._last
        else:
            known[0] += 1
            known[1] += ms
        self._last = statement
        return found

    @property
    def how(self) -> How:
        return "ping" if self.pinged else "transaction" if self._transaction else "idle gap"

    def close(self) -> list[Repeats]:
        """The log ends, or the session."""
        return self._closed(self.how)

    def _closed(self, how: How, only: str = "") -> list[Repeats]:
        """What repeats, forgotten. With `only`, one statement's run ends and the window goes on."""
        found = [
            Repeats(statement, how, int(count), ms, self._first[statement])
            for statement, (count, ms) in self._counts.items()
            if count >= LEAST and (not only or statement == only) and (how != "idle gap" or self._first[statement])
        ]
        if only:
            del self._counts[only], self._first[only]
        else:
            self._counts.clear()
            self._first.clear()
            self._last = ""
            self._size = 0
        return found


class Groups:
    """Groups of all sessions: by statement, what stands before it, and how the windows were found."""

    def __init__(self) -> None:
        self._repeats: dict[Key, Counter[int]] = {}
        self._ms: dict[Key, list[float]] = {}

    def add(self, repeats: Repeats) -> None:
        key: Key = (repeats.statement, repeats.first, repeats.how)
        if key not in self._repeats and len(self._repeats) >= MOST:
            return
        self._repeats.setdefault(key, Counter())[repeats.times] += 1
        kept = self._ms.setdefault(key, [])
        if len(kept) < KEPT:
            kept.append(repeats.ms)

    def result(self, statements_per_ping: float) -> tuple[StatementGroup, ...]:
        """Those that take most time first."""
        found = [self._group(key, statements_per_ping) for key in self._repeats]
        return tuple(sorted(found, key=lambda each: (-each.windows * each.ms_median, each.statement, each.first)))

    def _group(self, key: Key, statements_per_ping: float) -> StatementGroup:
        statement, first, how = key
        repeats = self._repeats[key]
        return StatementGroup(
            statement=statement,
            windows=repeats.total(),
            repeats_median=_median(repeats),
            repeats_max=max(repeats),
            ms_median=round(median(self._ms[key]), 3),
            first=first,
            confidence="low" if how == "ping" and statements_per_ping > RARE else CONFIDENCE[how],
            how=how,
        )


def _median(counts: Counter[int]) -> float:
    """Of a number for each time that it was counted."""
    total, seen = counts.total(), 0
    low: int | None = None
    for value in sorted(counts):
        seen += counts[value]
        if low is None and seen * 2 >= total:
            low = value
        if seen * 2 > total:
            return ((low if low is not None else value) + value) / 2
    return 0.0
