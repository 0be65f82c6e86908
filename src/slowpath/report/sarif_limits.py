"""What code scanning takes: 5,000 results of a run, and 10 MB compressed."""

from __future__ import annotations

import zlib

from slowpath.model.report import Report
from slowpath.report.shared import Ranked, importance

MAX_RESULTS = 5000
MAX_BYTES = 10_000_000
SURE = 3
"""A log is at least so many times smaller when compressed; most are ten."""


def kept(report: Report, count: int) -> list[Ranked]:
    """The findings that matter most, in the order of the report."""
    found = list(map(Ranked, report.findings, report.fingerprints))
    order = sorted(range(len(found)), key=lambda index: importance(found[index].finding))
    return [found[index] for index in sorted(order[:count])]


def fewer(text: str, count: int) -> int:
    """How many of `count` results fit: all of them where the log that holds them does."""
    if len(text) < SURE * MAX_BYTES:
        return count
    size = len(zlib.compress(text.encode(), 1))  # no less than what gzip makes of it
    return count if size <= MAX_BYTES else int(count * MAX_BYTES / size * 0.95)


def left_out(count: int) -> str:
    return (
        f"{count} findings are left out, those that matter least: "
        f"code scanning keeps {MAX_RESULTS:,} of a run, and takes {MAX_BYTES // 1_000_000} MB compressed."
    )
