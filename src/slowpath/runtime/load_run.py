"""k6 processes of one measurement, one after the other, each followed while it runs."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from slowpath.model.evidence import Tick
from slowpath.runtime import k6, load_wrapper
from slowpath.runtime.k6_log import Logged, brief
from slowpath.runtime.k6_run import Clock, Run
from slowpath.runtime.k6_stream import Point, Points
from slowpath.runtime.load_plan import LoadPlan
from slowpath.runtime.load_tally import Ticker
from slowpath.runtime.load_wrapper import Part

PAUSE = 2.0
"""Seconds between two processes, less where levels are short: the server may finish what it still holds."""
PAUSE_OF_HOLD = 0.2
START_SECONDS = 120.0
"""For k6 to start its users and for setup()."""
FINE = (0, 99)
Marked = Callable[[list[Any]], None]


class CutError(Exception):
    """k6 ended before it should have; the text is one line."""


class Follower(Protocol):
    """What watches a run."""

    def take(self, point: Point) -> None:
        """A point, as soon as k6 has written it."""

    def go_on(self, now: float, ticker: Ticker, clock: Clock) -> bool:
        """Asked several times a second; False stops the run."""


class Player:
    """Runs the wrapped script; keeps what all runs have in common: ticks, k6's log, lines that were not understood."""

    def __init__(self, binary: k6.Binary, plan: LoadPlan, parts: tuple[Part, ...]) -> None:
        self.plan, self.parts, self._binary = plan, parts, binary
        self.ticks: list[Tick] = []
        self.log: list[Logged] = []
        self.broken = 0
        self._folder = tempfile.TemporaryDirectory(prefix="slowpath-", ignore_cleanup_errors=True)
        self._wrapper = load_wrapper.write(Path(self._folder.name), plan.script)
        self._ended = 0.0

    def __enter__(self) -> Player:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._folder.cleanup()

    def play(
        self,
        scenarios: dict[str, Any],
        follower: Follower,
        seconds: float,
        *,
        everything: bool = False,
        marked: Marked | None = None,
        **settings: Any,
    ) -> Clock:
        """One process to its end, which comes after `seconds` at most. Raises CutError."""
        time.sleep(max(0.0, self._ended + min(PAUSE, PAUSE_OF_HOLD * self.plan.hold) - time.time()))
        settings["statuses"] = self.plan.statuses
        settings["blocked"] = () if self.plan.owned else load_wrapper.public()
        own = {**self.plan.env, "SLOWPATH_PLAN": load_wrapper.plan(scenarios, self.parts, **settings)}
        run = Run(self._binary, self._wrapper, k6.environment(own, owned=self.plan.owned), marked)
        points, ticker, clock = Points(everything), Ticker(), Clock(run.pid)
        now = time.time()
        until = now + seconds + START_SECONDS
        try:
            for lines in run.lines():
                clock.note()
                for point in points.read(lines):
                    ticker.add(point)
                    follower.take(point)
                now = time.time()
                if now > until + START_SECONDS:
                    run.kill()
                elif not run.stopped and (not follower.go_on(now, ticker, clock) or now > until):
                    run.stop()
            code = run.finish()
        except BaseException:
            try:
                run.end(10)
            except BaseException:  # asked once more to end
                run.kill()
            raise
        finally:
            self._ended = time.time()
            self.ticks += ticker.finish()
            self.broken += points.broken
            self.log += run.log.values()
        if code not in FINE and not (run.stopped and now <= until):
            raise CutError(_cut(code, run, now > until))
        return clock


def _cut(code: int, run: Run, late: bool) -> str:
    said = [entry.text for entry in run.log.values() if entry.level == "error"]
    told = f"exit code {code}" if code > 0 else f"signal {-code} ended it"
    why = "it did not end in time" if late else k6.EXITS.get(code, told)
    return f"k6 stopped: {why}{f': {brief(said[-1])}' if said else ''}"
