"""Facts → findings, of the whole program: link, rules, and what comments and settings leave of what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from slowpath.asking import Answer, routed
from slowpath.facts import Extracted, does_not_parse
from slowpath.fingerprint import fingerprints
from slowpath.link import link
from slowpath.memory import Memory
from slowpath.model.finding import Finding, Trouble
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.per_path import spoken
from slowpath.program import File, Program
from slowpath.results import Result, Settings
from slowpath.suppress import suppress

if TYPE_CHECKING:
    from slowpath.model.evidence import Evidence


Ask = Callable[[Program, frozenset[str], list[Rule]], list[Answer]]
"""Ask rules about a program; the set is of the files that were not read."""


class Judged(NamedTuple):
    """A result, what every rule found before anything was left out, and the program that they spoke of."""

    result: Result
    raw: list[Finding]
    program: Program


def judged(
    extracted: Extracted,
    unread: frozenset[str],
    sources: Sources,
    rules: list[Rule],
    settings: Settings,
    ask: Ask,
    memory: Memory | None = None,
) -> Judged:
    """The findings of a project's facts. With a memory, only what the changed files may have changed is asked again."""
    ask = ask if memory is None else memory.answers
    own = _judged(extracted, unread, sources, rules, settings, ask)
    if memory is not None and memory.doubtful():
        memory.forget()
        own = _judged(extracted, unread, sources, rules, settings, ask)
    return own


def _judged(
    extracted: Extracted,
    unread: frozenset[str],
    sources: Sources,
    rules: list[Rule],
    settings: Settings,
    ask: Ask,
) -> Judged:
    files, troubles = extracted.files, [*extracted.troubles, *does_not_parse(extracted.files, sources)]
    unread = unread | {path for path in sources.texts if path not in files}
    program = link(files, unread, settings.start_after, settings.features)
    asked = [rule for rule in rules if rule.kind != "allow"]
    told = ask(program, unread, asked)
    raw = list(dict.fromkeys(finding for own in told for finding in own.findings))
    troubles += [trouble for own in told for trouble in own.troubles]
    findings = suppress(raw, files, {rule.id: rule for rule in rules}, frozenset(settings.known), sources)
    findings = list(spoken(findings, (rule.id for rule in rules), settings.min_confidence, settings.overrides))
    findings = sorted(drop_broken(findings, files), key=order)
    answered = {rule.id for rule in asked}
    findings = [finding if finding.rule in answered else routed(finding, program) for finding in findings]
    result = Result(tuple(findings), fingerprints(findings, sources), tuple(troubles), len(files))
    return Judged(result, raw, program)


def order(finding: Finding) -> tuple[str, int, int, str, str]:
    """Reports list findings by path, position and rule."""
    return (finding.place.path, *finding.place.span, finding.rule, finding.message)


def drop_broken(findings: Iterable[Finding], files: dict[str, File]) -> Iterator[Finding]:
    """Findings that start inside text that did not parse say nothing reliable."""
    for finding in findings:
        file = files.get(finding.place.path)
        start = finding.place.span[0]
        if file is None or not any(first <= start < last for first, last in file.facts.broken):
            yield finding


def measured(own: Judged, evidence: Evidence, sources: Sources) -> Result:
    """The result with what was measured of its findings; why that may be of no use is a trouble."""
    from slowpath.correlate import correlate, mismatch

    doubts = [remark.message for remark in evidence.remarks if remark.level != "note"]
    doubts = [why for why in (*doubts, mismatch(own.program, evidence)) if why]
    findings = correlate(list(own.result.findings), own.program, evidence, own.raw)
    return Result(
        tuple(findings),
        fingerprints(findings, sources),
        (*own.result.troubles, *(Trouble("evidence", 0, why) for why in doubts)),
        own.result.files,
    )
