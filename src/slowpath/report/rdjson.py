"""Reviewdog's Diagnostic Format: https://github.com/reviewdog/reviewdog/tree/master/proto/rdf. Columns count bytes."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import msgspec

from slowpath.model.finding import Finding, Fix, Place, Step, edited
from slowpath.model.report import Report
from slowpath.model.source import Sources
from slowpath.report.shared import HOME, measured, page

SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}
MAX_LINES = 40
"""Of a suggestion: it is one text, which a reviewer reads."""

Json = dict[str, Any]


def render(report: Report) -> str:
    """The report as one DiagnosticResult."""
    result = {
        "source": {"name": "slowpath", "url": HOME},
        "diagnostics": [_diagnostic(finding, report) for finding in report.findings],
    }
    return msgspec.json.format(msgspec.json.encode(result), indent=1).decode() + "\n"


def _diagnostic(finding: Finding, report: Report) -> Json:
    address = page(report.rules[finding.rule])
    told: Json = {
        "message": finding.message + (f"\n\n{measured(finding.measured)}" if finding.measured else ""),
        "location": {"path": report.prefix + finding.place.path, "range": _first_line(finding.place, report.sources)},
        "severity": SEVERITIES[finding.severity],
        "code": {"value": finding.rule, **({"url": address} if address else {})},
    }
    suggestion = _suggestion(finding.fix, finding.place.path, report.sources) if finding.fix else None
    if suggestion:
        told["suggestions"] = [suggestion]
    if finding.flow or finding.related:
        told["related_locations"] = [_related(step, report) for step in (*finding.flow, *finding.related)]
    return told


def _related(step: Step, report: Report) -> Json:
    where = {"path": report.prefix + step.place.path, "range": _first_line(step.place, report.sources)}
    return {"message": step.message, "location": where}


def _suggestion(fix: Fix, path: str, sources: Sources) -> Json | None:
    """All edits as one text, from the first changed byte to the last; none where they reach into other files."""
    if path not in sources.texts or any(edit.place.path != path for edit in fix.edits):
        return None
    spans = [edit.place.span for edit in fix.edits]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    if sources.line(path, last) - sources.line(path, first) >= MAX_LINES:
        return None
    source = sources.texts[path]
    new = edited(source, fix.edits)
    text = new[first : len(new) - (len(source) - last)].decode("utf-8", "replace")
    return {"range": _range(Place(path, (first, last)), sources), "text": text}


def _range(place: Place, sources: Sources) -> Json:
    start, end = (_position(place.path, offset, sources) for offset in place.span)
    return {"start": start, "end": end}


def _first_line(place: Place, sources: Sources) -> Json:
    """As in other formats: a comment goes to one line."""
    starts, (first, last) = sources.starts(place.path), place.span
    line = bisect_right(starts, first)
    if line < len(starts) and last >= starts[line]:
        last = starts[line - 1] + len(sources.texts[place.path][starts[line - 1] : starts[line]].rstrip(b"\r\n"))
    column = first - starts[line - 1] + 1
    end = {"line": line, "column": max(column, last - starts[line - 1] + 1)}
    return {"start": {"line": line, "column": column}, "end": end}


def _position(path: str, offset: int, sources: Sources) -> Json:
    line = sources.line(path, offset)
    return {"line": line, "column": offset - sources.starts(path)[line - 1] + 1}
