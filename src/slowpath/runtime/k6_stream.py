"""Lines of `k6 run --out json=-` → points. Most lines are not wanted, and those are not parsed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import msgspec

WANTED = ("http_req_duration", "vus", "iteration_duration", "dropped_iterations", "slowpath_begun", "slowpath_start")


class Point(NamedTuple):
    """One sample. Times in seconds since the epoch; durations in milliseconds."""

    metric: str
    time: float
    value: float
    tags: dict[str, str]


class _Data(msgspec.Struct):
    time: str = ""
    value: float = 0.0
    tags: dict[str, str] | None = None


class _Line(msgspec.Struct):
    type: str
    data: _Data
    metric: str = ""


_decode = msgspec.json.Decoder(_Line).decode


START = b'{"metric":"'


class Points:
    """Parses what is wanted, of all metrics where `everything` is set, and counts what cannot be read."""

    def __init__(self, everything: bool = False) -> None:
        self._wanted = None if everything else frozenset(name.encode() for name in WANTED)
        self.broken = 0

    def read(self, lines: Iterable[bytes]) -> Iterator[Point]:
        for line in lines:
            if not line.startswith(b"{") or not self._perhaps(line):
                continue
            try:
                found = _decode(line)
                if found.type == "Point" and (self._wanted is None or found.metric.encode() in self._wanted):
                    data = found.data
                    yield Point(found.metric, _seconds(data.time), data.value, data.tags or {})
            except (msgspec.DecodeError, ValueError):
                self.broken += 1

    def _perhaps(self, line: bytes) -> bool:
        """k6 begins with the metric's name: nine of ten lines are passed over by it."""
        if self._wanted is None or not line.startswith(START):
            return True
        return line[len(START) : line.find(b'"', len(START))] in self._wanted


def _seconds(text: str) -> float:
    """RFC 3339 with nanoseconds, in the local zone or in UTC."""
    whole, dot, rest = text.partition(".")
    if not dot:
        return _epoch(text)
    zone = len(rest) - (1 if rest.endswith("Z") else 6)
    return _epoch(whole + rest[zone:]) + float(f"0.{rest[:zone]}")


@lru_cache(maxsize=64)
def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
