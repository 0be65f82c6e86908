"""New texts → files: those of one fix all or none, and never over what changed since it was read."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from slowpath.model.finding import Fix

Texts = Mapping[str, bytes]
CHANGED = "changed since it was read"

ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]


class UnwritableError(Exception):
    """Why a file is left as it is; the text names it."""


def write(root: Path, old: Texts, new: Texts, fixes: Iterable[Fix], stale: str = CHANGED) -> dict[str, str]:
    """Write the new texts, those that a fix changes together all or none. Returns why, for each that was left.

    `stale` says what is the matter with a file that is not as it was read.
    """
    left: dict[str, str] = {}
    for group in _groups(new, fixes):
        try:
            with _uninterrupted():
                _replace(root.resolve(), {path: (old.get(path), new[path]) for path in sorted(group)}, stale)
        except UnwritableError as error:
            left |= dict.fromkeys(group, str(error))
    return left


def _groups(paths: Iterable[str], fixes: Iterable[Fix]) -> list[set[str]]:
    """The paths, those together that one fix touches."""
    groups = [{path} for path in paths]
    for touched in ({edit.place.path for edit in fix.edits} for fix in fixes):
        if len(touched) > 1:
            joined = {path for group in groups if group & touched for path in group}
            groups = [group for group in groups if not group & touched] + [joined]
    return sorted(groups, key=min)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals to end wait for the block; only the main thread gets any."""
    waiting: list[int] = []
    handlers = {}
    if threading.current_thread() is threading.main_thread():
        heard = [number for number in ENDS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        handlers = {number: signal.signal(number, lambda got, _: waiting.append(got)) for number in heard}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in dict.fromkeys(waiting):
            signal.raise_signal(number)


class _Staged(NamedTuple):
    """A new text beside its place."""

    path: str
    beside: Path
    target: Path
    old: bytes | None
    new: bytes


def _replace(root: Path, changes: Mapping[str, tuple[bytes | None, bytes]], stale: str) -> None:
    """All of the files are written beside their places first: where that fails, none has changed."""
    staged: list[_Staged] = []
    made: list[Path] = []
    path = ""
    try:
        for path, (old, new) in changes.items():
            target = _target(root, path, old, new, stale)
            for folder in [folder for folder in reversed(target.parents) if not folder.exists()]:
                folder.mkdir()
                made.append(folder)
            each = _Staged(path, target.with_name(f".slowpath-{secrets.token_hex(8)}.tmp"), target, old, new)
            with each.beside.open("xb") as file:
                staged.append(each)
                file.write(new)
            if old is not None:
                _like(target, each.beside)
        for each in staged:
            path = each.path
            if _target(root, path, each.old, each.new, stale) != each.target:
                raise UnwritableError(f"{path}: {stale}, left alone")
            each.beside.replace(each.target)
    except OSError as error:
        _undo(staged, made)
        raise UnwritableError(f"{path}: cannot be written: {error.strerror or error}") from None
    except BaseException:
        _undo(staged, made)
        raise


def _target(root: Path, path: str, old: bytes | None, new: bytes, stale: str) -> Path:
    """The file to write, links followed. It must be the one that was read, or not be there yet."""
    target = Path(os.path.realpath(root / path))  # Path.resolve fails where links go in a circle
    if not target.is_relative_to(root):
        raise UnwritableError(f"{path}: leads out of the project, left alone")
    if old is None:
        if os.path.lexists(root / path):
            raise UnwritableError(f"{path}: is there already, left alone")
    elif not target.is_file() or target.read_bytes() not in (old, new):  # new: by another name, through a link
        raise UnwritableError(f"{path}: {stale}, left alone")
    elif not os.access(target, os.W_OK):
        raise UnwritableError(f"{path}: cannot be written: Permission denied")
    return target


def _like(target: Path, beside: Path) -> None:
    """The new file has the owner and the mode of the old one."""
    found = target.stat()
    if (found.st_uid, found.st_gid) != (beside.stat().st_uid, beside.stat().st_gid):
        with suppress(OSError):
            os.chown(beside, found.st_uid, found.st_gid)
    shutil.copymode(target, beside)


def _undo(staged: Iterable[_Staged], made: list[Path]) -> None:
    """What was written goes, what was replaced comes back."""
    for each in staged:
        with suppress(OSError):
            if each.beside.exists():
                each.beside.unlink()
            elif each.old is None:
                each.target.unlink()
            else:
                each.beside.write_bytes(each.old)
                _like(each.target, each.beside)
                each.beside.replace(each.target)
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()
