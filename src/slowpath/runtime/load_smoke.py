"""A script run by one user for ten iterations: what it asks for, how long that takes, and if load makes sense."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container
from typing import Any
from urllib.parse import urlsplit

from slowpath.model.evidence import LoadStep
from slowpath.runtime import load_wrapper, targets
from slowpath.runtime.k6_log import Logged, brief
from slowpath.runtime.k6_run import Clock
from slowpath.runtime.k6_stream import Point
from slowpath.runtime.load_plan import Moment, Progress
from slowpath.runtime.load_run import Player
from slowpath.runtime.load_steps import LevelTally
from slowpath.runtime.load_tally import Tally, Ticker

SECONDS = 60.0
FOREVER = 1e6
OUTSIDE = 100
VALUES = 3
"""Different values of a metric that are kept."""
BLOCKED = "1110"
REFUSED = {
    "1101": "no such host",
    "1110": "blocked: a public address",
    "1212": "connection refused",
    "1050": "no answer in time",
}


class Smoke:
    """A follower, and afterwards what was seen."""

    def __init__(self, player: Player) -> None:
        self.tally = LevelTally(len(player.parts), FOREVER, 0.0, player.plan.limits)
        self.hosts: Counter[str] = Counter()
        """Scheme, host and port → requests."""
        self.unanswered: Counter[tuple[str, str]] = Counter()
        """(scheme, host and port; k6's error code) → requests."""
        self.outside: dict[tuple[str, str], Tally] = {}
        """(method, path) → answers to setup() and teardown()."""
        self.metrics: dict[str, set[float]] = {}
        """Metric → some of its values."""
        self.names: dict[tuple[str, str], str] = {}
        """(method, name that the script gives) → path."""
        self.log: list[Logged] = []
        self.step: LoadStep | None = None
        self.jitter = 0.0

    def take(self, point: Point) -> None:
        values = self.metrics.setdefault(point.metric, set())
        if len(values) < VALUES:
            values.add(point.value)
        if point.metric == "http_req_duration":
            self._asked(point)
        if point.tags.get("scenario", "").startswith("step_"):
            self.tally.add(point)

    def go_on(self, now: float, ticker: Ticker, clock: Clock) -> bool:
        return True

    def mark(self, words: list[Any]) -> None:
        match words:
            case ["name", str(method), str(name), str(path), str(address)]:
                self.names[method, name] = path
                if origin(address):
                    self.hosts[origin(address)] += 1

    def _asked(self, point: Point) -> None:
        host = origin(point.tags.get("name", ""))
        if host:
            self.hosts[host] += 1
        if point.tags.get("status") == "0":
            self.unanswered[host, point.tags.get("error_code", "")] += 1
        if not point.tags.get("scenario", "").startswith("step_"):
            key = (point.tags.get("method", ""), load_wrapper.path_of(point.tags.get("name", "")))
            if len(self.outside) < OUTSIDE:
                self.outside.setdefault(key, Tally(OUTSIDE)).add(point)


def smoke(player: Player, progress: Progress) -> Smoke:
    """Raises CutError, with what was seen until then in `player.log`."""
    found = Smoke(player)
    began = time.time()
    progress(Moment("smoke", found.tally.vus, 0.0, 0.0))
    scenarios = load_wrapper.tried(player.parts, SECONDS)
    player.play(scenarios, found, SECONDS + 30, everything=True, marked=found.mark, watch=True)
    found.log = list(player.log)
    tally = found.tally
    tally.start = tally.start or began
    tally.hold = max(0.001, time.time() - tally.start)
    iterations = tally.iterations.ordered()
    found.jitter = iterations[len(iterations) // 2] / 1000 if iterations else 0.0
    found.step = tally.step("smoke", found.names)
    progress(Moment("smoke", tally.vus, tally.hold, tally.hold, step=found.step))
    return found


def origin(name: str) -> str:
    """Scheme, host and port of a URL; nothing where it is none."""
    try:
        parts = urlsplit(name)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}" if host else ""


def down(found: Smoke) -> bool:
    """No server answers at all."""
    answers = [*found.tally.all.statuses, *(status for tally in found.outside.values() for status in tally.statuses)]
    codes = {code for _, code in found.unanswered}
    return bool(answers) and set(answers) == {"0"} and BLOCKED not in codes


def gone(player: Player, progress: Progress) -> str:
    """Why one user gets no answer, asked anew; empty where there is one."""
    found = smoke(player, progress)
    if found.tally.all.times.ordered():
        return ""
    (host, code), _ = (found.unanswered.most_common(1) or [(("the server", ""), 0)])[0]
    return f"{host}: {REFUSED.get(code, 'no answer')}"


def unfit(found: Smoke, mapped: Container[str], *, owned: bool) -> str:
    """Why load would tell nothing or is not to be driven; empty where all is well. `mapped`: k6's option `hosts`."""
    asked = found.tally.all.requests
    blocked = sorted({host for host, code in found.unanswered if code == BLOCKED})
    if blocked:
        return f"{', '.join(blocked)}: a public address: say --i-own-this-target if it is yours to load"
    if down(found) or (asked and found.tally.all.statuses["0"] == asked):
        (host, code), _ = found.unanswered.most_common(1)[0]
        return f"{host}: {REFUSED.get(code, f'no answer (k6 error {code})')}"
    if not asked:
        threw = next((brief(entry.text) for entry in found.log if entry.level == "error"), "")
        return f"no iteration makes an HTTP request{f': {threw}' if threw else ''}"
    try:
        for host in found.hosts:
            name = targets.host_of(host)
            if name not in mapped:
                targets.check(name, owned=owned)
    except targets.TargetError as error:
        return str(error)
    return ""
