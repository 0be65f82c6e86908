"""Levels of users held one after the other in one process, each judged as it ends."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

import msgspec

from slowpath.model.evidence import LoadStep
from slowpath.runtime import load_wrapper
from slowpath.runtime.k6_run import Clock
from slowpath.runtime.k6_stream import Point
from slowpath.runtime.load_plan import Moment, Progress
from slowpath.runtime.load_run import CutError, Player
from slowpath.runtime.load_smoke import Smoke
from slowpath.runtime.load_steps import LevelTally, Phase
from slowpath.runtime.load_tally import Ticker
from slowpath.runtime.load_verdict import Generator, generator_bound
from slowpath.runtime.load_wrapper import Level

LAG = 0.6
"""Seconds until k6 has written what happened; 0.37 were seen."""
WARM_UP = 0.2
"""Share of a level that is not judged; an iteration with a slow answer where that is longer."""
MOST_WARM_UP = 0.5
DRAIN = (1.0, 15.0)


def hold(
    player: Player,
    levels: Sequence[tuple[int, float]],
    phase: Phase,
    judged: Callable[[LoadStep], None],
    progress: Progress,
    *,
    smoke: Smoke,
    stop_on_bad: bool = True,
) -> None:
    """`levels` are (users, seconds), lowest first. Raises CutError."""
    limits, jitter = player.plan.limits, smoke.jitter
    drain = min(max(jitter + 2 * limits.p95_ms / 1000, DRAIN[0]), DRAIN[1])
    placed, tallies, at = [], [], 0.0
    for vus, seconds in levels:
        placed.append(Level(vus, at, seconds))
        warm_up = min(max(jitter + limits.p95_ms / 1000, WARM_UP * seconds), MOST_WARM_UP * seconds)
        tallies.append(LevelTally(vus, seconds, warm_up, limits, jitter))
        at += seconds + drain
    follower = _Levels(tallies, drain, phase, judged, progress, smoke, stop_on_bad)
    try:
        clock = player.play(load_wrapper.held(placed, player.parts, drain), follower, at, jitter=jitter)
    except (KeyboardInterrupt, CutError):
        follower.cut(time.time())
        raise
    follower.finish(clock)


class _Levels:
    """A follower: points to their level, a verdict when a level is over."""

    def __init__(
        self,
        tallies: Sequence[LevelTally],
        drain: float,
        phase: Phase,
        judged: Callable[[LoadStep], None],
        progress: Progress,
        smoke: Smoke,
        stop_on_bad: bool,
    ) -> None:
        self._tallies, self._drain, self._phase = tallies, drain, phase
        self._judged, self._progress = judged, progress
        self._names, self._alone = smoke.names, smoke.tally.own
        self._stop_on_bad = stop_on_bad
        self._at = 0
        self._told = 0.0
        self._stopped = False

    def take(self, point: Point) -> None:
        _, _, number = point.tags.get("scenario", "").rpartition("_")
        if number.isdigit():
            self._tallies[int(number)].add(point)

    def go_on(self, now: float, ticker: Ticker, clock: Clock) -> bool:
        tally = self._tallies[self._at]
        if tally.start is None:
            return True
        if now > tally.start + tally.hold + self._drain + LAG:
            return self._judge(tally, clock)
        if now - self._told >= 1.0:
            self._told = now
            last = ticker.last(now - LAG).figures(1.0)
            told = (last.rps, last.p95, last.error_rate)
            self._progress(Moment(self._phase, tally.vus, now - tally.start, tally.hold, *told))
        return True

    def finish(self, clock: Clock) -> None:
        """The last level: k6 ends as soon as its users are done."""
        while not self._stopped and self._at < len(self._tallies):
            tally = self._tallies[self._at]
            if tally.start is None or time.time() < tally.start + tally.hold:
                return
            self._judge(tally, clock)

    def cut(self, now: float) -> None:
        """The level that runs, with what it has."""
        tally = self._tallies[min(self._at, len(self._tallies) - 1)]
        if tally.start is None or self._at == len(self._tallies) or not tally.all.requests:
            return
        tally.hold = min(tally.hold, now - tally.start)
        step = tally.step(self._phase, self._names)
        reason = f"cut short after {tally.hold:.0f} s"
        self._judged(msgspec.structs.replace(step, verdict="undecided", reason=reason))

    def _judge(self, tally: LevelTally, clock: Clock) -> bool:
        generator = Generator(clock.cores(*tally.window), os.cpu_count() or 1, tally.own, self._alone)
        step = tally.step(self._phase, self._names, generator)
        self._judged(step)
        self._progress(Moment(self._phase, tally.vus, tally.hold, tally.hold, step=step))
        self._at += 1
        self._stopped = self._stop_on_bad and (step.verdict == "bad" or generator_bound(step))
        return not self._stopped and self._at < len(self._tallies)
