"""One file's bytes → JsonFacts."""

from __future__ import annotations

from slowpath.model.web import JsonFacts


def extract(source: bytes) -> JsonFacts:
    """The facts of one file."""
    return JsonFacts()
