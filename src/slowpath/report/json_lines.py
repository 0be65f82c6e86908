"""A JSON object a line: a finding as `--format json` has it, or an error; `type` says which."""

from __future__ import annotations

import msgspec

from slowpath.model.report import Report
from slowpath.report.json import errors, findings


def render(report: Report) -> str:
    """Findings first."""
    objects = [{"type": "finding", **finding} for finding in findings(report)]
    objects += [{"type": "error", **error} for error in errors(report)]
    return msgspec.json.Encoder().encode_lines(objects).decode()
