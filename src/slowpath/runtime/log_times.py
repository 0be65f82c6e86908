"""Times of a log as seconds since the epoch, whatever its log_timezone.

Abbreviations such as CST name several zones. But a session's id begins with its start in seconds since the epoch, and
the start is written beside it in the log's zone: their difference is the zone's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

WRITTEN = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)?(?: (.{1,40}))?\Z")
FIXED = re.compile(r"<?([+-])(\d\d):?(\d\d)?>?\Z")


class Clock:
    """Learns the zones of one log."""

    def __init__(self) -> None:
        self._offsets: dict[str, float] = {"UTC": 0.0, "GMT": 0.0, "Z": 0.0}
        self._second = ("", 0.0)
        self.unknown = False
        """A time was met whose zone nothing tells."""

    def seconds(self, time: str, session_start: str, session: str) -> float | None:
        """None for what is no time."""
        written = WRITTEN.match(time)
        if written is None:
            return None
        naive = self._naive(written[1])
        if naive is None:
            return None
        part = written[2]
        zone = written[3] or "UTC"
        offset = self._offsets.get(zone)
        if offset is None:
            offset = self._learnt(zone, session_start, session)
        return naive - offset + (int(part) / 10 ** len(part) if part else 0.0)

    def _learnt(self, zone: str, session_start: str, session: str) -> float:
        fixed = FIXED.match(zone)
        if fixed is not None:
            size = int(fixed[2]) * 3600 + int(fixed[3] or 0) * 60
            self._offsets[zone] = -size if fixed[1] == "-" else size
            return self._offsets[zone]
        start, (begun, _, _) = WRITTEN.match(session_start), session.partition(".")
        naive = self._naive(start[1]) if start is not None else None
        if start is None or naive is None or not re.fullmatch(r"[0-9a-f]{6,12}", begun):
            self.unknown = True
            return 0.0
        offset = float(round((naive - int(begun, 16)) / 900) * 900)
        if start[3] != zone or abs(offset) > 15 * 3600:  # the clock was changed while the session lasted
            self.unknown = True
            return offset if abs(offset) <= 15 * 3600 else 0.0
        self._offsets[zone] = offset
        return offset

    def _naive(self, text: str) -> float | None:
        if text != self._second[0]:
            try:
                self._second = text, datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
            except ValueError:
                return None
        return self._second[1]
