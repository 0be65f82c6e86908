"""What the answer of a scan depends on besides its input: slowpath's own code, and the parsers it reads with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec

from slowpath import __version__

HERE = Path(__file__).parent
PARSERS = ("tree_sitter", "sqlglot", "msgspec")


@cache
def stamp(*folders: str) -> str:
    """Changes when one of the folders does (none: when anything does), or a parser is another release.

    An installed package says by hashes what it is, the same on every machine; a checkout by when its files were saved.
    """
    record = HERE.parent / f"slowpath-{__version__}.dist-info" / "RECORD"
    try:
        own = [line for line in record.read_text("utf-8").splitlines() if _is_of(line, folders) and "sha256=" in line]
    except OSError:
        own = [line for folder in folders or ("",) for line in sorted(_saved(HERE / folder))]
    return "\n".join([__version__, *_parsers(), *own])


def _is_of(line: str, folders: tuple[str, ...]) -> bool:
    return line.startswith(tuple(f"slowpath/{folder}/" for folder in folders) or "slowpath/")


def _parsers() -> list[str]:
    with os.scandir(Path(msgspec.__file__).parent.parent) as entries:
        return sorted(e.name for e in entries if e.name.startswith(PARSERS) and e.name.endswith(".dist-info"))


def _saved(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file():
                yield f"{entry.path}:{entry.stat().st_mtime_ns}:{entry.stat().st_size}"
            elif entry.name != "__pycache__":
                yield from _saved(Path(entry.path))
