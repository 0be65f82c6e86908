"""What the resources were at the last good and at the first bad step: medians of the samples within each."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from statistics import median
from typing import Literal, NamedTuple

from slowpath.model.evidence import LoadPart, LoadStep, Reading, ResourcesPart, Series
from slowpath.model.limiter import Limiter

FEWEST = 3
"""Samples that a median needs."""
MUCH_FEWER = 2 / 3
"""Share of the users."""
BUSY = 0.9
"""Share of its time from which a thread, or of its cores from which a program, is saturated."""
HARMLESS = 0.1
"""Share of the median latency."""
LARGEST = 1e18
"""No quantity here is negative or beyond this: such a value was not measured."""
MOST_SESSIONS = 262_143
"""PostgreSQL's own limit."""
SLOW_SOURCES = ("container.", "prom.")
"""May be sampled once in 15 s or more: one sample counts."""


class Outcome(NamedTuple):
    """What one rule says of one limiter."""

    limiter: Limiter
    state: Literal["holds", "cleared", "unknown"]
    figures: str
    """Why it is so; evidence, exoneration, or what is missing."""
    summary: str = ""
    """One sentence, where it holds."""
    evidence: tuple[str, ...] = ()
    """Besides the figures."""
    probe: tuple[str, ...] = ()
    direct: bool = True
    """Seen itself, not only by what else is ruled out."""


class Steps(NamedTuple):
    """What is compared. The last good and the first bad step may be close together, so that what grows is flat."""

    good: LoadStep | None
    bad: LoadStep
    earlier: LoadStep | None
    """That with the most users of those that have much fewer than the bad one."""
    light: LoadStep | None
    """That with the fewest; the short smoke step only where there is no other."""


class Facts:
    """All that a rule may ask."""

    def __init__(self, resources: ResourcesPart, steps: Steps) -> None:
        self.good_step = steps.good
        self.bad_step = steps.bad
        self.earlier_step = steps.earlier
        self._light_step = steps.light
        self.workers = resources.workers
        self._pool_max = resources.pool_max
        self._margin = abs(resources.clock_offset)
        self._series = {(one.name, one.subject): one for one in resources.series}

    def bad(self, name: str, subject: str = "") -> float | None:
        return _median(name, self._within(name, subject, self.bad_step))

    def good(self, name: str, subject: str = "") -> float | None:
        return _median(name, self._within(name, subject, self.good_step))

    def light(self, name: str, subject: str = "") -> float | None:
        """With the fewest users."""
        return _median(name, self._within(name, subject, self._light_step))

    def bad_or(self, name: str, subject: str = "") -> float:
        """For parts of a sum: what was not seen adds nothing."""
        return self.bad(name, subject) or 0.0

    def samples(self, names: Iterable[str]) -> list[tuple[float, ...]]:
        """Values of several series of one source at the same moments of the bad step."""
        columns = [dict(self._points(name, "", self.bad_step)) for name in names]
        times = set.intersection(*(set(column) for column in columns)) if columns else set()
        return [tuple(column[time] for column in columns) for time in sorted(times)]

    def subjects(self, name: str) -> list[str]:
        return sorted(subject for known, subject in self._series if known == name)

    @cached_property
    def cores(self) -> float | None:
        return self.bad("host.cores")

    @cached_property
    def pool_max(self) -> int | None:
        """As given; else the sessions of the app, if it had as many with much fewer users: a pool opens no more."""
        if self._pool_max and self._pool_max > 0:
            return self._pool_max
        parts = [self._series.get((f"db.{state}", "")) for state in ("active", "idle", "idle_in_transaction")]
        if not all(parts) or self.earlier_step is None:
            return None
        before, now = (self._sessions(step) for step in (self.earlier_step, self.bad_step))
        return int(now) if now is not None and now == before and 1 <= now <= MOST_SESSIONS else None

    @cached_property
    def generator(self) -> float | None:
        """Cores of k6 and of what reads its stream; on this host."""
        k6 = self.bad("process.cpu", "k6")
        return None if k6 is None else k6 + sum(self.bad_or("process.cpu", label) for label in ("reader", "slowpath"))

    @cached_property
    def unexplained(self) -> float | None:
        """Cores of this host that nothing watched used. None where no process of the product was watched."""
        host = self.bad("host.cpu")
        watched = [self.bad("process.cpu", label) for label in self.subjects("process.cpu")]
        if host is None or self.app_cpu is None:
            return None
        known = sum(cpu for cpu in watched if cpu is not None) + self.bad_or("host.softirq")
        for label in ("app", "postgres"):
            if self.bad("process.cpu", label) is None:
                known += self.bad_or("container.cpu", label)
        return max(0.0, host - known)

    @cached_property
    def waited(self) -> float | None:
        """Milliseconds that a request's threads were ready and waited for a processor, in all that was watched."""
        if self.bad("process.cpu_wait", "app") is None or not self.bad_step.figures.rps:
            return None
        waits = [self.bad_or("process.cpu_wait", label) for label in self.subjects("process.cpu_wait")]
        return 1000 * sum(waits) / self.bad_step.figures.rps

    @cached_property
    def others_harmless(self) -> bool:
        """What else ran on the host took hardly any time from a request, however much it used. Where a thread is
        saturated, each moment that it waits delays all requests."""
        typical = self.bad_step.figures.p50
        watched = self.subjects("process.busiest_thread")
        saturated = any(self.bad_or("process.busiest_thread", label) >= BUSY for label in watched)
        return not saturated and self.waited is not None and typical is not None and self.waited <= HARMLESS * typical

    @cached_property
    def host(self) -> float | None:
        """Cores in use; without those of others that do no harm."""
        used = self.bad("host.cpu")
        return used if used is None or not self.others_harmless else used - (self.unexplained or 0.0)

    def others(self) -> list[tuple[float, str]]:
        """Cores and names of what was not watched, most first. One that rests has no samples, so it is a mean."""
        ticks = len(self._within("host.cpu", "", self.bad_step))
        means = [(sum(self._within("other.cpu", name, self.bad_step)), name) for name in self.subjects("other.cpu")]
        return sorted(((total / ticks, name) for total, name in means if ticks and total), reverse=True)

    @cached_property
    def app_cpu(self) -> float | None:
        own = self.bad("process.cpu", "app")
        return own if own is not None else self.bad("container.cpu", "app")

    @cached_property
    def postgres_cpu(self) -> float | None:
        own = self.bad("process.cpu", "postgres")
        return own if own is not None else self.bad("container.cpu", "postgres")

    @cached_property
    def host_full(self) -> bool:
        """Nine tenths of the host's cores, or of what the hypervisor leaves of them."""
        used, cores = self.host, self.cores
        return used is not None and cores is not None and used >= 0.9 * (cores - self.bad_or("host.steal"))

    @property
    def database(self) -> bool:
        return self.bad("db.active") is not None

    def readings(self) -> tuple[Reading, ...]:
        """What is shown beside the verdict."""
        limits = {
            "host.cpu": self.cores,
            "db.active": self.pool_max,
            "host.memory": self.bad("host.memory_total"),
        }
        found = []
        for name, subject in sorted(self._series):
            good, bad = self.good(name, subject), self.bad(name, subject)
            if bad is not None and name not in ("host.cores", "host.memory_total", "other.cpu") and (good or bad):
                limit = limits.get(name)
                if name in ("container.cpu", "container.memory"):
                    limit = self.bad(f"{name}_limit", subject)
                if name == "net.bytes":
                    limit = self.bad("net.link", subject)
                found.append(Reading(name, subject, good, bad, limit))
        return tuple(found)

    def _within(self, name: str, subject: str, step: LoadStep | None) -> list[float]:
        return [value for _, value in self._points(name, subject, step)]

    def _points(self, name: str, subject: str, step: LoadStep | None) -> list[tuple[float, float]]:
        series = self._series.get((name, subject))
        if series is None or step is None:
            return []
        return [point for point in window(series, step, self._margin) if 0 <= point[1] <= LARGEST]

    def _sessions(self, step: LoadStep) -> float | None:
        values = [
            sum(value for _, value in self._points(f"db.{state}", "", step))
            for state in ("active", "idle", "idle_in_transaction")
        ]
        count = len(self._points("db.active", "", step))
        return round(sum(values) / count, 1) if count else None


def window(series: Series, step: LoadStep, margin: float = 0.0) -> Iterable[tuple[float, float]]:
    """The points of a step; both ends are cut by what the clocks may differ, at most by a quarter."""
    cut = min(margin, (step.end - step.start) / 4)
    first, last = step.start + cut, step.end - cut
    return ((time, value) for time, value in zip(series.times, series.values, strict=False) if first <= time <= last)


def steps_of(load: LoadPart) -> Steps | None:
    """None without a bad step. Each as it was run last; the smoke step stands in where no other was good."""
    point = load.breaking_point
    if point is None or point.first_bad is None:
        return None
    steps = [step for step in load.steps if step.phase not in ("isolate", "soak")]
    bad = [step for step in steps if step.vus == point.first_bad and step.verdict == "bad"]
    if not bad:
        return None
    good = [step for step in steps if step.vus == point.last_good and step.verdict == "good"]
    known = good or [step for step in steps if step.phase == "smoke"]
    below = [step for step in steps if step.verdict != "bad" and 0 < step.vus <= MUCH_FEWER * bad[-1].vus]
    return Steps(
        known[-1] if known else None,
        bad[-1],
        max(below, key=lambda step: step.vus, default=None),
        min(below, key=lambda step: (step.phase == "smoke", step.vus), default=None),
    )


def doubtful_steps(load: LoadPart) -> Steps | None:
    """The last level, where it decided nothing: a search ends there too because the generator has no more to give."""
    steps = [step for step in load.steps if step.phase not in ("isolate", "soak")]
    return Steps(steps[0], steps[-1], None, None) if steps and steps[-1].verdict == "undecided" else None


def _median(name: str, values: list[float]) -> float | None:
    fewest = 1 if name.startswith(SLOW_SOURCES) else FEWEST
    return median(values) if len(values) >= fewest else None
