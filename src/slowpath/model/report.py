"""What a scan hands to a reporter."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from slowpath.model.finding import Finding, Trouble
from slowpath.model.rule import Rule
from slowpath.model.source import Sources


class Stats(msgspec.Struct, frozen=True):
    """`files` were read, `parsed` of them extracted anew, `cached` came from the cache; `seconds` is wall time."""

    files: int = 0
    parsed: int = 0
    cached: int = 0
    seconds: float = 0.0
    stages: tuple[tuple[str, float], ...] = ()
    """(stage, wall seconds) in the order they ran."""
    calls: tuple[tuple[str, int], ...] = ()
    """(how Rust calls were resolved, how many), where that was asked for."""


class Report(msgspec.Struct, frozen=True):
    """Findings in the order of path, position, rule; `fingerprints` runs beside `findings`."""

    findings: tuple[Finding, ...]
    fingerprints: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    rules: dict[str, Rule]
    sources: Sources
    stats: Stats
    prefix: str = ""
    """The project's folder below the root of its git checkout, with a slash at its end; nothing where they are one."""
    measured: bool = False
    """Findings were joined with evidence."""
    known: int = 0
    """Findings that are not shown: a baseline holds them, or they are not of the change that was asked for."""
    known_by_rule: dict[str, int] = {}
    """Of those, where a baseline holds them."""

    def holding(self, pairs: Iterable[tuple[Finding, str]]) -> Report:
        """The report with these findings, each with its fingerprint, in the place of its own."""
        pairs = list(pairs)
        return msgspec.structs.replace(
            self, findings=tuple(finding for finding, _ in pairs), fingerprints=tuple(name for _, name in pairs)
        )
