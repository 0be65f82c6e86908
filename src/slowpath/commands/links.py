"""A file that has a second name by a link: code hosts show the link as the words that it holds, so a finding goes where
the code is.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.report import Report


def followed(report: Report, root: Path) -> Report:
    """The report without links: what is found by both names is told once."""
    paths = {place.path for finding in report.findings for place in _places(finding)}
    real = {path: _real(path, root) for path in paths if (root / path).is_symlink()}
    real = {path: target for path, target in real.items() if target in report.sources.texts}
    if not real:
        return report
    pairs = list(zip(report.findings, report.fingerprints, strict=True))
    own = {(finding.rule, finding.place) for finding, _ in pairs}
    kept = []
    for finding, name in pairs:
        moved = _moved(finding, real)
        if moved.place == finding.place or (moved.rule, moved.place) not in own:
            kept.append((moved, name))
    return report.holding(kept)


def _places(finding: Finding) -> list[Place]:
    return [finding.place, *(step.place for step in (*finding.flow, *finding.related))]


def _real(path: str, root: Path) -> str:
    return os.path.relpath(os.path.realpath(root / path), root).replace(os.sep, "/")


def _moved(finding: Finding, real: dict[str, str]) -> Finding:
    def place(old: Place) -> Place:
        return Place(real.get(old.path, old.path), old.span)

    def steps(old: tuple[Step, ...]) -> tuple[Step, ...]:
        return tuple(msgspec.structs.replace(step, place=place(step.place)) for step in old)

    return msgspec.structs.replace(
        finding, place=place(finding.place), flow=steps(finding.flow), related=steps(finding.related)
    )
