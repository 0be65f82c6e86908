"""Annotations of GitHub Actions, which are workflow commands in the log, and the whole report as text below them.

GitHub shows ten annotations of a level and step and drops the others, so what matters most comes first.
https://docs.github.com/actions/using-workflows/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import SEVERITIES, Finding
from slowpath.model.report import Report
from slowpath.report import text
from slowpath.report.shared import details, ranked, spot
from slowpath.report.style import clean

COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
SHOWN = 10


def render(report: Report, color: bool = False) -> str:
    """Annotations, then text."""
    return "".join(f"{line}\n" for line in _annotations(report)) + text.full(report, color)


def _annotations(report: Report) -> Iterator[str]:
    found = [one.finding for one in ranked(report)]
    for severity in reversed(SEVERITIES):
        own = [finding for finding in found if finding.severity == severity]
        yield from (_annotation(finding, report) for finding in own[:SHOWN])
        if len(own) > SHOWN:
            yield f"{SHOWN} of {len(own)} findings of level {severity} are annotated, GitHub shows no more; all follow."


def _annotation(finding: Finding, report: Report) -> str:
    line, column, end_column = spot(finding.place, report.sources)
    properties = {
        "file": report.prefix + finding.place.path,
        "line": str(line),
        "col": str(column),
        "endColumn": str(end_column),
        "title": f"slowpath: {finding.rule}",
    }
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = map(clean, [finding.message, *details(finding, report)])
    return f"::{COMMANDS[finding.severity]} {told}::{_data(chr(10).join(lines))}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return clean(_data(value).replace(":", "%3A").replace(",", "%2C"))
