"""GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.

It keeps one finding of a fingerprint; jobs of one pipeline are merged, so projects of one checkout must not collide.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec

from slowpath.model.report import Report
from slowpath.report.shared import Ranked, details, spot

SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render(report: Report) -> str:
    """A JSON array with an issue a finding."""
    found = map(Ranked, report.findings, report.fingerprints)
    return msgspec.json.format(msgspec.json.encode([_issue(one, report) for one in found]), indent=1).decode() + "\n"


def _issue(one: Ranked, report: Report) -> dict[str, Any]:
    finding = one.finding
    line = spot(finding.place, report.sources).line
    return {
        "type": "issue",
        "check_name": finding.rule,
        "description": " ".join(finding.message.split()),
        "content": {"body": "\n".join(details(finding, report))},
        "categories": ["Performance"],
        "severity": SEVERITIES[finding.severity],
        "fingerprint": blake2b((report.prefix + one.fingerprint).encode(), digest_size=16).hexdigest(),
        "location": {"path": report.prefix + finding.place.path, "lines": {"begin": line, "end": line}},
    }
