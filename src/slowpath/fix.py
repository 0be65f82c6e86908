"""Edits → files. Fixes are chosen and applied to texts; what comes out is shown as a diff, or written."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from slowpath.model.finding import Edit, Fix
from slowpath.model.report import Report

Texts = Mapping[str, bytes]


class UnwritableError(Exception):
    """Why a file is left as it is; the text names it."""


def chosen(report: Report, done: Collection[str], *, unsafe: bool) -> dict[str, Fix]:
    """Fixes that can be applied together, by fingerprint: of two that overlap the first.

    A finding that is still there after its fix, which `done` tells, is not fixed again.
    """
    taken: dict[str, list[Edit]] = {}
    found: dict[str, Fix] = {}
    for finding, name in zip(report.findings, report.fingerprints, strict=True):
        fix = finding.fix
        if fix is None or name in done or not (fix.safe or unsafe):
            continue
        if any(_clash(edit, other) for edit in fix.edits for other in taken.get(edit.place.path, ())):
            continue
        if _parses(report.sources.texts, fix, taken):
            found[name] = fix
            for edit in fix.edits:
                taken.setdefault(edit.place.path, []).append(edit)
    return found


def applied(texts: Texts, fixes: Iterable[Fix]) -> dict[str, bytes]:
    """The new texts of the files that the fixes change or create."""
    edits: dict[str, list[Edit]] = {}
    for fix in fixes:
        for edit in fix.edits:
            edits.setdefault(edit.place.path, []).append(edit)
    return {path: _edited(texts.get(path, b""), own) for path, own in edits.items()}


def diff(old: Texts, new: Texts) -> str:
    """What changes, as `git apply` and `patch` read it."""
    return "".join(line for path in sorted(new) for line in _diff(path, old.get(path), new[path]))


def write(root: Path, old: Texts, new: Texts, fixes: Iterable[Fix]) -> dict[str, str]:
    """Write the new texts, those that a fix changes together all or none. Returns why, for each that was left."""
    left: dict[str, str] = {}
    for group in _groups(new, fixes):
        try:
            _replace(root.resolve(), {path: (old.get(path), new[path]) for path in sorted(group)})
        except UnwritableError as error:
            left |= dict.fromkeys(group, str(error))
    return left


def _clash(one: Edit, other: Edit) -> bool:
    """Whether edits share a byte, or insert at the same place; lines of one table may do so in any order."""
    (start, end), (first, last) = one.place.span, other.place.span
    if (start, end) == (first, last) == (start, start) and one.place.path.endswith(".toml"):
        return not _lines_alone(one.text) or not _lines_alone(other.text)
    return (start, end) == (first, last) or (start < last and first < end)


def _lines_alone(text: str) -> bool:
    """Lines of TOML without a header: what stands behind them stays in its table."""
    return text.startswith(("\n", "\r\n")) and "\n[" not in text


def _parses(texts: Texts, fix: Fix, taken: Mapping[str, list[Edit]]) -> bool:
    """A manifest that would be no TOML with this fix, and those that are taken, is not touched."""
    for path in {edit.place.path for edit in fix.edits if edit.place.path.endswith(".toml")}:
        own = [edit for edit in fix.edits if edit.place.path == path]
        text = _edited(texts.get(path, b""), [*taken.get(path, ()), *own])
        try:
            tomllib.loads(text.decode().removeprefix("\ufeff"))
        except ValueError:
            return False
    return True


def _edited(text: bytes, edits: Iterable[Edit]) -> bytes:
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit.place.span):
        start, end = edit.place.span
        parts += [text[at:start], edit.text.encode()]
        at = end
    return b"".join([*parts, text[at:]])


def _diff(path: str, old: bytes | None, new: bytes) -> Iterator[str]:
    before = "/dev/null" if old is None else f"a/{path}"
    for line in unified_diff(_lines(old or b""), _lines(new), before, f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: bytes) -> list[str]:
    lines = text.decode("utf-8", "replace").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _groups(paths: Iterable[str], fixes: Iterable[Fix]) -> list[set[str]]:
    """The paths, those together that one fix touches."""
    groups = [{path} for path in paths]
    for touched in ({edit.place.path for edit in fix.edits} for fix in fixes):
        if len(touched) > 1:
            joined = {path for group in groups if group & touched for path in group}
            groups = [group for group in groups if not group & touched] + [joined]
    return sorted(groups, key=min)


class _Staged(NamedTuple):
    """A new text beside its place."""

    path: str
    beside: Path
    target: Path
    old: bytes | None


def _replace(root: Path, changes: Mapping[str, tuple[bytes | None, bytes]]) -> None:
    """All of the files are written beside their places first: where that fails, none has changed."""
    staged: list[_Staged] = []
    made: list[Path] = []
    path = ""
    try:
        for path, (old, new) in changes.items():
            target = _target(root, path, old, new)
            for folder in [folder for folder in reversed(target.parents) if not folder.exists()]:
                folder.mkdir()
                made.append(folder)
            beside = target.with_name(f".slowpath-{os.getpid()}-{len(staged)}.tmp")
            with beside.open("xb") as file:
                staged.append(_Staged(path, beside, target, old))
                file.write(new)
            if old is not None:
                shutil.copymode(target, beside)
        for each in staged:
            path = each.path
            each.beside.replace(each.target)
    except OSError as error:
        _undo(staged, made)
        raise UnwritableError(f"{path}: cannot be written: {error.strerror or error}") from None
    except UnwritableError:
        _undo(staged, made)
        raise


def _target(root: Path, path: str, old: bytes | None, new: bytes) -> Path:
    """The file to write, links followed. It must be the one that was read, or not be there yet."""
    target = (root / path).resolve()
    if not target.is_relative_to(root):
        raise UnwritableError(f"{path}: leads out of the project, left alone")
    if old is None:
        if os.path.lexists(root / path):
            raise UnwritableError(f"{path}: is there already, left alone")
    elif not target.is_file() or target.read_bytes() not in (old, new):  # new: by another name, through a link
        raise UnwritableError(f"{path}: changed since it was read, left alone")
    elif not os.access(target, os.W_OK):
        raise UnwritableError(f"{path}: cannot be written: Permission denied")
    return target


def _undo(staged: Iterable[_Staged], made: list[Path]) -> None:
    """What was written goes, what was replaced comes back."""
    for each in staged:
        with suppress(OSError):
            if each.beside.exists():
                each.beside.unlink()
            elif each.old is None:
                each.target.unlink()
            else:
                each.target.write_bytes(each.old)
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()
