"""SARIF 2.1.0 as GitHub code scanning reads it: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

Primary regions stay on one line (a pull request shows an alert only where all its lines changed), paths are inline
codeFlows, related sites are linked from the message. Nothing here depends on clock or machine.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import msgspec

from slowpath import __version__
from slowpath.model.finding import Finding, Place, Step, Trouble
from slowpath.model.report import Report
from slowpath.model.rule import Rule
from slowpath.report.json import measured, saves
from slowpath.report.linehash import line_hashes
from slowpath.report.shared import HOME, importance, spot

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
PRECISION = {"high": "very-high", "medium": "high", "low": "medium"}
MAX_RESULTS = 5000
"""GitHub keeps no more of a run."""
MAX_LOCATIONS = 100
MAX_STEPS = 1000
MAX_TEXT = 1000

Json = dict[str, Any]


def render(report: Report, category: str = "") -> str:
    """The report as one SARIF log; `category` tells analyses of the same commit apart."""
    return msgspec.json.format(msgspec.json.encode(log(report, category)), indent=1).decode() + "\n"


def log(report: Report, category: str = "") -> Json:
    pairs = list(zip(report.findings, report.fingerprints, strict=True))
    dropped = len(pairs) - MAX_RESULTS
    if dropped > 0:
        ranked = sorted(range(len(pairs)), key=lambda i: importance(pairs[i][0]))[:MAX_RESULTS]
        pairs = [pairs[index] for index in sorted(ranked)]
    rules = [report.rules[name] for name in sorted(report.rules)]
    indexes = {rule.id: index for index, rule in enumerate(rules)}
    notes = [_notification(trouble, report) for trouble in report.troubles]
    if dropped > 0:
        text = f"{dropped} findings are left out, the least severe: code scanning keeps {MAX_RESULTS} of a run."
        notes.append({"level": "warning", "message": {"text": text}})
    hashes = _hashes(report)
    run: Json = {
        "tool": {
            "driver": {
                "name": "slowpath",
                "informationUri": HOME,
                "semanticVersion": __version__,
                "version": __version__,
                "rules": [_rule(rule) for rule in rules],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "The root of the checkout."}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "artifacts": _artifacts(pairs, report),
        "results": [_result(finding, name, indexes, hashes, report) for finding, name in pairs],
    }
    if category:
        run["automationDetails"] = {"id": f"{category}/"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: Rule) -> Json:
    title = _sentence(rule.title)
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-")),
        "shortDescription": {"text": title},
        "fullDescription": {"text": _sentence(" ".join(rule.why.split())[:MAX_TEXT] or title)},
        "help": {"text": rule.instead or title, "markdown": rule.page.partition("\n## Examples")[0].strip()},
        "defaultConfiguration": {"level": rule.severity},
        "properties": {
            "tags": ["performance", rule.group],
            "precision": PRECISION[rule.confidence],
            "problem.severity": "recommendation" if rule.severity == "note" else rule.severity,
        },
    }


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _hashes(report: Report) -> dict[str, dict[int, str]]:
    lines: dict[str, set[int]] = {}
    for finding in report.findings:
        path = finding.place.path
        lines.setdefault(path, set()).add(report.sources.line(path, finding.place.span[0]))
    return {path: line_hashes(report.sources.texts.get(path, b""), wanted) for path, wanted in lines.items()}


def _result(
    finding: Finding, name: str, indexes: dict[str, int], hashes: dict[str, dict[int, str]], report: Report
) -> Json:
    path = finding.place.path
    prints = {"slowpath/v1": name}
    line_hash = hashes[path].get(report.sources.line(path, finding.place.span[0]))
    if line_hash:
        prints["primaryLocationLineHash"] = line_hash
    related = finding.related[:MAX_LOCATIONS]
    result: Json = {
        "ruleId": finding.rule,
        "ruleIndex": indexes[finding.rule],
        "level": finding.severity,
        "message": {"text": _message(finding, related, report)},
        "locations": [_location(finding.place, report)],
        "partialFingerprints": prints,
    }
    if related:
        result["relatedLocations"] = [{"id": n, **_step(step, report)} for n, step in enumerate(related, 1)]
    properties: Json = {}
    if finding.routes:
        properties["routes"] = list(finding.routes[:MAX_LOCATIONS])
    if finding.saves:
        properties["saves"] = saves(finding.saves)
    if finding.measured:
        properties["measured"] = measured(finding.measured)
    if properties:
        result["properties"] = properties
    if finding.flow:
        steps = [{"location": _step(step, report)} for step in finding.flow[:MAX_STEPS]]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    return result


def _message(finding: Finding, related: tuple[Step, ...], report: Report) -> str:
    text = _sentence(_escape(finding.message))
    links = [
        f"[{_escape(step.place.path)}:{report.sources.line(step.place.path, step.place.span[0])}]({number})"
        for number, step in enumerate(related, 1)
    ]
    return f"{text} Also at {', '.join(links)}." if links else text


def _escape(text: str) -> str:
    """Square brackets would start a link."""
    return re.sub(r"([\[\]\\])", r"\\\1", " ".join(text.split()))


def _step(step: Step, report: Report) -> Json:
    return {**_location(step.place, report), "message": {"text": _sentence(_escape(step.message)) or "Here."}}


def _location(place: Place, report: Report) -> Json:
    line, column, end_column = spot(place, report.sources)
    region = {"startLine": line, "startColumn": column, "endLine": line, "endColumn": end_column}
    return {"physicalLocation": {"artifactLocation": _artifact(place.path, report), "region": region}}


def _artifact(path: str, report: Report) -> Json:
    return {"uri": quote(report.prefix + path), "uriBaseId": "SRCROOT"}


def _artifacts(pairs: list[tuple[Finding, str]], report: Report) -> list[Json]:
    paths = sorted({finding.place.path for finding, _ in pairs})
    return [{"location": _artifact(path, report)} for path in paths]


def _notification(trouble: Trouble, report: Report) -> Json:
    note: Json = {
        "level": "error" if trouble.internal else "warning",
        "message": {"text": _sentence(_escape(f"{trouble.path}: {trouble.message}"))},
    }
    if trouble.path in report.sources.texts:
        physical: Json = {"artifactLocation": _artifact(trouble.path, report)}
        if trouble.line:
            physical["region"] = {"startLine": trouble.line}
        note["locations"] = [{"physicalLocation": physical}]
    return note
