"""SARIF 2.1.0 as GitHub code scanning reads it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

Primary regions stay on one line (a pull request shows an alert only where all its lines changed), paths are inline
codeFlows, related sites are linked from the message. Nothing here depends on clock or machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from slowpath import __version__
from slowpath.model.finding import Finding, Place, Step, Trouble
from slowpath.model.report import Report
from slowpath.report import sarif_limits, shared
from slowpath.report.json import measured, saves
from slowpath.report.linehash import line_hashes
from slowpath.report.sarif_rules import described, sentence
from slowpath.report.shared import HOME, Ranked, at, spot

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_RELATED = 100
MAX_STEPS = 1000
MAX_NOTES = 100
SPECIAL = re.compile(r"([\[\]\\])")

Json = dict[str, Any]


def render(report: Report, category: str = "") -> str:
    """The report as one SARIF log; `category` tells analyses of the same commit apart."""
    count = min(len(report.findings), sarif_limits.MAX_RESULTS)
    while True:
        text = msgspec.json.format(msgspec.json.encode(log(report, category, count)), indent=1).decode() + "\n"
        fit = sarif_limits.fewer(text, count)
        if fit == count:
            return text
        count = fit


def log(report: Report, category: str, count: int) -> Json:
    """The same as an object, with the `count` results that matter most."""
    found = sarif_limits.kept(report, count)
    rules = [report.rules[name] for name in sorted(report.rules)]
    run: Json = {
        "tool": {
            "driver": {
                "name": "slowpath",
                "informationUri": HOME,
                "semanticVersion": __version__,
                "version": __version__,
                "rules": [described(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the checkout."}}},
        "invocations": [
            {"executionSuccessful": True, "toolExecutionNotifications": list(_notifications(report, count))}
        ],
        "artifacts": _artifacts(found, report),
        "results": list(_results(found, {rule.id: index for index, rule in enumerate(rules)}, report)),
    }
    if category:
        run["automationDetails"] = {"id": f"{category}/"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _results(found: list[Ranked], indexes: dict[str, int], report: Report) -> Iterator[Json]:
    hashes = _hashes(found, report)
    for one in found:
        finding = one.finding
        related = finding.related[:MAX_RELATED]
        result: Json = {
            "ruleId": finding.rule,
            "ruleIndex": indexes[finding.rule],
            "level": finding.severity,
            "message": {"text": _message(finding, related, report)},
            "locations": [_location(finding.place, report)],
            "partialFingerprints": _prints(one, hashes, report),
        }
        if related:
            result["relatedLocations"] = [{"id": n, **_step(step, report)} for n, step in enumerate(related, 1)]
        if finding.flow:
            steps = [{"location": _step(step, report)} for step in finding.flow[:MAX_STEPS]]
            result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
        properties = _properties(one)
        if properties:
            result["properties"] = properties
        yield result


def _hashes(found: list[Ranked], report: Report) -> dict[str, dict[int, str]]:
    lines: dict[str, set[int]] = {}
    for one in found:
        path = one.finding.place.path
        lines.setdefault(path, set()).add(report.sources.line(path, one.finding.place.span[0]))
    return {path: line_hashes(report.sources.texts.get(path, b""), wanted) for path, wanted in lines.items()}


def _prints(one: Ranked, hashes: dict[str, dict[int, str]], report: Report) -> dict[str, str]:
    path = one.finding.place.path
    line_hash = hashes[path].get(report.sources.line(path, one.finding.place.span[0]))
    own = {"slowpath/v1": one.fingerprint}
    return own | {"primaryLocationLineHash": line_hash} if line_hash else own


def _properties(one: Ranked) -> Json:
    finding = one.finding
    properties: Json = {}
    if finding.routes:
        properties["routes"] = list(finding.routes[:MAX_RELATED])
    if finding.saves:
        properties["saves"] = saves(finding.saves)
    if finding.measured:
        properties["measured"] = measured(finding.measured)
    return properties


def _message(finding: Finding, related: tuple[Step, ...], report: Report) -> str:
    text = sentence(_escape(finding.message))
    if finding.measured:
        text += f" {sentence(_escape(shared.measured(finding.measured)))}"
    links = [f"[{_escape(at(step.place, report))}]({number})" for number, step in enumerate(related, 1)]
    return f"{text} Also at {', '.join(links)}." if links else text


def _escape(text: str) -> str:
    """One line; square brackets would start a link."""
    line = text if text.isprintable() else " ".join(text.split())
    return SPECIAL.sub(r"\\\1", line) if "[" in line or "]" in line or "\\" in line else line


def _step(step: Step, report: Report) -> Json:
    return {**_location(step.place, report), "message": {"text": sentence(_escape(step.message) or "Here")}}


def _location(place: Place, report: Report) -> Json:
    line, column, end_column = spot(place, report.sources)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": end_column}
    return {"physicalLocation": {"artifactLocation": _artifact(report.prefix + place.path), "region": region}}


@lru_cache(1024)
def _artifact(path: str) -> Json:
    """Of a path from the root of the checkout; shared, so never changed."""
    return {"uri": quote(path), "uriBaseId": "SRCROOT"}


def _artifacts(found: list[Ranked], report: Report) -> list[Json]:
    return [{"location": _artifact(report.prefix + path)} for path in sorted({one.finding.place.path for one in found})]


def _notifications(report: Report, count: int) -> Iterator[Json]:
    yield from (_notification(trouble, report) for trouble in report.troubles[:MAX_NOTES])
    more = len(report.troubles) - MAX_NOTES
    if more > 0:
        yield {"level": "warning", "message": {"text": f"{more} more files could not be read whole."}}
    if count < len(report.findings):
        left_out = sarif_limits.left_out(len(report.findings) - count)
        yield {"level": "warning", "message": {"text": left_out}}
    if report.known:
        yield {"level": "note", "message": {"text": f"{report.known} known findings are not shown."}}


def _notification(trouble: Trouble, report: Report) -> Json:
    note: Json = {
        "level": "error" if trouble.internal else "warning",
        "message": {"text": sentence(_escape(f"{shared.file_of(trouble, report)}: {trouble.message}"))},
    }
    if trouble.path in report.sources.texts:
        physical: Json = {"artifactLocation": _artifact(report.prefix + trouble.path)}
        if trouble.line:
            physical["region"] = {"startLine": trouble.line}
        note["locations"] = [{"physicalLocation": physical}]
    return note
