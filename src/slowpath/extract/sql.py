"""One file's bytes → SqlFacts."""

from __future__ import annotations

from slowpath.model.schema import SqlFacts


def extract(source: bytes) -> SqlFacts:
    """The facts of one file."""
    return SqlFacts()
