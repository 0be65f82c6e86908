"""A name for a finding that outlives edits elsewhere: no line number goes in, and moving code keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

from slowpath.model.finding import Finding, Place
from slowpath.model.source import Sources


def fingerprints(findings: Iterable[Finding], sources: Sources) -> tuple[str, ...]:
    """One per finding: rule, path, enclosing definition, the snippet without white space, its ordinal among equals."""
    seen: Counter[tuple[str, ...]] = Counter()
    names = []
    for finding in findings:
        own = identity(finding, sources)
        seen[own] += 1
        names.append(blake2b("\0".join((*own, str(seen[own]))).encode(), digest_size=12).hexdigest())
    return tuple(names)


def identity(finding: Finding, sources: Sources) -> tuple[str, ...]:
    """What goes into a fingerprint, without the ordinal."""
    return (finding.rule, finding.place.path, finding.function, snippet(finding.place, sources))


def snippet(place: Place, sources: Sources) -> str:
    """The source of a place without its white space."""
    start, end = place.span
    return b"".join(sources.texts.get(place.path, b"")[start:end].split()).decode("utf-8", "replace")
