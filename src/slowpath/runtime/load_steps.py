"""Points of a level of users → its figures, those of its routes, and its verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from slowpath.model.evidence import Figures, Limits, LoadStep, RouteFigures
from slowpath.runtime import statistics
from slowpath.runtime.k6_log import cleaned
from slowpath.runtime.k6_stream import Point
from slowpath.runtime.load_tally import Samples, Tally, failed
from slowpath.runtime.load_verdict import Generator, judged
from slowpath.runtime.load_wrapper import path_of

KEPT = 1_000_000
"""Samples of a level; of each of its routes:"""
KEPT_OF_ROUTE = 100_000
ROUTES = 300
OTHERS = "(other routes)"
NAMES = 5
BLOCKS = 8

Phase = Literal["smoke", "double", "narrow", "confirm", "isolate", "soak"]


class LevelTally:
    """One level of users: what began within its window, warm-up left out."""

    def __init__(self, vus: int, hold: float, warm_up: float, limits: Limits, iteration: float = 0.0) -> None:
        self.vus, self.hold, self.warm_up, self.limits = vus, hold, warm_up, limits
        self.iteration = iteration
        self.start: float | None = None
        self.begun = self.ended = self.dropped = 0
        self.iterations = Samples(KEPT_OF_ROUTE)
        self.all = Tally(KEPT)
        self.routes: dict[tuple[str, str], Tally] = {}
        self._whole, self._own = 0, 0.0
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
                if self._inside(point):
                    self._whole += 1
                    self._own += point.value
            case "dropped_iterations":
                self.dropped += int(point.value)
            case "http_req_duration":
                self._answer(point)

    @property
    def own(self) -> float | None:
        """Milliseconds of an iteration outside of its requests: pauses, and what k6 itself needs."""
        return self._own / self._whole if self._whole else None

    def _inside(self, point: Point) -> bool:
        """Did what the point tells begin within the window?"""
        start, end = self.window
        return start <= point.time - point.value / 1000 < end

    def _answer(self, point: Point) -> None:
        if not self._inside(point):
            return
        began = point.time - point.value / 1000
        start, end = self.window
        self._own -= point.value
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

    def step(self, phase: Phase, known: Mapping[tuple[str, str], str], generator: Generator | None = None) -> LoadStep:
        """`known`: (method, name) → path where the script names its requests itself."""
        start, end = self.window
        figures = self.figures()
        verdict, reason = judged(
            figures, self.limits, vus=self.vus, unfinished=self.unfinished, generator=generator,
            iteration=self.iteration,
        )  # fmt: skip
        return LoadStep(
            vus=self.vus,
            phase=phase,
            start=start,
            end=end,
            figures=figures,
            verdict=verdict,
            reason=reason,
            routes=tuple(self._routes(end - start, known)),
            generator_cpu=generator.cpu if generator is not None else None,
            dropped=self.dropped,
        )

    def _routes(self, seconds: float, known: Mapping[tuple[str, str], str]) -> Iterator[RouteFigures]:
        for (method, path), tally in sorted(self.routes.items()):
            shown = known.get((method, path), path)
            yield RouteFigures(
                method,
                shown,
                tally.figures(seconds),
                tuple(map(cleaned, tally.names)),
                dict(sorted(tally.statuses.items())),
            )
