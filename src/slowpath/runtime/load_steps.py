"""Points of a run → the figures of each level of users, and whether it is good, bad or undecided.

Memory is bounded: of more than `KEPT` samples every second, fourth … is kept for the quantiles; counts stay exact.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from slowpath.model.evidence import Figures, Limits, LoadStep, RouteFigures, Tick, Verdict
from slowpath.runtime import statistics
from slowpath.runtime.k6_stream import Point
from slowpath.runtime.load_wrapper import path_of

KEPT = 1_000_000
KEPT_OF_ROUTE = 100_000
KEPT_OF_SECOND = 10_000
ROUTES = 300
OTHERS = "(other routes)"
NAMES = 5
BLOCKS = 8
LATE = 3.0
"""Seconds after which no more points of a second are awaited."""
TIMED_OUT = "1050"
UNFINISHED = 0.05
"""Share of users that may still be at work when the time after a level is over."""
SATURATED = 0.85
"""Share of all cores that k6 may use."""

Phase = Literal["smoke", "double", "narrow", "confirm", "isolate", "soak"]


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
            p50=statistics.quantile(ordered, 0.5),
            p95=statistics.quantile(ordered, 0.95),
            p99=statistics.quantile(ordered, 0.99),
            p95_interval=statistics.quantile_interval(ordered, 0.95, slow),
        )


def failed(point: Point) -> bool:
    return point.tags.get("expected_response") != "true"


class LevelTally:
    """One level of users: what began within its window, warm-up left out."""

    def __init__(self, vus: int, hold: float, warm_up: float, limits: Limits) -> None:
        self.vus, self.hold, self.warm_up, self.limits = vus, hold, warm_up, limits
        self.start: float | None = None
        self.begun = self.ended = self.dropped = 0
        self.iterations = Samples(KEPT_OF_ROUTE)
        self.all = Tally(KEPT)
        self.routes: dict[tuple[str, str], Tally] = {}
        self._blocks = [[0, 0, 0] for _ in range(BLOCKS)]

    @property
    def window(self) -> tuple[float, float]:
        start = self.start or 0.0
        return start + self.warm_up, start + self.hold

    @property
    def unfinished(self) -> int:
        return self.begun - self.ended

    def add(self, point: Point) -> None:
        match point.metric:
            case "slowpath_start":
                self.start = min(self.start or point.value / 1000, point.value / 1000)
            case "slowpath_begun":
                self.begun += 1
            case "iteration_duration":
                self.ended += 1
                self.iterations.add(point.value)
            case "dropped_iterations":
                self.dropped += int(point.value)
            case "http_req_duration":
                self._answer(point)

    def _answer(self, point: Point) -> None:
        began = point.time - point.value / 1000
        start, end = self.window
        if not start <= began < end:
            return
        block = self._blocks[int((began - start) / (end - start) * BLOCKS)]
        block[0] += 1
        block[1] += point.value > self.limits.p95_ms
        block[2] += failed(point)
        self.all.add(point)
        name = point.tags.get("name", "")
        key = (point.tags.get("method", ""), path_of(name))
        if key not in self.routes:
            key = key if len(self.routes) < ROUTES else ("", OTHERS)
            self.routes.setdefault(key, Tally(KEPT_OF_ROUTE))
        route = self.routes[key]
        route.add(point)
        if len(route.names) < NAMES and name not in route.names:
            route.names.append(name)

    def figures(self) -> Figures:
        start, end = self.window
        slow = statistics.worth((over, count) for count, over, _ in self._blocks)
        wrong = statistics.worth((bad, count) for count, _, bad in self._blocks)
        return self.all.figures(end - start, slow, wrong)

    def step(self, phase: Phase, cpu: float | None, cores: int, known: Mapping[tuple[str, str], str]) -> LoadStep:
        """`known`: (method, name) → path where the script names its requests itself."""
        start, end = self.window
        figures = self.figures()
        verdict, reason = judged(figures, self.limits, vus=self.vus, unfinished=self.unfinished, cpu=cpu, cores=cores)
        return LoadStep(
            vus=self.vus,
            phase=phase,
            start=start,
            end=end,
            figures=figures,
            verdict=verdict,
            reason=reason,
            routes=tuple(self._routes(end - start, known)),
            generator_cpu=cpu,
            dropped=self.dropped,
        )

    def _routes(self, seconds: float, known: Mapping[tuple[str, str], str]) -> Iterator[RouteFigures]:
        for (method, path), tally in sorted(self.routes.items()):
            shown = known.get((method, path), path)
            yield RouteFigures(
                method,
                shown,
                tally.figures(seconds),
                tuple(map(_bare, tally.names)),
                dict(sorted(tally.statuses.items())),
            )


def judged(
    figures: Figures, limits: Limits, *, vus: int, unfinished: int = 0, cpu: float | None = None, cores: int = 1
) -> tuple[Verdict, str]:
    """Bad only where a lower bound is over its limit, good only where both upper bounds are under theirs."""
    if cpu is not None and cpu > SATURATED * cores:
        return "undecided", f"k6 itself used {cpu:.1f} of {cores} cores: it may be what is slow"
    if not figures.requests:
        hung = f"no request of {vus} users was answered in {figures.seconds:.0f} s"
        return ("bad", hung) if unfinished >= vus and figures.seconds * 1000 > limits.p95_ms else ("undecided", hung)
    (slow_low, slow_high), (wrong_low, wrong_high) = figures.p95_interval, figures.error_interval
    over = [
        told
        for low, limit, told in (
            (slow_low, limits.p95_ms, f"{_latency(figures)} is over {limits.p95_ms:g} ms"),
            (wrong_low, limits.error_rate, f"{_failures(figures)}, over {_percent(limits.error_rate)}"),
        )
        if low is not None and low > limit
    ]
    if over:
        return "bad", "; ".join(over)
    if unfinished > max(1.0, UNFINISHED * vus):
        return "undecided", f"{unfinished} of {vus} users still waited after the level had ended"
    unsure = []
    if slow_high is None:
        unsure.append(f"{figures.requests} requests are too few for an upper bound of p95")
    elif slow_high > limits.p95_ms:
        unsure.append(f"{_latency(figures)} may lie on either side of {limits.p95_ms:g} ms")
    if wrong_high is None or wrong_high > limits.error_rate:
        unsure.append(f"{_failures(figures)}, which may lie on either side of {_percent(limits.error_rate)}")
    return ("undecided", "; ".join(unsure)) if unsure else ("good", f"{_latency(figures)}, {_failures(figures)}")


def _latency(figures: Figures) -> str:
    low, high = figures.p95_interval
    if figures.p95 is None:
        return "no answer"
    bounds = f" ({'?' if low is None else f'{low:.0f}'} to {'?' if high is None else f'{high:.0f}'})"
    return f"p95 {figures.p95:.0f} ms{bounds}"


def _failures(figures: Figures) -> str:
    low, high = figures.error_interval
    bounds = f" ({_percent(low)} to {_percent(high)})" if low is not None and high is not None else ""
    limited = f", {figures.limited} of {figures.errors} a rate limit (429)" if figures.limited else ""
    return f"{_percent(figures.error_rate)} failed{bounds}{limited}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _bare(name: str) -> str:
    """A name without the values of its query and without credentials."""
    from slowpath.runtime.k6 import cleaned

    return cleaned(name)


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

    def last(self) -> Tick | None:
        return self.done[-1] if self.done else None

    def finish(self) -> Sequence[Tick]:
        self._close(float("inf"))
        return self.done

    def _close(self, before: float) -> None:
        for second in sorted(each for each in self._open if each < before):
            tally = self._open.pop(second)
            last = self.done[-1].vus if self.done else 0
            p95 = statistics.quantile(tally.times.ordered(), 0.95)
            self.done.append(Tick(float(second), self._vus.pop(second, last), tally.requests, tally.errors, p95))
