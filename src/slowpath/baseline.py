"""Findings that a project had when it adopted slowpath: a file that holds them, and what of a report it does not hold.

An entry is one call or construct, not one finding: a finding counts all such calls of a function, and one that is new
among them must be seen. Entries carry no line. What an entry cannot be found by, it is looked for by what else it says
of itself: in a file that was moved, in a function that was renamed or moved. Equal ones are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from slowpath.fingerprint import snippet
from slowpath.model.finding import Finding, Place, Step
from slowpath.model.report import Report
from slowpath.model.source import Sources

MAX_CODE = 60
"""Characters of an entry's code that a reader sees."""


class Entry(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One call or construct that is held; `id` stands for its whole code, of which `code` is the beginning."""

    path: str
    rule: str
    function: str = ""
    code: str = ""
    id: str = ""


Held = Counter[Entry]
Site = tuple[int, int]
"""A finding by its index, and of its related steps one by index, -1 for its own place."""


def entries(report: Report) -> Held:
    """What a baseline that holds all of a report says."""
    return Counter(entry for finding in report.findings for _, entry in _sites(finding, report.sources))


def _sites(finding: Finding, sources: Sources) -> Iterator[tuple[int, Entry]]:
    """The calls that a finding counts: its own, -1, and those of its related steps, by index."""
    yield -1, _entry(finding, finding.place, sources)
    for index, step in enumerate(finding.related):
        if step.site:
            yield index, _entry(finding, step.place, sources)


def _entry(finding: Finding, place: Place, sources: Sources) -> Entry:
    start, end = place.span
    first = sources.texts.get(place.path, b"")[start:end].decode("utf-8", "replace").partition("\n")[0]
    whole = blake2b(snippet(place, sources).encode(), digest_size=6).hexdigest()
    return Entry(place.path, finding.rule, finding.function, " ".join(first.split())[:MAX_CODE], whole)


class Match(NamedTuple):
    """A report held against a baseline."""

    report: Report
    """What is not held."""
    new: Held
    stayed: Held
    """What is left of the baseline, where it is now, with what this report cannot speak of."""
    gone: Held
    moved: int


def match(held: Held, report: Report, within: Callable[[str], bool] = lambda path: True) -> Match:
    """Hold a report against a baseline. Gone is only what rules that ran would have found, in paths it speaks of."""
    sites = {(f, index): entry for f, finding in enumerate(report.findings)
             for index, entry in _sites(finding, report.sources)}  # fmt: skip
    known: dict[tuple[int, int], Entry] = {}
    left = Counter(held)
    for same in LEVELS:
        asked = {site: entry for site, entry in sites.items() if site not in known}
        pairs = _paired(asked, left, same, Defined(report.sources))
        known |= pairs
        left -= Counter(pairs.values())
    gone = Counter({old: n for old, n in left.items() if old.rule in report.rules and within(old.path)})
    return Match(
        report=_narrowed(report, sites, known),
        new=Counter(entry for site, entry in sites.items() if site not in known),
        stayed=Counter(sites[site] for site in known) + (left - gone),
        gone=gone,
        moved=sum(sites[site] != old for site, old in known.items()),
    )


class Defined:
    """What the sources still have."""

    def __init__(self, sources: Sources) -> None:
        self.texts = sources.texts
        self.known: dict[tuple[str, str], bool] = {}

    def file(self, entry: Entry) -> bool:
        return entry.path in self.texts

    def function(self, entry: Entry) -> bool:
        """Whether the entry's file has a function of its name, or another without a name."""
        key = entry.path, entry.function
        if key not in self.known:
            name = re.escape(re.split(r"::|\.", entry.function)[-1]).encode()
            own = rb"\b(fn|function|const|let|var|class)\s+%s\b|^[ \t]*(\w+ )*%s\s*[(=:<]" % (name, name)
            text = self.texts.get(entry.path, b"")
            self.known[key] = not entry.function or re.search(own, text, re.M) is not None
        return self.known[key]


class _Level(NamedTuple):
    """Entries are the same where their keys are; `applies` says for which that are held."""

    key: Callable[[Entry], Hashable]
    applies: Callable[[Entry, Defined], bool]


LEVELS = (
    _Level(lambda e: (e.path, e.rule, e.function, e.id), lambda old, now: True),
    # Edited below its first line.
    _Level(lambda e: (e.path, e.rule, e.function, e.code), lambda old, now: True),
    # Its file, or a folder above it, was moved; then renamed.
    _Level(lambda e: (name(e.path), e.rule, e.function, e.id), lambda old, now: not now.file(old)),
    _Level(lambda e: (e.rule, e.function, e.id), lambda old, now: not now.file(old)),
    # Its function was moved to another file; then renamed in its own.
    _Level(lambda e: (e.rule, e.function, e.id), lambda old, now: not now.function(old)),
    _Level(lambda e: (e.path, e.rule, e.id), lambda old, now: not now.function(old)),
)


def name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


def _paired(asked: Mapping[Site, Entry], held: Held, same: _Level, now: Defined) -> dict[Site, Entry]:
    """For each site the held entry that it is, as often as that is held."""
    left = Counter({old: count for old, count in held.items() if same.applies(old, now)})
    by_key: dict[Hashable, list[Entry]] = {}
    for old in sorted(left, reverse=True):
        by_key.setdefault(same.key(old), []).append(old)
    pairs: dict[Site, Entry] = {}
    for site, entry in asked.items():
        waiting = by_key.get(same.key(entry))
        if waiting:
            pairs[site] = waiting[-1]
            left[waiting[-1]] -= 1
            if not left[waiting[-1]]:
                waiting.pop()
    return pairs


def _narrowed(report: Report, sites: Mapping[Site, Entry], known: Collection[Site]) -> Report:
    """The findings with something new: at their own place where that is new, else at the first call that is."""
    fresh: dict[int, list[int]] = {}
    for f, index in sites:
        if (f, index) not in known:
            fresh.setdefault(f, []).append(index)
    hidden = Counter(finding.rule for f, finding in enumerate(report.findings) if f not in fresh)
    shown = [
        (report.findings[f], report.fingerprints[f])
        if -1 in new
        else _moved(report.findings[f], new[0], report.fingerprints[f], sites[f, new[0]])
        for f, new in fresh.items()
    ]
    return msgspec.structs.replace(
        report.holding(shown),
        known=report.known + hidden.total(),
        known_by_rule={**report.known_by_rule, **hidden},
    )


def _moved(finding: Finding, index: int, fingerprint: str, entry: Entry) -> tuple[Finding, str]:
    """A finding on one of its further calls, and a name for it there."""
    step = finding.related[index]
    own = Step(finding.place, "known: the baseline holds this one")
    others = (own, *(other for other in finding.related if other is not step))
    message = f"{step.message} (new, beside what the baseline holds of this function): {finding.message}"
    here = msgspec.structs.replace(finding, place=step.place, message=message, related=others)
    return here, blake2b(f"{fingerprint} {entry.id}".encode(), digest_size=12).hexdigest()
