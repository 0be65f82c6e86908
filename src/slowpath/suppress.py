"""Inline `slowpath: allow(rule-id) reason`: which findings it silences, and which allows deserve a word themselves.

In: all findings and all files, before anything is filtered, so that an allow of a finding that this run does not show
still counts as used. An allow of a rule that did not run is never called unused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from slowpath.model.facts import Allow
from slowpath.model.finding import Finding, Place
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.program import File

REASONLESS = "allow-without-reason"
UNUSED = "unused-allow"
COMMENTS = ("//", "#", "--", "/*", "*", "{/*")

Site = tuple[str, int, str]
"""(path, line, rule id)"""


def suppress(
    findings: Iterable[Finding],
    files: Mapping[str, File],
    rules: Mapping[str, Rule],
    known: frozenset[str],
    sources: Sources,
) -> list[Finding]:
    """The findings that no allow covers, without the further calls that one covers, and those about the allows.

    `rules` ran; `known` are the ids that exist.
    """
    allows = [(path, allow) for path, file in files.items() for allow in file.facts.allows]
    if not allows:
        return list(findings)
    covered: dict[Site, bool] = {}
    for path, allow in allows:
        covered |= {(path, target(allow, path, sources), rule): False for rule in allow.rules}
    kept = []
    for finding in findings:
        further = {step: _site(finding, step.place, sources) for step in finding.related if step.site}
        own = _site(finding, finding.place, sources)
        covered |= {site: True for site in (own, *further.values()) if site in covered}
        if own not in covered:
            shown = tuple(step for step in finding.related if further.get(step) not in covered)
            kept.append(finding if shown == finding.related else msgspec.structs.replace(finding, related=shown))
    for path, allow in allows:
        kept += _about(path, allow, covered, rules, known, sources)
    return kept


def _site(finding: Finding, place: Place, sources: Sources) -> Site:
    return (place.path, sources.line(place.path, place.span[0]), finding.rule)


def target(allow: Allow, path: str, sources: Sources) -> int:
    """The line that an allow speaks of: its own, or where it stands alone the next one that is no comment."""
    line = sources.line(path, allow.span[0])
    if allow.own_line:
        line += 1
        last = len(sources.starts(path))
        while line < last and sources.line_text(path, line).lstrip().startswith(COMMENTS):
            line += 1
    return line


def _about(
    path: str,
    allow: Allow,
    covered: Mapping[Site, bool],
    rules: Mapping[str, Rule],
    known: frozenset[str],
    sources: Sources,
) -> Iterator[Finding]:
    place = Place(path, allow.span)
    if REASONLESS in rules and not allow.reason:
        yield rules[REASONLESS].finding(place, allowed=", ".join(allow.rules))
    if UNUSED not in rules:
        return
    line = target(allow, path, sources)
    if not allow.rules:
        yield rules[UNUSED].finding(place, allowed="", reason="it names no rule")
    for name in allow.rules:
        if name not in known:
            yield rules[UNUSED].finding(place, allowed=name, reason=f"there is no rule `{name}`")
        elif name in rules and not covered[path, line, name]:
            yield rules[UNUSED].finding(place, allowed=name, reason=f"`{name}` finds nothing on line {line}")
