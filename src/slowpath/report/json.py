"""The versioned JSON contract. Lines and columns are 1-based, columns count code points, edits are byte offsets.

What differs from run to run (`parsed`, `cached`, `seconds`) is 0 unless `--statistics` asks for it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from slowpath import __version__
from slowpath.model.finding import Finding, Fix, Measured, Saving, Step
from slowpath.model.report import Report
from slowpath.model.source import Sources


def render(report: Report) -> str:
    """The report as one JSON document."""
    document = {
        "version": 1,
        "tool": {"name": "slowpath", "version": __version__},
        "findings": findings(report),
        "errors": errors(report),
        "stats": {
            "files": report.stats.files,
            "parsed": report.stats.parsed,
            "cached": report.stats.cached,
            "seconds": round(report.stats.seconds, 3),
            "known": report.known,
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=1).decode() + "\n"


def findings(report: Report) -> list[dict[str, Any]]:
    """The findings as JSON shows them."""
    return [
        _finding(finding, fingerprint, report.sources) | (_measured(finding.measured) if report.measured else {})
        for finding, fingerprint in zip(report.findings, report.fingerprints, strict=True)
    ]


def errors(report: Report) -> list[dict[str, Any]]:
    """What could not be read or done."""
    return [{"path": t.path, "line": t.line, "message": t.message} for t in report.troubles]


def _finding(finding: Finding, fingerprint: str, sources: Sources) -> dict[str, Any]:
    start, end = (sources.position(finding.place.path, offset) for offset in finding.place.span)
    return {
        "rule": finding.rule,
        "path": finding.place.path,
        "start": {"line": start.line, "column": start.column},
        "end": {"line": end.line, "column": end.column},
        "severity": finding.severity,
        "confidence": finding.confidence,
        "message": finding.message,
        "function": finding.function,
        "fingerprint": fingerprint,
        "flow": [_step(step, sources) for step in finding.flow],
        "related": [_step(step, sources) for step in finding.related],
        "fix": _fix(finding.fix) if finding.fix else None,
        "routes": list(finding.routes),
        "saves": saves(finding.saves) if finding.saves else None,
    }


def _measured(known: Measured | None) -> dict[str, Any]:
    """With evidence only: without it the contract is what it was."""
    return {"measured": measured(known) if known is not None else None}


def measured(known: Measured) -> dict[str, Any]:
    """What was measured of a finding, as JSON and SARIF show it."""
    return {
        "status": known.status,
        "summary": known.summary,
        "ms_per_request": _rounded(known.ms_per_request),
        "share": _rounded(known.share),
        "calls_per_request": _rounded(known.calls_per_request),
        "route": known.route,
        "path": list(known.path),
        "statements": list(known.statements),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def saves(saving: Saving) -> dict[str, Any]:
    """A saving as JSON and SARIF show it."""
    return {
        "crates": [{"name": name, "version": version} for name, version in saving.crates],
        "lines": saving.lines,
        "exact": saving.exact,
        "tests_keep": saving.tests_keep,
    }


def _step(step: Step, sources: Sources) -> dict[str, Any]:
    place = step.place
    return {"path": place.path, "line": sources.line(place.path, place.span[0]), "message": step.message}


def _fix(fix: Fix) -> dict[str, Any]:
    edits = [
        {"path": e.place.path, "start": e.place.span[0], "end": e.place.span[1], "text": e.text} for e in fix.edits
    ]
    return {"safe": fix.safe, "title": fix.title, "edits": edits}
