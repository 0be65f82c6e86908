"""`slowpath scan --add-allow`: comments that allow what is shown, as a diff or in the files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from slowpath import fix, fix_files
from slowpath.model.report import Report

REASON = "was there when slowpath was adopted"
LISTED = 10


class Added(NamedTuple):
    """The new texts, what is to be said of them, and whether files could not be written."""

    texts: Mapping[str, bytes]
    lines: list[str]
    failed: bool


def added(report: Report, root: Path, reason: str | None, *, diff: bool) -> Added:
    """Allow what a report shows; with `diff` no file is written."""
    from slowpath.allow import allowing  # it parses

    found = allowing(report, reason or REASON)
    texts = fix.applied(report.sources.texts, found.fixes)
    unwritten = {} if diff else fix_files.write(root, report.sources.texts, texts, found.fixes)
    lines = [*found.left[:LISTED], *unwritten.values()]
    if len(found.left) > LISTED:
        lines.append(f"{len(found.left) - LISTED} more that cannot be allowed")
    done = len(texts) - len(unwritten)
    verb = "would be allowed" if diff else "allowed"
    covered = sum(count for path, count in found.covered.items() if path not in unwritten)
    findings = "1 finding" if covered == 1 else f"{covered} findings"
    lines.append(f"{findings} {verb} in {done} file{'' if done == 1 else 's'}")
    return Added(texts, lines, bool(unwritten))
