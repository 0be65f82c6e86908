"""Findings → comments that allow them: fixes that add a line, or extend an allow that is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slowpath.discover import language_of
from slowpath.extract import ALLOW, allows
from slowpath.extract.comment_places import Kind, comment_at
from slowpath.model.facts import Allow
from slowpath.model.finding import Edit, Finding, Fix, Place, edited
from slowpath.model.report import Report
from slowpath.model.source import Sources
from slowpath.suppress import target

SIGNS = {"rust": "//", "typescript": "//", "tsx": "//", "toml": "#", "sql": "--", "docker": "#"}
DIRECTIVE = re.compile(
    r"^\s*(//|/\*|\{/\*|--|#(?!\[)).*(ignore|disable|expect-error|expect_error|@ts-|SAFETY|nosemgrep)", re.I
)
"""A comment that speaks of the line below it: nothing may come between."""


class Allowing(NamedTuple):
    """The fixes, how many findings they allow in each file, and a line for each place that cannot be allowed."""

    fixes: list[Fix]
    covered: Counter[str]
    left: list[str]


def allowing(report: Report, reason: str) -> Allowing:
    """Allow what a report shows."""
    sites: dict[tuple[str, int], list[Finding]] = {}
    left = []
    for finding in report.findings:
        line = report.sources.line(finding.place.path, finding.place.span[0])
        if report.rules[finding.rule].kind == "allow":
            left.append(f"{finding.place.path}:{line}: is about an allow, and none covers it")
        else:
            sites.setdefault((finding.place.path, line), []).append(finding)
    fixes, count = [], Counter[str]()
    for (path, line), findings in sorted(sites.items()):
        edit = _edit(report.sources, path, line, sorted({finding.rule for finding in findings}), reason)
        if isinstance(edit, str):
            left.append(f"{path}:{line}: {edit}")
        else:
            count[path] += len(findings)
            fixes.append(Fix(f"allow {path}:{line}", True, (edit,)))
    return Allowing(fixes, count, left)


def unusable(reason: str) -> str:
    """Why a reason cannot stand in a comment; nothing where it can."""
    if "*/" in reason or "\n" in reason or "\r" in reason:
        return "--reason is one line, without the end of a comment"
    found = allows(f"// slowpath: allow(a) {reason}".encode())
    if reason and found[0].reason == reason:
        return ""
    return "--reason says nothing, or begins or ends with a dash, a colon or a space"


def _edit(sources: Sources, path: str, line: int, rules: list[str], reason: str) -> Edit | str:
    """The edit that allows rules on a line, or why there is none."""
    language = language_of(path)
    if language not in SIGNS or path.endswith(".lock"):
        return "such files hold no comments: `slowpath.toml` can ignore the rule there, or a baseline hold it"
    for edit in _candidates(language, sources, path, line, rules, reason):
        if _covers(sources, edit, line, rules):
            return edit
    return "no comment can stand there: a baseline can hold it"


def _candidates(language: str, sources: Sources, path: str, line: int, rules: list[str], reason: str) -> Iterator[Edit]:
    """An allow of the line that is there, longer; one on a line above; one behind the line."""
    text = sources.texts[path]
    for known in allows(text):
        if target(known, path, sources) == line and known.rules:
            yield _extended(text, path, known, rules)
    starts = sources.starts(path)
    words = f"slowpath: allow({', '.join(rules)}) {reason}"
    first = line
    while first > 1 and DIRECTIVE.match(sources.line_text(path, first - 1)):
        first -= 1
    at = starts[first - 1]
    at += 3 if text[at : at + 3] == b"\xef\xbb\xbf" else 0
    own = sources.line_text(path, line)
    indent = own[: len(own) - len(own.lstrip(" \t\ufeff"))].lstrip("\ufeff")
    end = "\r\n" if text[: starts[line] if line < len(starts) else len(text)].endswith(b"\r\n") else "\n"
    kind = comment_at(language, text, at, own_line=True)
    if kind:
        yield Edit(Place(path, (at, at)), f"{indent}{_comment(kind, language, words)}{end}")
    stop = starts[line] if line < len(starts) else len(text)
    stop -= len(text[starts[line - 1] : stop]) - len(text[starts[line - 1] : stop].rstrip())
    kind = comment_at(language, text, stop, own_line=False)
    if kind:
        yield Edit(Place(path, (stop, stop)), f"{'' if kind == 'jsx' else ' '}{_comment(kind, language, words)}")


def _comment(kind: Kind, language: str, words: str) -> str:
    return f"{{/* {words} */}}" if kind == "jsx" else f"{SIGNS[language]} {words}"


def _extended(text: bytes, path: str, known: Allow, rules: Iterable[str]) -> Edit:
    match = ALLOW.match(text, known.span[0])
    assert match is not None
    missing = [rule for rule in rules if rule not in known.rules]
    at = match.start(1) + len(match[1].rstrip(b", "))
    return Edit(Place(path, (at, match.end(1))), "".join(f", {rule}" for rule in missing))


def _covers(sources: Sources, edit: Edit, line: int, rules: Iterable[str]) -> bool:
    """Whether the edited file has one allow of the rules that speaks of what stood on the line."""
    path = edit.place.path
    new = edited(sources.texts[path], [edit])
    after = Sources({path: new})
    below = line + edit.text.count("\n")
    return any(set(rules) <= {*each.rules} and target(each, path, after) == below for each in allows(new))
