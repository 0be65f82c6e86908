"""Findings that would pay for the same statements on the same route: which of them does is not known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from msgspec.structs import replace

from slowpath.correlate.sought import LOOPS
from slowpath.correlate.words import listed
from slowpath.model.finding import Finding


def settled(findings: list[Finding], exact: Collection[str]) -> list[Finding]:
    """Loops that were confirmed by one statement become ambiguous, each naming the others.

    Of `exact` routes the statements were counted apart: there only loops on the same route are in doubt.
    """
    same: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, finding in enumerate(findings):
        measured = finding.measured
        if finding.rule in LOOPS and measured is not None and measured.status == "confirmed":
            route = measured.route if measured.route in exact else ""
            for statement in measured.statements:
                same[route, statement].append(index)
    rivals: dict[int, set[int]] = defaultdict(set)
    for indexes in same.values():
        for index in indexes:
            rivals[index].update(other for other in indexes if other != index)
    return [_doubted(finding, [findings[i] for i in sorted(rivals[n])]) for n, finding in enumerate(findings)]


def _doubted(finding: Finding, others: list[Finding]) -> Finding:
    measured = finding.measured
    if measured is None or not others:
        return finding
    told = listed(f"{other.rule} in `{other.function}`" for other in others)
    summary = f"{measured.summary}; {told} sends the same statement, so which of them it is, is not known"
    return replace(finding, measured=replace(measured, status="ambiguous", share=None, summary=summary))
