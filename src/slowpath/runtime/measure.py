"""What fixes of Cargo manifests save, measured: `cargo check` from scratch on a copy, as it is and with the fixes.

Cargo runs the project's build scripts and procedural macros, as any build of it does.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from slowpath.programs import on_path

TIMEOUT = 3600.0
LEFT_OUT = shutil.ignore_patterns("target", ".git", "node_modules")
Progress = Callable[[str], None]


class MeasureError(Exception):
    """Why nothing could be measured; the text is one line."""


class Run(NamedTuple):
    """One `cargo check` of a workspace."""

    crates: int
    cpu: float
    wall: float


class Comparison(NamedTuple):
    """A workspace, by its folder in the project, before and after."""

    folder: str
    before: Run
    after: Run


def compare(root: Path, texts: Mapping[str, bytes], progress: Progress, timeout: float = TIMEOUT) -> list[Comparison]:
    """Check each workspace whose manifests change. `texts` are the files as the fixes leave them."""
    cargo = on_path("cargo")
    if cargo is None:
        raise MeasureError("cargo is not on PATH")
    with _terminable(), tempfile.TemporaryDirectory(prefix="slowpath-", ignore_cleanup_errors=True) as place:
        copy = Path(place).resolve() / "project"
        try:
            shutil.copytree(root, copy, symlinks=True, ignore=LEFT_OUT)
            folders = sorted({_workspace(cargo, copy / path) for path in texts if path.endswith("Cargo.toml")})
            names = [folder.relative_to(copy).as_posix() for folder in folders]
            before = list(_checked(cargo, folders, names, "before", progress, timeout))
            for path, text in texts.items():
                _write(copy, path, text)
            after = list(_checked(cargo, folders, names, "with the fixes", progress, timeout))
        except (OSError, shutil.Error, ValueError) as error:
            raise MeasureError(f"the project cannot be copied: {' '.join(str(error).split())[:200]}") from None
    return [Comparison(*parts) for parts in zip(names, before, after, strict=True)]


@contextmanager
def _terminable() -> Iterator[None]:
    """A signal to end unwinds the stack: what was started ends too, and the copies go."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(copy: Path, path: str, text: bytes) -> None:
    """Put a file into the copy, and nowhere that a link may lead."""
    file = copy / path
    if not file.parent.resolve().is_relative_to(copy):
        raise MeasureError(f"{path} lies outside of the project")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.write_bytes(text)


def _workspace(cargo: str, manifest: Path) -> Path:
    """The folder of the workspace that a package belongs to."""
    command = [cargo, "locate-project", "--workspace", "--message-format", "plain"]
    done = subprocess.run(command, cwd=manifest.parent, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        raise MeasureError(f"cargo finds no workspace: {_reason(done.stderr)}")
    return Path(done.stdout.strip()).resolve().parent


def _checked(
    cargo: str, folders: Iterable[Path], names: Iterable[str], when: str, progress: Progress, timeout: float
) -> Iterator[Run]:
    for folder, name in zip(folders, names, strict=True):
        progress(f"cargo check, {when}, in {name}")
        try:
            run, reason = _check(cargo, folder, timeout)
            if run is None:  # perhaps something was never downloaded: that shall not count
                _started([cargo, "fetch"], folder, timeout)
                run, reason = _check(cargo, folder, timeout)
        except subprocess.TimeoutExpired:
            raise MeasureError(f"cargo check in {name}, {when}, took more than {timeout:.0f} s") from None
        if run is None:
            raise MeasureError(f"cargo check in {name} fails, {when}: {reason}")
        yield run


def _check(cargo: str, folder: Path, timeout: float) -> tuple[Run | None, str]:
    """From scratch, without the network. What it cost, or why it fails."""
    with tempfile.TemporaryDirectory(prefix="slowpath-", ignore_cleanup_errors=True) as target:
        command = [cargo, "check", "--offline", "--message-format", "json", "--target-dir", target]
        cpu, wall = _children(), time.perf_counter()
        status, out, err = _started(command, folder, timeout)
        run = Run(len(set(_compiled(out))), _children() - cpu, time.perf_counter() - wall)
    return (None, _reason(err)) if status else (run, "")


def _compiled(out: str) -> Iterator[str]:
    for line in out.splitlines():
        try:
            message = json.loads(line)
        except ValueError:  # what a build script prints
            continue
        if isinstance(message, dict) and message.get("reason") == "compiler-artifact":
            yield str(message.get("package_id"))


def _started(command: list[str], folder: Path, timeout: float) -> tuple[int, str, str]:
    """Runs in a session of its own, so that at a timeout all goes that it started."""
    env = {**os.environ, "RUSTC_WRAPPER": "", "CARGO_INCREMENTAL": "0", "CARGO_TERM_COLOR": "never"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            _killed(process)
            raise
    return process.returncode, out, err


def _killed(process: subprocess.Popen[str]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _reason(text: str) -> str:
    """The first error of what cargo says."""
    lines = [line.strip() for line in text.splitlines()]
    return next((line for line in lines if line.startswith("error")), lines[-1] if lines else "no reason given")[:200]


def told(comparisons: Iterable[Comparison], fixes: int) -> str:
    """What was measured, as text."""
    lines = []
    for folder, before, after in comparisons:
        saved = Run(before.crates - after.crates, before.cpu - after.cpu, before.wall - after.wall)
        lines.append(f"cargo check from scratch in {folder}:")
        lines += [_line("before", before), _line(f"with {fixes} fix{'' if fixes == 1 else 'es'}", after)]
        lines.append(_line("saved", saved) + (f" ({saved.cpu / before.cpu:.0%} of the CPU time)" if before.cpu else ""))
    return "\n".join(lines) + "\n"


def _line(name: str, run: Run) -> str:
    return f"  {name:14} {run.crates:5} crate{' ' if run.crates == 1 else 's'} {run.cpu:8.1f} s CPU {run.wall:8.1f} s"
