"""What there is of each rule and in each folder, for who decides where to begin; time per stage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from slowpath.model.report import Report

MAX_FOLDERS = 10
DEEP = 2
"""Folders of a path that are told apart."""


def render(report: Report) -> str:
    """Findings per rule with their fixes and what a baseline holds, per folder, and where the time went."""
    return "\n".join([*_rules(report), *_folders(report), *_work(report)]) + "\n"


def _rules(report: Report) -> Iterator[str]:
    shown = Counter(finding.rule for finding in report.findings)
    fixes = Counter((finding.rule, finding.fix.safe) for finding in report.findings if finding.fix is not None)
    known = Counter(report.known_by_rule)
    if shown or known:
        yield "findings  safe fixes  unsafe fixes  known  rule"
    for rule in sorted({*shown, *known}, key=lambda rule: (-shown[rule], -known[rule], rule)):
        numbers = f"{shown[rule]:8}  {fixes[rule, True]:10}  {fixes[rule, False]:12}  {known[rule]:5}"
        yield f"{numbers}  {rule}"


def _folders(report: Report) -> Iterator[str]:
    counts = Counter("/".join(finding.place.path.split("/")[:-1][:DEEP]) or "." for finding in report.findings)
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(most) > 1:
        yield "findings  folder"
        yield from (f"{count:8}  {folder}" for folder, count in most[:MAX_FOLDERS])
    if len(most) > MAX_FOLDERS:
        yield f"{sum(count for _, count in most[MAX_FOLDERS:]):8}  in {len(most) - MAX_FOLDERS} more"


def _work(report: Report) -> Iterator[str]:
    stats = report.stats
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in stats.stages)
    yield f"{stats.files} files ({stats.parsed} parsed, {stats.cached} cached) in {stats.seconds:.2f} s: {times}"
    if stats.calls:
        yield "Rust calls resolved: " + ", ".join(f"{count} {how}" for how, count in stats.calls)
