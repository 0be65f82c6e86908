"""What nobody asked to watch, by name: whose processors the rest of the host's are."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from slowpath.runtime.sources import Sample

if TYPE_CHECKING:
    import psutil

LEAST = 0.05
"""Cores."""
MOST = 5
"""Names in one sample."""


class Others:
    def __init__(self) -> None:
        self._times: dict[tuple[int, float], float] = {}
        self._last = 0.0

    def look(self, processes: Iterable[psutil.Process], watched: Collection[tuple[int, float]]) -> Iterator[Sample]:
        import psutil

        now = time.monotonic()
        times: dict[tuple[int, float], float] = {}
        used: dict[str, float] = defaultdict(float)
        for process in processes:
            try:
                with process.oneshot():
                    key, cpu = (process.pid, process.create_time()), process.cpu_times()
                    times[key] = cpu.user + cpu.system
                    if key not in watched and key in self._times:
                        used[process.name()] += times[key] - self._times[key]
            except psutil.Error:
                continue
        elapsed, self._times, self._last = now - self._last, times, now
        for name, seconds in sorted(used.items(), key=lambda pair: -pair[1])[:MOST]:
            if seconds >= LEAST * elapsed:
                yield Sample("other.cpu", name, "cores", seconds / elapsed)
