"""A baseline as a file: JSON with an entry a line, sorted, so that people can review it and branches merge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec

from slowpath.baseline import Entry, Held

NAME = "slowpath-baseline.json"
"""Of the file at the root of a project that sets no other."""
VERSION = 1
MAX_BYTES = 50_000_000
MAX_COUNT = 1_000_000
CONFLICT = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")


class BaselineError(Exception):
    """Why a baseline cannot be used; the text names the file."""


class _Line(Entry, frozen=True, omit_defaults=True):
    count: int = 1


class _File(msgspec.Struct):
    version: int
    findings: list[_Line]


class _Version(msgspec.Struct):
    version: int


def load(path: Path) -> bytes:
    """The bytes of a baseline. Raises BaselineError."""
    try:
        if not path.is_file():
            raise BaselineError(f"{path}: " + ("is no file" if path.exists() else "no such baseline"))
        if path.stat().st_size > MAX_BYTES:
            raise BaselineError(f"{path}: {path.stat().st_size / 1e6:.0f} MB, too large to be a baseline")
        return path.read_bytes()
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}") from None


def parse(source: bytes, path: Path, *, merged: bool = False) -> Held:
    """The entries of a baseline. `merged` takes both sides of a merge conflict. Raises BaselineError."""
    source = source.removeprefix(b"\xef\xbb\xbf")
    conflict = next((n for n, line in enumerate(source.split(b"\n"), 1) if line.startswith(CONFLICT)), 0)
    if conflict and not merged:
        raise BaselineError(
            f"{path}:{conflict}: a merge left its conflict here; `slowpath scan --write-baseline` resolves it"
        )
    try:
        lines = _both_sides(source) if conflict else _decoded(source)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BaselineError(f"{path}: is no baseline of slowpath: {error}") from None
    if isinstance(lines, int):
        raise BaselineError(f"{path}: has version {lines}, and this slowpath reads {VERSION}: write it anew")
    held: Held = Counter()
    for line in lines:
        if not 0 < line.count <= MAX_COUNT:
            raise BaselineError(f"{path}: is no baseline of slowpath: {line.count} as a count")
        entry = Entry(line.path, line.rule, line.function, line.code, line.id)
        held[entry] = max(held[entry], line.count)
    return held


def _decoded(text: bytes) -> list[_Line] | int:
    version = msgspec.json.decode(text, type=_Version).version
    return msgspec.json.decode(text, type=_File).findings if version == VERSION else version


def _both_sides(text: bytes) -> list[_Line]:
    lines = (line.strip().rstrip(b",") for line in text.split(b"\n"))
    return [msgspec.json.decode(line, type=_Line) for line in lines if line.startswith(b'{"path"')]


def text(held: Mapping[Entry, int]) -> str:
    """A baseline as it is stored: an entry a line, sorted, so that branches merge."""
    lines = [
        msgspec.json.encode(_Line(**msgspec.structs.asdict(entry), count=count)).decode()
        for entry, count in sorted(held.items())
    ]
    return f'{{"version": {VERSION}, "findings": [\n' + ",\n".join(lines) + "\n]}\n"
