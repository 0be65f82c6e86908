"""Settings of single paths: which rules speak in a file, and how sure they must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import msgspec
import pathspec

from slowpath.model.finding import CONFIDENCES, Confidence, Finding


class Override(msgspec.Struct, frozen=True):
    """What holds in files of a gitignore-style pattern: `only` these rules speak, `also` these, `never` these."""

    pattern: str
    only: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    min_confidence: Confidence | None = None


def spoken(
    findings: Iterable[Finding], rules: Iterable[str], min_confidence: Confidence, overrides: Sequence[Override]
) -> Iterator[Finding]:
    """The findings of rules that speak where they are, and are sure enough for it; of the overrides the last wins."""
    specs = [(pathspec.GitIgnoreSpec.from_lines([override.pattern]), override) for override in overrides]
    every = frozenset(rules)

    @cache
    def in_force(path: str) -> tuple[frozenset[str], int]:
        speaking, least = every, min_confidence
        for spec, override in specs:
            if spec.match_file(path):
                speaking = speaking if override.only is None else frozenset(override.only)
                speaking = speaking.union(override.also).difference(override.never)
                least = override.min_confidence or least
        return speaking, CONFIDENCES.index(least)

    for finding in findings:
        speaking, least = in_force(finding.place.path)
        if finding.rule in speaking and CONFIDENCES.index(finding.confidence) >= least:
            yield finding
