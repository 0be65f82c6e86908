"""Lines of `k6 run --out json=-` → points. Most lines are not wanted, and those are not parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
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
    metric: str
    type: str
    data: _Data


_decode = msgspec.json.Decoder(_Line).decode


class Points:
    """Parses what is wanted, of all metrics where `everything` is set, and counts what cannot be read."""

    def __init__(self, everything: bool = False) -> None:
        names = ".*?" if everything else "|".join(WANTED)
        self._wanted = re.compile(rb'"metric":"(?:%s)"' % names.encode()).search
        self.broken = 0

    def read(self, lines: Iterable[bytes]) -> Iterator[Point]:
        for line in lines:
            if not line.startswith(b"{") or b'"Point"' not in line or not self._wanted(line):
                continue
            try:
                found = _decode(line)
                yield Point(found.metric, _seconds(found.data.time), found.data.value, found.data.tags or {})
            except (msgspec.DecodeError, ValueError):
                self.broken += 1


def _seconds(text: str) -> float:
    """k6 writes nanoseconds, in the local zone or in UTC."""
    return datetime.fromisoformat(_NANOSECONDS.sub(r"\1", text, count=1)).timestamp()


_NANOSECONDS = re.compile(r"(\.\d{6})\d+")
