"""What a source of resource figures is: asked once in its period, it gives samples or says in one line why not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class SourceError(Exception):
    """Why a source gives nothing now; one line, without secrets."""


class Sample(NamedTuple):
    """One figure; names and units are those of `model.evidence.Series`."""

    name: str
    subject: str
    unit: str
    value: float


class Source(Protocol):
    """Asked from one thread only."""

    name: str
    period: float
    """Seconds between two questions."""

    def read(self) -> Iterable[Sample]:
        """Raises SourceError."""
        ...

    def close(self) -> None: ...


class Rates:
    """Counters → change per second. The first sight of a counter, and one that went back, give nothing."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, float]] = {}

    def rate(self, key: str, now: float, value: float) -> float | None:
        before = self._last.get(key)
        self._last[key] = (now, value)
        if before is None or now <= before[0] or value < before[1]:
            return None
        return (value - before[1]) / (now - before[0])


def first_line(text: object, limit: int = 160) -> str:
    """The text of an error, fit for one line of a remark."""
    return (str(text).strip().splitlines() or [type(text).__name__])[0][:limit]
