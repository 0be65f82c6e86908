"""Parts of a measurement and the evidence that joins them, as JSON files."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from slowpath.model.evidence import BundlePart, Evidence, LoadPart, QueriesPart, ResourcesPart, SchemaPart
from slowpath.model.snapshot import Snapshot

Part = LoadPart | ResourcesPart | QueriesPart | SchemaPart | BundlePart
KINDS: dict[str, type[Part] | type[Evidence] | type[Snapshot]] = {
    "slowpath-load/1": LoadPart,
    "slowpath-resources/1": ResourcesPart,
    "slowpath-queries/1": QueriesPart,
    "slowpath-schema/1": SchemaPart,
    "slowpath-bundle/1": BundlePart,
    "slowpath-evidence/1": Evidence,
    "slowpath-snapshot/1": Snapshot,
}
MAX_BYTES = 256 * 1024 * 1024
Kind = TypeVar("Kind", bound=msgspec.Struct)


class PartError(Exception):
    """A file that is no usable part; the text names it and says why, in one line."""


class _Schema(msgspec.Struct):
    schema: str


def read(path: Path) -> Part | Evidence | Snapshot:
    """A part, or evidence, by the schema it names. Raises PartError."""
    text = _bytes(path)
    try:
        name = msgspec.json.decode(text, type=_Schema).schema
        if name not in KINDS:
            raise PartError(f"{path}: schema {name[:60]!r} is not one of {', '.join(KINDS)}")
        return msgspec.json.decode(text, type=KINDS[name])
    except msgspec.DecodeError as error:
        raise PartError(f"{path}: {' '.join(str(error).split())[:200]}") from None
    except RecursionError:
        raise PartError(f"{path}: nested too deeply") from None


def ours(path: Path) -> bool:
    """Whether a file says of itself that it is a part, however damaged its contents."""
    try:
        return msgspec.json.decode(_bytes(path), type=_Schema).schema in KINDS
    except (msgspec.DecodeError, RecursionError, PartError):
        return False


def read_as(path: Path, kind: type[Kind]) -> Kind:
    """One certain kind of part. Raises PartError."""
    part = read(path)
    if not isinstance(part, kind):
        raise PartError(f"{path}: is {getattr(part, 'schema', '')}, not what is asked for here")
    return part


def window(part: Part) -> tuple[float, float] | None:
    """When a part was measured; None where it does not say."""
    return (part.started, part.finished) if 0 < part.started < part.finished else None


def write(path: Path, part: Part | Evidence | Snapshot) -> None:
    """Write a part whole or not at all. Raises PartError."""
    text = msgspec.json.format(msgspec.json.encode(part), indent=1) + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise PartError(f"{path}: cannot be written: {error.strerror}") from None
    made = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        made.replace(path)
    except OSError as error:
        raise PartError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)


def writable(path: Path) -> None:
    """What takes minutes to measure is not lost for a folder that is missing or read-only. Raises PartError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise PartError(f"{path}: cannot be written: {error.strerror}") from None


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PartError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return path.read_bytes()
    except OSError as error:
        raise PartError(f"{path}: {error.strerror}") from None
