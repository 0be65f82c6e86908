"""The files of a k6 script: itself and what it imports by relative path, with their facts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from slowpath.extract.k6_script import ScriptFacts, extract_script

FILES = 100
LARGEST = 2 << 20


class File(NamedTuple):
    path: Path
    facts: ScriptFacts


def files(script: Path) -> Iterator[File]:
    """What cannot be read is left out: k6 says so itself."""
    waiting, known = [script.resolve()], {script.resolve()}
    while waiting and len(known) <= FILES:
        path = waiting.pop(0)
        try:
            if path.stat().st_size > LARGEST:
                continue
            found = File(path, extract_script(path.read_bytes(), typed=path.suffix == ".ts"))
        except OSError:
            continue
        yield found
        for place in found.facts.imports:
            other = (path.parent / place.text).resolve()
            if place.text.startswith(".") and other not in known:
                known.add(other)
                waiting.append(other)
