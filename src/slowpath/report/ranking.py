"""Findings by what they cost the running system, and by what it takes to mend them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from slowpath.model.evidence import Evidence
from slowpath.model.finding import SEVERITIES, Finding, Measured
from slowpath.model.limiter import Limiter
from slowpath.model.report import Report
from slowpath.model.rule import Effort

Status = str
"""Of `Measured`, or `not measured`."""

STATUSES = ("confirmed", "ambiguous", "not measured", "cheap", "not-exercised", "contradicted")
"""What is worth a look first."""
EFFORTS: dict[Effort, str] = {"hour": "an\u00a0hour", "day": "a\u00a0day", "design": "design"}


class Ranked(msgspec.Struct, frozen=True):
    """A finding at its rank."""

    number: int
    """1 is the first."""
    finding: Finding
    line: int
    effort: Effort
    status: Status
    relieves: bool
    """Its rule relieves what limits the system."""

    @property
    def measured(self) -> Measured | None:
        return self.finding.measured

    @property
    def worth(self) -> bool:
        """It is known to cost, or it may well be what limits."""
        return self.status == "confirmed" or (self.relieves and self.status in ("ambiguous", "not measured"))


def ranked(report: Report, evidence: Evidence) -> list[Ranked]:
    """By status, relief of the limiter, share of the time at the knee, ms a request, severity; then as listed."""
    limiter = limiter_of(evidence)
    found = [
        Ranked(
            0,
            finding,
            report.sources.line(finding.place.path, finding.place.span[0]),
            *_judged(finding, report, limiter),
        )
        for finding in report.findings
    ]
    return [msgspec.structs.replace(one, number=at) for at, one in enumerate(sorted(found, key=_key), 1)]


def limiter_of(evidence: Evidence) -> Limiter:
    """`inconclusive` as well where nobody looked."""
    verdict = evidence.resources.verdict if evidence.resources else None
    return verdict.limiter if verdict else "inconclusive"


def of_effort(found: Iterable[Ranked], *efforts: Effort) -> list[Ranked]:
    return [one for one in found if one.worth and one.effort in efforts]


def _judged(finding: Finding, report: Report, limiter: Limiter) -> tuple[Effort, Status, bool]:
    rule = report.rules[finding.rule]
    effort: Effort = "hour" if finding.fix else rule.effort
    status = finding.measured.status if finding.measured else "not measured"
    return effort, status, limiter in rule.relieves


def _key(one: Ranked) -> tuple[int, bool, float, float, int]:
    measured = one.measured
    share = measured.share if measured and measured.share is not None else 0.0
    cost = measured.ms_per_request if measured and measured.ms_per_request is not None else 0.0
    return STATUSES.index(one.status), not one.relieves, -share, -cost, -SEVERITIES.index(one.finding.severity)
