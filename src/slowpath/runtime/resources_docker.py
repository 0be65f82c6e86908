"""Containers, from Docker's Engine API: `GET /containers/{id}/stats?stream=false&one-shot=true` and `…/json`.

The counters are cumulative, CPU in nanoseconds; `one-shot` (API 1.41) spares the second that the server would take for
a sample of its own. Page cache that can be dropped is no use of memory: `inactive_file` with cgroup 2,
`total_inactive_file` with cgroup 1 (docs.docker.com/reference/api/engine: stats based on resource usage).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from slowpath.runtime.resources_http import connection, document, get
from slowpath.runtime.sources import Rates, Sample, SourceError
from slowpath.runtime.targets import TargetError

SOCKET = "unix:///var/run/docker.sock"
NO_LIMIT = 1 << 60
"""cgroup 1 says "no limit" by a number near 2^63."""


class Usage(NamedTuple):
    """One container's counters."""

    cpu: float
    """Seconds, since it started."""
    periods: float
    throttled: float
    memory: float
    memory_limit: float | None


class Docker:
    period = 1.0

    def __init__(self, container: str, label: str, owned: bool) -> None:
        self.name = f"container {container}"
        self._container = quote(container, safe="")
        self._owned = owned
        self._address = os.environ.get("DOCKER_HOST") or SOCKET
        here = self._address.startswith("unix:")
        self._label = label if here else container  # elsewhere, this host's cores say nothing about the application
        self._rates = Rates()
        self._limit: float | None = None
        self._asked = False

    def read(self) -> Iterator[Sample]:
        if not self._asked:
            self._limit = cpu_limit(self._get("json"))
            self._asked = True
        found = usage(self._get("stats?stream=false&one-shot=true"))
        return self._samples(found, time.monotonic())

    def close(self) -> None: ...

    def _samples(self, found: Usage, now: float) -> Iterator[Sample]:
        cpu = self._rates.rate("cpu", now, found.cpu)
        if cpu is not None:
            yield Sample("container.cpu", self._label, "cores", cpu)
        yield Sample("container.memory", self._label, "bytes", found.memory)
        if found.memory_limit is not None:
            yield Sample("container.memory_limit", self._label, "bytes", found.memory_limit)
        if self._limit is not None:
            yield Sample("container.cpu_limit", self._label, "cores", self._limit)
        periods = self._rates.rate("periods", now, found.periods)
        throttled = self._rates.rate("throttled", now, found.throttled)
        if throttled is not None:
            yield Sample("container.throttled", self._label, "share", throttled / periods if periods else 0.0)

    def _get(self, what: str) -> dict[str, Any]:
        try:
            made = connection(self._address, owned=self._owned)
        except TargetError as error:
            raise SourceError(str(error)) from None
        status, body, _ = get(made, f"/containers/{self._container}/{what}")
        if status == 404:
            raise SourceError("no such container")
        if status != 200:
            raise SourceError(f"Docker answers {status}")
        return document(body)


def usage(stats: Mapping[str, Any]) -> Usage:
    """Of an answer of `stats`. Raises SourceError."""
    cpu, memory = _part(stats, "cpu_stats"), _part(stats, "memory_stats")
    total, used = _number(_part(cpu, "cpu_usage"), "total_usage"), _number(memory, "usage")
    if total is None or used is None or not total:
        raise SourceError("the container does not run, or its figures are not of Linux")
    throttling, detail = _part(cpu, "throttling_data"), _part(memory, "stats")
    droppable = _number(detail, "total_inactive_file")
    if droppable is None:
        droppable = _number(detail, "inactive_file") or 0.0
    limit = _number(memory, "limit")
    return Usage(
        total / 1e9,
        _number(throttling, "periods") or 0.0,
        _number(throttling, "throttled_periods") or 0.0,
        max(0.0, used - droppable),
        limit if limit and limit < NO_LIMIT else None,
    )


def cpu_limit(inspected: Mapping[str, Any]) -> float | None:
    """Cores that a container may use: NanoCpus (`--cpus`), else CpuQuota of CpuPeriod (100 ms unless said)."""
    host = _part(inspected, "HostConfig")
    nano, quota = _number(host, "NanoCpus"), _number(host, "CpuQuota")
    if nano:
        return nano / 1e9
    return quota / (_number(host, "CpuPeriod") or 100_000.0) if quota and quota > 0 else None


def _part(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Mapping[str, Any], name: str) -> float | None:
    found = value.get(name)
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
