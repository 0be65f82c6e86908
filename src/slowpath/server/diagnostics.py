"""Findings as diagnostics, file by file. Those of a file are made anew only where they change, or a text they show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from lsprotocol import types

from slowpath.model.finding import Finding, Severity, Step
from slowpath.model.report import Report
from slowpath.server.positions import Text

SEVERITY: dict[Severity, types.DiagnosticSeverity] = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
SOURCE = "slowpath"
Named = tuple[Finding, str]
"""A finding and its fingerprint."""


class Shape(NamedTuple):
    """What the client can show."""

    encoding: str = "utf-16"
    related: bool = True
    data: bool = True


class _Made(NamedTuple):
    findings: list[Named]
    texts: dict[str, bytes]
    diagnostics: list[types.Diagnostic]


class Diagnoser:
    """Of one project. `uri` names a file, by its path below the root."""

    def __init__(self, shape: Shape, uri: Callable[[str], str]) -> None:
        self.shape = shape
        self.uri = uri
        self._made: dict[str, _Made] = {}
        self._texts: dict[str, Text] = {}

    def of(self, report: Report, held: Iterable[str]) -> dict[str, list[types.Diagnostic]]:
        """The diagnostics of each file that has some; equal ones are the same list as before."""
        texts, held = report.sources.texts, frozenset(held)
        by_path: dict[str, list[Named]] = {}
        for finding, name in zip(report.findings, report.fingerprints, strict=True):
            by_path.setdefault(finding.place.path, []).append((finding, name))
        made: dict[str, _Made] = {}
        for path, findings in by_path.items():
            before = self._made.get(path)
            shown = {place: texts.get(place, b"") for place in _paths(findings)}
            if before is None or before.findings != findings or before.texts != shown:
                before = _Made(findings, shown, [self._diagnostic(each, texts, held) for each in findings])
            made[path] = before
        self._made = made
        return {path: each.diagnostics for path, each in made.items()}

    def text(self, path: str, texts: Mapping[str, bytes], held: bool) -> Text:
        """The file's text, to count positions in."""
        source = texts.get(path, b"")
        known = self._texts.get(path)
        if known is None or known.source is not source:
            known = self._texts[path] = Text(source, self.shape.encoding, held)
        return known

    def _diagnostic(self, named: Named, texts: Mapping[str, bytes], held: frozenset[str]) -> types.Diagnostic:
        finding, name = named
        path = finding.place.path
        steps = list(_told(finding))
        message = finding.message
        if not self.shape.related:
            message = "\n".join([message, *(told for told, _ in steps)])
        return types.Diagnostic(
            range=self.text(path, texts, path in held).first_line(finding.place.span),
            severity=SEVERITY[finding.severity],
            code=finding.rule,
            source=SOURCE,
            message=message,
            related_information=[self._related(*each, texts, held) for each in steps if self.shape.related] or None,
            data=name if self.shape.data else None,
        )

    def _related(
        self, told: str, step: Step, texts: Mapping[str, bytes], held: frozenset[str]
    ) -> types.DiagnosticRelatedInformation:
        path = step.place.path
        place = self.text(path, texts, path in held).first_line(step.place.span)
        return types.DiagnosticRelatedInformation(types.Location(self.uri(path), place), told)


def _told(finding: Finding) -> Iterator[tuple[str, Step]]:
    """The steps of the path, numbered, and the other sites."""
    for number, step in enumerate(finding.flow, 1):
        yield f"{number}. {step.message}", step
    for step in finding.related:
        yield step.message, step


def _paths(findings: Iterable[Named]) -> set[str]:
    """The files that diagnostics of the findings show."""
    return {
        place.path
        for finding, _ in findings
        for place in (finding.place, *(step.place for step in (*finding.flow, *finding.related)))
    }
