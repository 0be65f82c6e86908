"""Each route driven alone by one user, and the statements that the database ran meanwhile, less its idle rate.

k6 has no way to leave requests of a script out. So one user runs the script until each route was asked; then what was
asked is asked again, one route after the other, with the same arguments (tokens stay inside k6). A route whose answers
differ from the script's is not attributed: a row that may exist but once, a token that was spent. WebSockets and gRPC
are not repeated.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from slowpath.model.evidence import LoadStep, Remark, RouteStatements
from slowpath.runtime import k6, load_wrapper
from slowpath.runtime.k6_run import Clock
from slowpath.runtime.k6_stream import Point
from slowpath.runtime.load_plan import LoadPlan, Moment, Progress, shown
from slowpath.runtime.load_run import Player
from slowpath.runtime.load_smoke import Smoke
from slowpath.runtime.load_steps import OTHERS, LevelTally
from slowpath.runtime.load_tally import Ticker

PAUSE = 1.0
"""Seconds around each route, for the snapshots."""
IDLE = 5.0
RECORD = 60.0
"""Seconds at most in which the script shows its routes, or so many iterations without a new one:"""
PATIENCE = 60
MOST = 30
"""Routes that are driven, those asked most."""
ALIKE = 0.9
"""Share of answers that must have a status that the script saw too."""


FAR = 1e6


class Window(NamedTuple):
    """One route alone; the route is empty for the idle database."""

    route: str
    seconds: float
    answered: dict[str, int]
    expected: tuple[str, ...]
    """Statuses that the script got."""
    statements: dict[str, tuple[float, float]]
    """Statement's id → calls, milliseconds."""


class Isolated(NamedTuple):
    steps: tuple[LoadStep, ...]
    statements: tuple[RouteStatements, ...]
    remarks: tuple[Remark, ...]


class Database:
    """Snapshots of pg_stat_statements; none where there is no database, and then `reason` says why.

    Raises K6Error and TargetError where the named one cannot be used.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self.reason = ""
        self._connection: Any = None
        self._noted: dict[str, list[tuple[float, Any]]] = {}
        name = plan.database_env or "DATABASE_URL"
        if not os.environ.get(name):
            self.reason = f"{name} is not set"
            if plan.database_env:
                raise k6.K6Error(f"{self.reason}: it should hold the DSN")
            return
        from slowpath.runtime import statements

        self._api = statements
        try:
            self._connection = statements.connect(name, plan.owned)
        except ImportError:
            raise k6.K6Error("psycopg is not installed: pip install 'slowpath[runtime]'") from None
        except statements.DatabaseError as error:
            raise k6.K6Error(str(error)) from None

    def note(self, route: str, now: float) -> None:
        if self._connection is None or self.reason:
            return
        try:
            self._noted.setdefault(route, []).append((now, self._api.snapshot(self._connection)))
        except self._api.DatabaseError as error:
            self.reason = str(error)
        if time.time() - now > PAUSE:
            self.reason = "reading its statistics takes too long to tell the routes apart"

    def between(self, route: str) -> tuple[float, dict[str, tuple[float, float]]]:
        """Seconds, and the statements between the two snapshots of a route."""
        noted = self._noted.get(route, [])
        if len(noted) != 2 or self.reason:
            return 0.0, {}
        (began, before), (ended, after) = noted
        if after.statements is None:
            self.reason = "; ".join(remark.message for remark in after.remarks)
            return 0.0, {}
        found = self._api.difference(before, after)
        return ended - began, {each.id: (float(each.calls), each.total_ms) for each in found}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


def isolate(
    player: Player, smoke: Smoke, database: Database, progress: Progress, done: Callable[[Isolated], None]
) -> None:
    """Raises CutError. Whatever ends it, `done` gets the routes whose turn had come."""
    plan = player.plan
    assert smoke.step is not None
    named = [f"{route.method} {route.path}" for route in smoke.step.routes if route.path != OTHERS]
    follower = _Alone(plan, smoke, database, progress)
    seconds = RECORD + IDLE + 2 * PAUSE + MOST * (plan.isolate_seconds + 2 * PAUSE + 1)
    wanted = {"seconds": plan.isolate_seconds, "idle": IDLE, "pause": PAUSE}
    wanted |= {"most": MOST, "patience": PATIENCE, "record": RECORD}
    try:
        player.play(load_wrapper.alone(seconds), follower, seconds, marked=follower.mark, isolate=wanted)
    finally:
        windows = follower.windows()
        done(Isolated(follower.steps(), tuple(attributed(windows)), tuple(follower.remarks(named, windows))))


def attributed(windows: list[Window]) -> Iterator[RouteStatements]:
    """Calls and milliseconds per request, less what the idle database runs. Pure."""
    idle = next((window for window in windows if not window.route), None)
    for window in windows:
        requests = sum(window.answered.values())
        if not window.route or not requests or not window.seconds or not alike(window):
            continue
        found = []
        for name, (calls, spent) in window.statements.items():
            own_calls, own_spent = idle.statements.get(name, (0.0, 0.0)) if idle else (0.0, 0.0)
            share = window.seconds / idle.seconds if idle and idle.seconds else 0.0
            expected = own_calls * share
            if calls - expected >= max(0.5, 2 * expected**0.5):  # a count varies by its square root
                left = max(0.0, spent - own_spent * share)
                found.append((name, (calls - expected) / requests, left / requests))
        yield RouteStatements(window.route, requests, tuple(sorted(found, key=lambda each: (-each[2], each[0]))))


def alike(window: Window) -> bool:
    same = sum(count for status, count in window.answered.items() if status in window.expected)
    return same >= ALIKE * sum(window.answered.values())


class _Alone:
    """A follower: takes a snapshot where the wrapper says that a route begins or ends."""

    def __init__(self, plan: LoadPlan, smoke: Smoke, database: Database, progress: Progress) -> None:
        self._plan, self._names, self._progress = plan, smoke.names, progress
        self._database = database
        self._tallies: dict[str, LevelTally] = {}
        self._ended: dict[str, tuple[dict[str, int], tuple[str, ...]]] = {}

    def take(self, point: Point) -> None:
        if point.metric == "http_req_duration":
            method, name = point.tags.get("method", ""), point.tags.get("name", "")
            path = self._names.get((method, name)) or load_wrapper.path_of(name)
            tally = self._tallies.get(f"{method} {path}")
            if tally is not None:
                tally.add(point)

    def go_on(self, now: float, ticker: Ticker, clock: Clock) -> bool:
        return True

    def mark(self, words: list[Any]) -> None:
        """Called while k6 runs, by the thread that reads its log; the wrapper waits PAUSE after each."""
        now = time.time()
        match words:
            case ["begin", str(route)]:
                if route:
                    self._progress(Moment("isolate", 1, 0.0, self._plan.isolate_seconds))
                    self._tallies[route] = LevelTally(1, FAR, 0.0, self._plan.limits)
                    self._tallies[route].start = now + PAUSE
                self._database.note(route, now)
            case ["end", str(route), dict(answered), list(expected)]:
                if route:
                    tally = self._tallies[route]
                    tally.hold = now - (tally.start or now)
                self._ended[route] = (answered, tuple(map(str, expected)))
                self._database.note(route, now)

    def windows(self) -> list[Window]:
        """What ran between the snapshots of each route."""
        made = []
        for route, (answered, expected) in self._ended.items():
            seconds, statements = self._database.between(route)
            made.append(Window(route, seconds, answered, expected, statements))
        return made

    def steps(self) -> tuple[LoadStep, ...]:
        steps = ((route, self._tallies[route].step("isolate", self._names)) for route in self._ended if route)
        return tuple(msgspec.structs.replace(step, route=route) for route, step in steps)

    def remarks(self, routes: list[str], windows: list[Window]) -> Iterator[Remark]:
        done = {window.route: window for window in windows}
        if self._database.reason:
            about = shown(self._plan, self._plan.script)
            yield Remark("warning", about, f"statements are not attributed: {self._database.reason}")
        for route in sorted({*routes, *done} - {""}):
            window = done.get(route)
            if window is None:
                yield Remark(
                    "warning", route, "not driven alone: it was not asked again, or others are asked more often"
                )
            elif not alike(window):
                told = ", ".join(f"{count} × {status}" for status, count in sorted(window.answered.items()))
                message = f"not attributed: asked again alone it answers otherwise ({told}) than in the script"
                yield Remark("warning", route, f"{message} ({', '.join(window.expected)})")
            elif not route.startswith(("GET ", "HEAD ", "OPTIONS ")):
                yield Remark("note", route, "it writes, and was asked again with arguments that the script had used")
