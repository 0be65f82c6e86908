"""What the formats for CI and editors share: what matters most, one line of a place, the address of a rule's page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from slowpath.model.finding import CONFIDENCES, SEVERITIES, Finding, Measured, Place, Step, Trouble, impact
from slowpath.model.report import Report
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.report.text import advice
from slowpath.rulebook import PAGES

HOME = "https://github.com/slowpath/slowpath"
MAX_STEPS = 20
"""Of a path that is told in words."""


class Ranked(NamedTuple):
    """A finding with the name that outlives edits."""

    finding: Finding
    fingerprint: str


def ranked(report: Report) -> list[Ranked]:
    """The findings that matter most first: by what they cost where that was measured, by severity, by confidence, those
    that requests lead to; then as the report lists them.
    """
    found = map(Ranked, report.findings, report.fingerprints)
    return sorted(found, key=lambda one: importance(one.finding))


def importance(finding: Finding) -> tuple[float, ...]:
    """Sorts what matters most first."""
    severity, confidence = SEVERITIES.index(finding.severity), CONFIDENCES.index(finding.confidence)
    return (*impact(finding), -severity, -confidence, not finding.routes)


class Spot(NamedTuple):
    """The part of a place that lies on its first line; 1-based columns of code points, the end exclusive."""

    line: int
    column: int
    end_column: int


def spot(place: Place, sources: Sources) -> Spot:
    """A pull request shows what lies on lines that it changes, so a place of many lines is shown at its first."""
    start = sources.position(place.path, place.span[0])
    end = sources.position(place.path, place.span[1])
    last = end.column if end.line == start.line else len(sources.line_text(place.path, start.line)) + 1
    return Spot(start.line, start.column, max(last, start.column + 1))


def page(rule: Rule) -> str:
    """The address of the rule's page; nothing for a project's own."""
    return _address(rule.path)


@cache
def _address(page: str) -> str:
    path = Path(page)
    return f"{HOME}/blob/main/rules/{path.relative_to(PAGES).as_posix()}" if path.is_relative_to(PAGES) else ""


def steps(flow: tuple[Step, ...], report: Report) -> list[str]:
    """`path:line: what happens there`, and how many are left out."""
    lines = [f"{report.prefix}{at(step.place, report)}: {step.message}" for step in flow[:MAX_STEPS]]
    return lines + ([f"… {len(flow) - MAX_STEPS} more"] if len(flow) > MAX_STEPS else [])


def at(place: Place, report: Report) -> str:
    """`path:line`."""
    return f"{place.path}:{report.sources.line(place.path, place.span[0])}"


def measured(known: Measured) -> str:
    """What the running system says of a finding."""
    return f"Measured: {known.status.replace('-', ' ')}: {known.summary}"


def file_of(trouble: Trouble, report: Report) -> str:
    """Where a trouble is, without what lies above the project: a report goes to others."""
    if trouble.path in report.sources.texts:
        return report.prefix + trouble.path
    return Path(trouble.path).name if trouble.path.startswith("/") else trouble.path


def details(finding: Finding, report: Report) -> list[str]:
    """What a reader wants to know beside the message, one fact a line."""
    lines = [f"{number}. {step}" for number, step in enumerate(steps(finding.flow, report), 1)]
    lines += [f"Also at {step}" for step in steps(finding.related, report)]
    if finding.routes:
        more = f" and {len(finding.routes) - MAX_STEPS} more" if len(finding.routes) > MAX_STEPS else ""
        lines.append(f"Routes: {', '.join(finding.routes[:MAX_STEPS])}{more}")
    if finding.measured:
        lines.append(measured(finding.measured))
    help_text = finding.fix.title if finding.fix else advice(report.rules[finding.rule].instead)
    return lines + ([f"{'Fix' if finding.fix else 'Help'}: {help_text}"] if help_text else [])
