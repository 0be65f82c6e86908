"""What the threads of a process do, from Linux' /proc; elsewhere, and of processes that may not be read, nothing.

A thread's `schedstat` gives the time that it ran and the time that it was ready and waited for a processor: their sum
is a saturated thread's whole time, however many others want the processor too. `syscall` says what a sleeping thread
sleeps in. One that was seen waiting for events is an event loop; one that later sleeps in something else is stalled:
blocking work runs on it. Loops that do nothing, as one that only waits for signals, do not count. Idle workers of a
multi-threaded runtime wait in futex, so that counts as idle too, except where each worker is a runtime of its own
(actix), whose only idle place is its event loop.
"""

from __future__ import annotations

import platform
from itertools import islice
from pathlib import Path
from typing import NamedTuple

EVENTS = {
    "x86_64": frozenset({232, 281, 441, 426}),  # epoll_wait, epoll_pwait, epoll_pwait2, io_uring_enter
    "aarch64": frozenset({22, 441, 426}),
}
FUTEX = {"x86_64": 202, "aarch64": 98}
OWN_RUNTIME = "actix-rt|"
"""How the threads of actix are named: `actix-rt|system:0|arbiter:0`, cut at 15 characters."""
RUNS = -1
"""In no system call."""
MOST = 512
"""Threads of one process that are looked at in one sample."""


class Threads(NamedTuple):
    """Of one process, since the last look."""

    wait: float
    """Seconds that its threads were ready and waited for a processor."""
    busiest: float
    """Seconds that the busiest thread ran or was ready."""
    uninterruptible: int
    loops: int | None
    """Event loops that ran or are stalled; None where the system calls of the threads may not be read."""
    stalled: int


class ThreadWatch:
    """Remembers the threads of one process between two looks."""

    def __init__(self, pid: int) -> None:
        self._folder = f"/proc/{pid}/task"
        self._ran: dict[str, tuple[int, int]] = {}
        self._loops: set[str] = set()
        self._events = EVENTS.get(platform.machine(), frozenset())
        self._futex = FUTEX.get(platform.machine(), -2)

    def look(self) -> Threads | None:
        try:
            names = [entry.name for entry in islice(Path(self._folder).iterdir(), MOST)]
        except OSError:
            return None
        before, self._ran = self._ran, {}
        wait = busiest = uninterruptible = loops = stalled = 0
        readable = False
        for name in names:
            state, ran, waited, call = self._thread(name)
            readable = readable or call is not None
            uninterruptible += state == "D"
            stalls = self._stalls(name, state, call)
            self._ran[name] = (ran, waited)
            ran_now, waited_now = (ran - before[name][0], waited - before[name][1]) if name in before else (0, 0)
            wait += waited_now
            busiest = max(busiest, ran_now + waited_now)
            stalled += stalls
            loops += stalls or (name in self._loops and ran_now > 0)
        if not any(ran for ran, _ in self._ran.values()):  # a kernel that does not count
            return None
        told = loops if readable and self._events else None
        return Threads(wait / 1e9, busiest / 1e9, uninterruptible, told, stalled)

    def _stalls(self, thread: str, state: str, call: int | None) -> bool:
        if call in self._events:
            self._loops.add(thread)
            return False
        if thread not in self._loops or state not in "SD" or call in (None, RUNS):
            return False
        return call != self._futex or self._text(thread, "comm").startswith(OWN_RUNTIME)

    def _thread(self, thread: str) -> tuple[str, int, int, int | None]:
        """State, nanoseconds run, nanoseconds ready, number of its system call; None where that is hidden."""
        stat = self._text(thread, "stat").rpartition(")")[2].split()
        times = self._text(thread, "schedstat").split()
        call = self._text(thread, "syscall").split()
        return (
            stat[0] if stat else "?",
            int(times[0]) if len(times) == 3 else 0,
            int(times[1]) if len(times) == 3 else 0,
            None if not call else int(call[0]) if call[0].isdecimal() else RUNS,
        )

    def _text(self, thread: str, file: str) -> str:
        try:
            return Path(self._folder, thread, file).read_text("ascii", "replace")
        except OSError:  # the thread ended, or it is another user's
            return ""
