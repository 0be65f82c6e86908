"""Points → counts and quantiles, in all and second by second.

Memory is bounded: of more than some thousand samples every second, fourth … is kept; counts stay exact.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from slowpath.model.evidence import Figures, Tick
from slowpath.runtime import statistics
from slowpath.runtime.k6_stream import Point

KEPT_OF_SECOND = 10_000
LATE = 3.0
"""Seconds after which no more points of a second are awaited."""
TIMED_OUT = "1050"


class Samples:
    """Values, thinned evenly once they are many."""

    def __init__(self, limit: int) -> None:
        self._values = array("d")
        self._limit = limit
        self._stride = 1
        self._seen = 0

    def add(self, value: float) -> None:
        if self._seen % self._stride == 0:
            self._values.append(value)
            if len(self._values) > self._limit:
                self._values = self._values[::2]
                self._stride *= 2
        self._seen += 1

    def ordered(self) -> list[float]:
        return sorted(self._values)


class Tally:
    """Answers that are counted together."""

    def __init__(self, limit: int) -> None:
        self.times = Samples(limit)
        self.requests = self.errors = self.limited = 0
        self.statuses: Counter[str] = Counter()
        self.names: list[str] = []

    def add(self, point: Point) -> None:
        status = point.tags.get("status", "0")
        self.requests += 1
        self.errors += failed(point)
        self.limited += status == "429"
        self.statuses[status] += 1
        if status != "0" or point.tags.get("error_code") == TIMED_OUT:  # a refused connection takes 0 ms
            self.times.add(point.value)

    def figures(self, seconds: float, slow: float | None = None, wrong: float | None = None) -> Figures:
        """`slow` and `wrong`: how many independent samples these are worth for the quantile and the error rate."""
        ordered = self.times.ordered()
        return Figures(
            requests=self.requests,
            seconds=seconds,
            rps=self.requests / seconds if seconds > 0 else 0.0,
            errors=self.errors,
            limited=self.limited,
            error_rate=self.errors / self.requests if self.requests else 0.0,
            error_interval=statistics.wilson(self.errors, self.requests, wrong),
            mean=fmean(ordered) if ordered else None,
            p50=statistics.quantile(ordered, 0.5),
            p95=statistics.quantile(ordered, 0.95),
            p99=statistics.quantile(ordered, 0.99),
            p95_interval=statistics.quantile_interval(ordered, 0.95, slow),
        )


def failed(point: Point) -> bool:
    """As k6 says; by the status where a script took that away: `setResponseCallback(null)`."""
    expected = point.tags.get("expected_response")
    return expected != "true" if expected else not "200" <= point.tags.get("status", "0") < "400"


class Ticker:
    """Points → one tick a second, in order."""

    def __init__(self) -> None:
        self._open: dict[int, Tally] = {}
        self._vus: dict[int, int] = {}
        self.done: list[Tick] = []

    def add(self, point: Point) -> None:
        second = int(point.time)
        if point.metric == "vus":
            self._vus[second] = int(point.value)
            self._open.setdefault(second, Tally(KEPT_OF_SECOND))
            self._close(second - LATE)
        elif point.metric == "http_req_duration":
            self._open.setdefault(second, Tally(KEPT_OF_SECOND)).add(point)

    def last(self, now: float) -> Tally:
        """What was answered in the last full second, as far as it is known."""
        return self._open.get(int(now) - 1) or Tally(1)

    def finish(self) -> Sequence[Tick]:
        self._close(float("inf"))
        return self.done

    def _close(self, before: float) -> None:
        for second in sorted(each for each in self._open if each < before):
            tally = self._open.pop(second)
            last = self.done[-1].vus if self.done else 0
            p95 = statistics.quantile(tally.times.ordered(), 0.95)
            self.done.append(Tick(float(second), self._vus.pop(second, last), tally.requests, tally.errors, p95))
