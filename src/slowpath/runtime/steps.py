"""Steps of a plan, run as processes of this program: one that fails or is interrupted costs itself, not the others."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from typing import IO, Literal, NamedTuple

from slowpath.runtime.plan import Step

SELF = (sys.executable, "-P", "-m", "slowpath")
"""`-P`: nothing of the folder that it runs in is imported."""
PARTIAL = 4
PATIENCE = 60.0
"""Seconds for a command to write what it has, once it is told to end; when it is told so again:"""
IN_HASTE = 10.0


class Outcome(NamedTuple):
    """How a step ended."""

    name: str
    state: Literal["done", "partial", "failed", "skipped"]
    reason: str = ""
    code: int = 0
    """The command's exit code."""


class _Running(NamedTuple):
    step: Step
    process: subprocess.Popen[bytes]
    errors: IO[bytes] | None
    """What it says on stderr, where that is not shown at once."""


def run(steps: Iterable[Step], tell: Callable[[str], None]) -> list[Outcome]:
    """Run the steps. After an interrupt no other is started; those that watch end after the last one."""
    outcomes: list[Outcome] = []
    watching: list[_Running] = []
    interrupted = False
    try:
        for step in steps:
            reason = step.reason or ("interrupted" if interrupted else "")
            if reason:
                outcomes.append(Outcome(step.name, "skipped", reason))
                continue
            tell(f"{step.name}: slowpath {shlex.join(step.command)}")
            running = _start(step)
            if step.watches:
                watching.append(running)
                continue
            interrupted = _awaited(running)
            outcomes.append(_outcome(running))
    finally:
        for running in watching:
            _stop(running.process)
            outcomes.append(_outcome(running))
    return outcomes


def _start(step: Step) -> _Running:
    """In a session of its own: an interrupt of the terminal comes to us alone, and we hand it on once."""
    errors = None if step.drives else tempfile.TemporaryFile()  # noqa: SIM115 (read when it has ended)
    with tempfile.TemporaryFile() as told:
        told.write(step.told.encode())
        told.seek(0)
        process = subprocess.Popen((*SELF, *step.command), stdin=told, stderr=errors, start_new_session=True)
    return _Running(step, process, errors)


def _awaited(running: _Running) -> bool:
    """Wait for its end, and say whether it was interrupted."""
    try:
        running.process.wait()
    except KeyboardInterrupt:
        _stop(running.process)
        return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGINT; another one if we are interrupted once more: then it does not wait for k6. If that is of no use, or we
    are asked a third time, SIGKILL."""
    for patience in (PATIENCE, IN_HASTE):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            break
        except KeyboardInterrupt:
            continue
        return
    process.kill()
    process.wait()


def _outcome(running: _Running) -> Outcome:
    code, step = running.process.returncode, running.step
    told = _last_line(running.errors)
    if code == 0:
        return Outcome(step.name, "done")
    if code == PARTIAL and step.output.is_file():
        return Outcome(step.name, "partial", told or "inconclusive, as it says above", code)
    return Outcome(step.name, "failed", told or f"exit code {code}, as it says above", code)


def _last_line(errors: IO[bytes] | None) -> str:
    if errors is None:
        return ""
    with errors:
        errors.seek(0)
        lines = errors.read(1 << 20).decode(errors="replace").splitlines()
    return lines[-1].removeprefix("slowpath: ")[:300] if lines else ""
