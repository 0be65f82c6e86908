"""A scan and its evidence → the diagnosis as a document, in the order in which it is of use."""

from __future__ import annotations

from collections.abc import Sequence

from slowpath.model.evidence import Evidence
from slowpath.model.report import Report
from slowpath.report import (
    about_bundle,
    about_database,
    about_findings,
    about_limiter,
    about_load,
    about_measuring,
    thresholds,
)
from slowpath.report import success as aims
from slowpath.report.document import Block, Code, Document, Listing, Paragraph, Section, Strong, Table, told
from slowpath.report.gate import Line, overall
from slowpath.report.ranking import Ranked, ranked


def diagnosis(report: Report, evidence: Evidence, gate: Sequence[Line] = ()) -> Document:
    """`gate` are the lines of thresholds that it was held against."""
    found = ranked(report, evidence)
    return Document(
        "Performance diagnosis",
        (
            _summary(report, evidence, found),
            *([_gate(gate)] if gate else []),
            about_load.baseline(evidence),
            about_limiter.limiter(evidence, found),
            about_findings.low_hanging(report, evidence, found),
            about_findings.deep_work(report, evidence, found),
            _success(evidence, found),
            about_findings.findings(report, evidence, found),
            about_database.statements(evidence),
            about_database.repeats(evidence),
            about_database.scans(evidence),
            about_database.drift(evidence),
            about_bundle.bundle(evidence),
            about_measuring.remarks(report, evidence),
            about_measuring.measured(evidence),
            about_measuring.still_open(evidence, found),
        ),
    )


def thresholds_file(report: Report, evidence: Evidence) -> str:
    """The goals as `thresholds.toml`; nothing where nothing was measured that could have one."""
    goals = aims.goals(evidence, ranked(report, evidence))
    notes = {goal.key: f"Today {goal.today}; {goal.why}." for goal in goals}
    return thresholds.text(aims.thresholds(goals), notes) if goals else ""


def _summary(report: Report, evidence: Evidence, found: list[Ranked]) -> Section:
    text = (*about_load.held(evidence), *about_limiter.limits(evidence), *about_findings.first_thing(evidence, found))
    return Section("summary", "Summary", (Paragraph(text, "lead"),))


def _gate(lines: Sequence[Line]) -> Section:
    rows = tuple(
        (
            (Code(line.key),),
            told(line.asked),
            told(line.measured),
            (Strong(line.outcome) if line.outcome != "pass" else "pass",),
        )
        for line in lines
    )
    table = Table(f"Held against the thresholds: {overall(lines)}", ("Key", "Asked", "Measured", "Outcome"), rows)
    return Section("gate", "Gate", (table,))


def _success(evidence: Evidence, found: list[Ranked]) -> Section:
    goals = aims.goals(evidence, found)
    if not goals:
        return Section(
            "success", "Success metrics", (Paragraph(("Nothing was measured that could be a target.",), "missing"),)
        )
    rows = tuple(((Code(goal.key),), (goal.today,), (goal.target,), (goal.why,)) for goal in goals)
    notes = {goal.key: f"Today {goal.today}; {goal.why}." for goal in goals}
    blocks: tuple[Block, ...] = (
        Table("Today and target", ("Metric", "Today", "Target", "Why"), rows),
        *(Paragraph(told("As `thresholds.toml`, for `slowpath report --gate thresholds.toml` in CI:")),),
        Listing(thresholds.text(aims.thresholds(goals), notes), "toml"),
    )
    return Section("success", "Success metrics", blocks)
