"""One `k6 run`: its output while it goes on, its log, its CPU time."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from slowpath.runtime.k6 import Binary, K6Error
from slowpath.runtime.k6_log import Logged, entries, secrets

TAGS = "name,method,status,scenario,expected_response,error_code"
LONGEST_LINE = 1 << 20
MESSAGES = 100
"""Different messages of k6's log that are kept."""
SIGNALLED = "k6 received a 'interrupt' signal"
"""What k6 calls an error of the run, and is our own doing where we stop it."""
MARK = "slowpath: "


class Run:
    """One `k6 run`, in a session of its own so that Ctrl-C reaches it only through us."""

    def __init__(
        self, binary: Binary, script: Path, env: Mapping[str, str], marked: Callable[[list[Any]], None] | None = None
    ) -> None:
        command = [binary.path, "run", "-q", "--no-usage-report", "--address", "", "--log-format", "json"]
        try:
            self._process = subprocess.Popen(
                [*command, "--system-tags", TAGS, "--out", "json=-", str(script)],
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise K6Error(f"{binary.path} does not start: {error.strerror}") from None
        self.pid = self._process.pid
        _running.add(self)
        self.log: dict[tuple[str, str], Logged] = {}
        self.stopped = False
        self._marked = marked
        self._hidden = secrets(env)
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def lines(self, wait: float = 0.25) -> Iterator[Sequence[bytes]]:
        """What k6 writes on stdout until it ends, in batches of lines; an empty one where nothing came for a while."""
        stream = self._process.stdout
        assert stream is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while True:
                if not selector.select(wait):
                    yield ()
                    continue
                read = os.read(stream.fileno(), 1 << 20)
                if not read:
                    return
                *whole, rest = (rest + read).split(b"\n")
                rest = rest if len(rest) < LONGEST_LINE else b""
                yield whole

    def stop(self) -> None:
        """Let k6 end by itself, teardown() included."""
        if not self.stopped:
            self.stopped = True
            self._signal(signal.SIGINT)

    def end(self, seconds: float = 30.0) -> int:
        """Stop it, read on so that it is not held up, and give the exit code."""
        self.stop()
        until = time.time() + seconds
        for _ in self.lines():
            if time.time() > until:
                break
        return self.finish(max(0.1, until - time.time()))

    def finish(self, seconds: float = 30.0) -> int:
        """Wait for the end, stop what does not end, and give the exit code."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
        _running.discard(self)
        self._reader.join(5)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return code

    def kill(self) -> None:
        """End it now, with whatever it started."""
        self.stopped = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, ValueError):
            self._process.send_signal(number if sys.platform != "win32" else signal.SIGTERM)

    def _read_log(self) -> None:
        stream = self._process.stderr
        assert stream is not None
        for line in iter(lambda: stream.readline(LONGEST_LINE), b""):
            for entry in entries([line], self._hidden):
                if entry.level == "info" and entry.text.startswith(MARK):
                    self._mark(entry.text[len(MARK) :])
                elif entry.level in ("error", "warning") and not (self.stopped and SIGNALLED in entry.text):
                    self._keep(entry)

    def _keep(self, entry: Logged) -> None:
        key = (entry.level, entry.text)
        if key in self.log:
            self.log[key].count += 1
        elif len(self.log) < MESSAGES:
            self.log[key] = entry

    def _mark(self, text: str) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            words = msgspec.json.decode(text)
            if self._marked is not None and isinstance(words, list):
                self._marked(words)


_running: set[Run] = set()


def kill_all() -> None:
    """End the k6 that we started now; who reads it goes on with what came."""
    for run in tuple(_running):
        run.kill()


class Clock:
    """CPU seconds that a run has used, noted at most once in half a second."""

    def __init__(self, pid: int) -> None:
        import psutil

        self._gone = psutil.Error
        self.noted: list[tuple[float, float]] = []
        try:
            self._process: Any = psutil.Process(pid)
        except psutil.Error:
            self._process = None

    def note(self) -> None:
        now = time.time()
        if self._process is None or (self.noted and now - self.noted[-1][0] < 0.5):
            return
        with contextlib.suppress(self._gone):
            used = self._process.cpu_times()
            self.noted.append((now, used.user + used.system))

    def cores(self, start: float, end: float) -> float | None:
        """Cores used between two times, as far as notes lie there."""
        inside = [(at, used) for at, used in self.noted if start <= at <= end]
        if len(inside) < 2:
            return None
        (first, before), (last, after) = inside[0], inside[-1]
        return (after - before) / (last - first)
