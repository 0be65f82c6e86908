"""One file's bytes → TomlFacts."""

from __future__ import annotations

from slowpath.model.cargo import TomlFacts


def extract(source: bytes) -> TomlFacts:
    """The facts of one file."""
    return TomlFacts()
