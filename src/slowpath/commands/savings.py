"""`scan --measure`: what the fixes of the Cargo rules save, by running cargo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from slowpath import fix
from slowpath.model.report import Report
from slowpath.report import style
from slowpath.runtime import measure


def measured(root: Path, report: Report, progress: Callable[[str], None]) -> tuple[str, bool]:
    """What the fixes save, as text; or why that cannot be said, and True."""
    pairs = zip(report.findings, report.fingerprints, strict=True)
    cargo = report.holding(pair for pair in pairs if report.rules[pair[0].rule].group == "cargo")
    fixes = fix.chosen(cargo, (), unsafe=True)
    if not fixes:
        return "slowpath: nothing to measure: no finding of a Cargo rule has a fix\n", False
    texts = fix.applied(report.sources.texts, fixes.values())
    try:
        return measure.told(measure.compare(root, texts, progress), len(fixes)), False
    except measure.MeasureError as error:
        return f"slowpath: not measured: {style.clean(str(error))}\n", True
