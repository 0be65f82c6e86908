"""Watching a running system: each source is asked in a thread of its own, so that a slow one holds up no other.

In: what to watch. Out: a `ResourcesPart`, its series on one clock. A source that fails is said once, and the others go
on.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

import msgspec

from slowpath.model.evidence import Remark, ResourcesPart, Series
from slowpath.runtime import resources_clock, resources_prometheus
from slowpath.runtime.processes import ProcessError, find, server_of
from slowpath.runtime.resources_database import Database
from slowpath.runtime.resources_docker import Docker
from slowpath.runtime.resources_host import Host
from slowpath.runtime.resources_kubectl import Kubectl
from slowpath.runtime.resources_processes import Finder, Processes
from slowpath.runtime.sources import Sample, Source, SourceError
from slowpath.runtime.targets import TargetError

PATIENCE = 5.0
"""Seconds that the end waits for a source that is just asked."""


class ResourcesError(Exception):
    """What cannot be watched; the text is one line."""


class WatchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to watch."""

    app: tuple[str, ...] = ()
    """Each a PID, `:PORT` or a name."""
    postgres: str = ""
    """PID or name; where it is empty and the watched database is on this host, its server is found."""
    database_env: str = ""
    """Name of the environment variable that holds the address."""
    docker: tuple[str, ...] = ()
    """Names of containers; `app=NAME` and `postgres=NAME` say which one it is."""
    kubectl: str = ""
    """A label selector of pods."""
    prometheus: str = ""
    ranges: dict[str, str] = {}
    """Name → PromQL."""
    target: str = ""
    """URL of the measured host, for its clock."""
    pool_max: int | None = None
    workers: int | None = None
    owned: bool = False
    """Public addresses are the user's own."""


class Watch:
    """`start()` refuses what is not there; `stop()` gives all that was gathered."""

    def __init__(self, plan: WatchPlan) -> None:
        self._plan = plan
        self._end = threading.Event()
        self._database = Database(plan.database_env, plan.owned) if plan.database_env else None
        self._threads: list[_Asked] = []
        self._remarks: list[Remark] = []
        self._started = 0.0
        self._offset = 0.0

    def start(self) -> None:
        """Raises ResourcesError for a process that is not there and for a host that may not be touched."""
        sources = self._sources()
        self._offset = self._clock()
        self._started = time.time()
        self._threads = [_Asked(source, self._end) for source in sources]
        for thread in self._threads:
            thread.start()

    def stop(self, *, complete: bool = True) -> ResourcesPart:
        self._end.set()
        finished = time.time()
        remarks = list(self._remarks)
        series: list[Series] = []
        for thread in self._threads:
            thread.join(PATIENCE)
            series += thread.series()
            remarks += thread.remarks
        if self._plan.prometheus:
            found, told = resources_prometheus.ranges(
                self._plan.prometheus, self._plan.ranges, self._started, finished, owned=self._plan.owned
            )
            series += found
            remarks += told
        if self._database is not None and len(self._database.programs) > 1:
            names = ", ".join(sorted(self._database.programs)[:5])
            words = f"sessions of several programs are counted together: {names}"
            remarks.append(Remark("note", self._database.name, words))
        return ResourcesPart(
            schema="slowpath-resources/1",
            tools=self._tools(),
            started=round(self._started, 3),
            finished=round(finished, 3),
            complete=complete,
            clock_offset=self._offset,
            remarks=tuple(remarks),
            series=tuple(one for _, one in sorted({(one.name, one.subject): one for one in series}.items())),
            pool_max=self._plan.pool_max,
            workers=self._plan.workers,
        )

    def _sources(self) -> list[Source]:
        plan = self._plan
        finders: dict[str, Finder] = {}
        if plan.app:
            finders["app"] = _finder(plan.app)
        if plan.postgres:
            finders["postgres"] = _finder((plan.postgres,))
        elif self._database is not None:
            database = self._database
            finders["postgres"] = lambda: server_of(database.backend) if database.backend else []
        labelled = [_labelled(container) for container in plan.docker]
        sources: list[Source] = [Host(), Processes(finders)]
        sources += [Docker(name, label, plan.owned) for label, name in labelled]
        sources += [Kubectl(plan.kubectl)] if plan.kubectl else []
        return sources + ([self._database] if self._database is not None else [])

    def _clock(self) -> float:
        if not self._plan.target:
            return 0.0
        try:
            return resources_clock.offset(self._plan.target, owned=self._plan.owned)
        except SourceError as error:
            self._remarks.append(Remark("note", "clock", f"the target's clock was not compared: {error}"))
        except TargetError as error:
            raise ResourcesError(str(error)) from None
        return 0.0

    def _tools(self) -> dict[str, str]:
        found = {}
        for package in ("psutil", "psycopg"):
            try:
                found[package] = version(package)
            except PackageNotFoundError:
                continue
        if self._database is not None and self._database.version:
            found["PostgreSQL"] = self._database.version
        return found


class _Asked(threading.Thread):
    """One source, asked in its period until the end."""

    def __init__(self, source: Source, end: threading.Event) -> None:
        super().__init__(name=f"slowpath {source.name}", daemon=True)
        self._source = source
        self._end_of_all = end
        self._values: defaultdict[tuple[str, str, str], list[tuple[float, float]]] = defaultdict(list)
        self.remarks: list[Remark] = []
        self._lost: float | None = None
        """Since when it gives nothing."""

    def run(self) -> None:
        due = time.monotonic()
        while not self._end_of_all.is_set():
            self._ask()
            due = max(due + self._source.period, time.monotonic())
            self._end_of_all.wait(due - time.monotonic())
        self._source.close()

    def series(self) -> list[Series]:
        return [
            Series(name, subject, unit, tuple(t for t, _ in points), tuple(v for _, v in points))
            for (name, subject, unit), points in list(self._values.items())
        ]

    def _ask(self) -> None:
        try:
            samples = list(self._source.read())
        except SourceError as error:
            self._failed(str(error))
            return
        except Exception as error:  # a fault here must not end the measurement
            self._failed(f"{type(error).__name__} in slowpath")
            return
        self._back()
        self._keep(samples, round(time.time(), 3))

    def _keep(self, samples: Iterable[Sample], now: float) -> None:
        for name, subject, unit, value in samples:
            self._values[name, subject, unit].append((now, float(f"{value:.6g}")))

    def _failed(self, words: str) -> None:
        if self._lost is not None:
            return
        self._lost = time.monotonic()
        self._say("warning", f"{'lost' if self._values else 'not measured'}: {words}")

    def _back(self) -> None:
        if self._lost is not None:
            self._say("note", f"is back after {time.monotonic() - self._lost:.0f} s")
            self._lost = None

    def _say(self, level: str, words: str) -> None:
        if len(self.remarks) < 20:
            self.remarks.append(Remark("warning" if level == "warning" else "note", self._source.name, words))


def _finder(wanted: Iterable[str]) -> Finder:
    """Raises ResourcesError if nothing is there now."""
    names = list(wanted)
    for name in names:
        try:
            if not find(name):
                raise ResourcesError(_missing(name))
        except ProcessError as error:
            raise ResourcesError(str(error)) from None
    return lambda: [process for name in names for process in find(name)]


def _missing(name: str) -> str:
    if name.startswith(":"):
        return f"nothing listens on port {name[1:][:20]}"
    return f"no process has the {'id' if name.isdecimal() else 'name'} {name[:60]}"


def _labelled(container: str) -> tuple[str, str]:
    label, sign, name = container.partition("=")
    return (label, name) if sign and label in ("app", "postgres") else (container, container)
