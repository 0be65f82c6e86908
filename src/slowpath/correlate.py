"""Findings joined with what was measured of the running system."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.model.evidence import Evidence
from slowpath.model.finding import Finding
from slowpath.program import Program


def correlate(findings: Iterable[Finding], program: Program, evidence: Evidence) -> list[Finding]:
    """The findings, each with what the evidence says of it."""
    return list(findings)
