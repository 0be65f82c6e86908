"""Process trees by label: CPU, memory, threads. Processes come and go between two looks, and none is counted twice.

A tree's CPU time is the sum over its living processes of their own time and that of the children they reaped: it does
not change when a child ends, so connections that live for a moment count too.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from slowpath.runtime.processes import GENERATOR, generators, readers
from slowpath.runtime.resources_cgroup import quota
from slowpath.runtime.resources_others import Others
from slowpath.runtime.resources_threads import Threads, ThreadWatch
from slowpath.runtime.sources import Rates, Sample

if TYPE_CHECKING:
    import psutil

Key = tuple[int, float]
"""Process id and time of creation: ids are used again."""
Finder = Callable[[], Iterable["psutil.Process"]]


class Tree:
    """One label: roots and all that descends from them, or the roots alone."""

    def __init__(self, find: Finder, *, alone: bool = False) -> None:
        self._find = find
        self._alone = alone
        self.roots: list[psutil.Process] = []
        """As of the last look."""
        self._times: dict[Key, float] = {}
        self._threads: dict[Key, ThreadWatch] = {}
        self._last = 0.0
        """Monotonic time of the last look that found something."""
        self._last_epoch = 0.0

    @property
    def members(self) -> Iterable[Key]:
        """At the last look."""
        return self._times.keys()

    def look(self, label: str, children: Mapping[int, list[psutil.Process]]) -> Iterator[Sample]:
        now, epoch = time.monotonic(), time.time()
        processes = self._members(children)
        times: dict[Key, float] = {}
        private = shared = threads = 0.0
        for key, process in processes.items():
            try:
                with process.oneshot():
                    used = process.cpu_times()
                    memory = process.memory_info()
                    threads += process.num_threads()
            except Exception as error:
                if not _gone(error):
                    raise
                continue
            times[key] = used.user + used.system if self._alone else sum(used[:4])
            own_shared = float(getattr(memory, "shared", 0))
            private += memory.rss - own_shared
            shared = max(shared, own_shared)  # a server's shared buffers are in each of its processes
        cores = self._cores(times, now)
        known, elapsed = bool(self._last), now - self._last
        self._times, self._last, self._last_epoch = times, now if times else 0.0, epoch
        if not times:
            return
        if cores is not None:
            yield Sample("process.cpu", label, "cores", cores)
        yield Sample("process.memory", label, "bytes", private + shared)
        yield Sample("process.threads", label, "threads", threads)
        looks = self._looks(times)
        if known and looks:
            yield from _detail(label, looks, elapsed)

    def _members(self, children: Mapping[int, list[psutil.Process]]) -> dict[Key, psutil.Process]:
        # found anew once the ones that are known have ended: a server that restarts is seen again
        self.roots = [root for root in self.roots if _runs(root)] or list(self._find())
        waiting, members = list(self.roots), {}
        while waiting:
            process = waiting.pop()
            key = (process.pid, process.create_time())
            if key not in members:
                members[key] = process
                waiting += [] if self._alone else children.get(process.pid, [])
        return members

    def _cores(self, times: Mapping[Key, float], now: float) -> float | None:
        """None at the first look. A process that is older than the last look, but was no member then, starts at 0."""
        if not self._last or now <= self._last:
            return None
        joined = sum(value for key, value in times.items() if key not in self._times and key[1] < self._last_epoch)
        kept = sum(value - self._times[key] for key, value in times.items() if key in self._times)
        change = sum(times.values()) - joined - sum(self._times.values())
        return max(change, kept, 0.0) / (now - self._last)

    def _looks(self, keys: Iterable[Key]) -> list[Threads]:
        self._threads = {key: self._threads.get(key) or ThreadWatch(key[0]) for key in keys}
        return [look for look in (watch.look() for watch in self._threads.values()) if look is not None]


def _detail(label: str, looks: Collection[Threads], elapsed: float) -> Iterator[Sample]:
    yield Sample("process.cpu_wait", label, "cores", sum(look.wait for look in looks) / elapsed)
    yield Sample("process.busiest_thread", label, "share", max(look.busiest for look in looks) / elapsed)
    yield Sample("process.blocked", label, "threads", float(sum(look.uninterruptible for look in looks)))
    if all(look.loops is not None for look in looks):
        yield Sample("process.event_loops", label, "threads", float(sum(look.loops or 0 for look in looks)))
        yield Sample("process.stalled_loops", label, "threads", float(sum(look.stalled for look in looks)))


class Processes:
    """All labels, with one walk over the process table for each sample."""

    name = "processes"
    period = 1.0

    def __init__(self, finders: Mapping[str, Finder]) -> None:
        self._trees = {label: Tree(find) for label, find in finders.items()}
        self._trees[GENERATOR] = generator = Tree(generators)
        self._trees["reader"] = Tree(lambda: readers(generator.roots), alone=True)  # k6 and the product may be below
        self._trees["slowpath"] = Tree(_own, alone=True)
        self._others = Others()
        self._rates = Rates()

    def read(self) -> Iterator[Sample]:
        import psutil

        processes = list(psutil.process_iter())
        children = _children(processes)
        for label, tree in self._trees.items():
            yield from tree.look(label, children)
        watched = {key for tree in self._trees.values() for key in tree.members}
        yield from self._others.look(processes, watched)
        if "app" in self._trees:
            yield from self._quota("app", self._trees["app"].roots)

    def close(self) -> None: ...

    def _quota(self, label: str, roots: Iterable[psutil.Process]) -> Iterator[Sample]:
        """Of the first that has one."""
        found = next((limit for root in roots if (limit := quota(root.pid)) is not None), None)
        if found is None:
            return
        yield Sample("container.cpu_limit", label, "cores", found.cores)
        now = time.monotonic()
        periods = self._rates.rate("periods", now, found.periods)
        throttled = self._rates.rate("throttled", now, found.throttled)
        if throttled is not None:
            yield Sample("container.throttled", label, "share", throttled / periods if periods else 0.0)


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _own() -> list[psutil.Process]:
    import psutil

    return [psutil.Process()]


def _children(processes: Iterable[psutil.Process]) -> dict[int, list[psutil.Process]]:
    import psutil

    found: defaultdict[int, list[psutil.Process]] = defaultdict(list)
    for process in processes:
        try:
            found[process.ppid()].append(process)
        except psutil.Error:
            continue
    return found


def _gone(error: Exception) -> bool:
    import psutil

    return isinstance(error, psutil.Error | ProcessLookupError | FileNotFoundError)
