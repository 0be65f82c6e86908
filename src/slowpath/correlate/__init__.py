"""Findings joined with what was measured of the running system.

In: findings with their places, the program and the evidence. Out: the findings in their order, none dropped and none
changed but for `measured`. Route → handler → way → statement of the source → statement of the database → its calls
and time. What rests on a choice that nobody made is said to be ambiguous, with all that it may be.

Judged: statements (`database`), indexes, work outside of the database, the bundle, the schema. Findings of other
rules, and those that no route leads to, keep `measured` None.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from slowpath.correlate import bundle, database, indexes, schema, work
from slowpath.correlate.rivals import settled
from slowpath.correlate.scene import Scene
from slowpath.model.evidence import Evidence
from slowpath.model.finding import Finding, Measured
from slowpath.program import Program


def correlate(
    findings: Iterable[Finding], program: Program, evidence: Evidence, hidden: Iterable[Finding] = ()
) -> list[Finding]:
    """The findings, each with what the evidence says of it. `hidden` are not shown, but may explain a cost as well."""
    shown = list(findings)
    scene = Scene(program, evidence) if program.of("rust") else None
    told = {(finding.rule, finding.place) for finding in shown}
    every = [*shown, *(finding for finding in hidden if (finding.rule, finding.place) not in told)]
    apart = {str(driven) for driven in scene.traffic.all if scene.costs.is_isolated(driven)} if scene else set()
    joined = settled([replace(each, measured=_measured(scene, program, evidence, each)) for each in every], apart)
    return [_worked(scene, finding, joined) for finding in joined[: len(shown)]]


def mismatch(program: Program, evidence: Evidence) -> str:
    """Why evidence cannot be of this source; nothing where it may be."""
    if evidence.load is None or not evidence.load.steps or not program.of("rust"):
        return ""
    scene = Scene(program, evidence)
    if not scene.foreign or not scene.traffic.unmatched:
        return ""
    return f"no route of this project answers what was driven ({scene.traffic.unmatched[0]}): is it of another project?"


def _measured(scene: Scene | None, program: Program, evidence: Evidence, finding: Finding) -> Measured | None:
    rule = finding.rule
    if rule in bundle.RULES:
        return bundle.judge(program, evidence.bundle, finding) if evidence.bundle is not None else None
    if rule in schema.RULES:
        return schema.judge(evidence.database, finding) if evidence.database is not None else None
    if scene is None:
        return None
    if rule in indexes.RULES:
        return indexes.judge(scene, finding)
    return database.judge(scene, finding) if rule in database.RULES else None


def _worked(scene: Scene | None, finding: Finding, every: list[Finding]) -> Finding:
    if scene is None or finding.rule not in work.RULES:
        return finding
    return replace(finding, measured=work.judge(scene, finding, every))
