"""The whole pipeline: discover → parse → extract (per file, parallel, cached) → link → rules → suppress → report."""

from __future__ import annotations

import posixpath
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slowpath import fix, results
from slowpath.cache import Cache
from slowpath.crate_lines import CrateSources, with_lines
from slowpath.discover import Discovery, discover, language_of
from slowpath.facts import facts_of, keys_of
from slowpath.fingerprint import identity
from slowpath.model.finding import Confidence, Finding, Fix, Trouble
from slowpath.model.report import Report, Stats
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.per_path import Override
from slowpath.results import Features, Settings

if TYPE_CHECKING:
    from slowpath.memory import Memory
    from slowpath.model.evidence import Evidence

Narrow = Callable[[Report], Report]
"""Leaves the findings that are to be shown: those that are new since a revision, or that no baseline holds."""
Read = Callable[[Path, Iterable[str]], Discovery]
"""Reads the files of a project, but for those that patterns exclude."""
MAX_ROUNDS = 50
"""Of fixes: those that overlap wait for the next round."""


def scan(
    root: Path,
    rules: Iterable[Rule],
    *,
    exclude: Iterable[str] = (),
    min_confidence: Confidence = "medium",
    jobs: int = 0,
    cache: Cache | None = None,
    scope: Iterable[str] = (),
    overrides: Sequence[Override] = (),
    start_after: str = "",
    features: Features = {},  # noqa: B006 (never written)
    known: Iterable[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
    count_calls: bool = False,
    crate_sources: CrateSources | None = None,
    evidence: Evidence | None = None,
    narrow: Narrow = lambda report: report,
    read: Read = discover,
) -> Report:
    """Scan the project at `root`. `jobs` 0 means one per core.

    `count_calls` resolves every Rust call, for the statistics.
    `scope` are the files and folders to report on, all where empty; `known` are the ids of the rules that exist.
    `start_after` names the last migration that ran everywhere, `features` the code that the first load must not hold.
    `crate_sources` is where to count what a finding saves; `evidence` what was measured of the running system.
    `overrides` are settings of single paths.
    `narrow` says which findings are shown, `read` what the project is: its folder, or what is staged of it.
    """
    started = time.perf_counter()
    progress("reading files")
    found = read(root, exclude)
    return analyse(
        found,
        list(rules),
        min_confidence=min_confidence,
        jobs=jobs,
        cache=cache,
        scope=tuple(scope),
        overrides=overrides,
        start_after=start_after,
        features=features,
        known=known,
        progress=progress,
        stages=[("discover", time.perf_counter() - started)],
        count_calls=count_calls,
        crate_sources=crate_sources,
        evidence=evidence,
        narrow=narrow,
    )


class Fixed(NamedTuple):
    """A finding with its fix, and its line where that was applied."""

    finding: Finding
    fix: Fix
    line: int


class Mended(NamedTuple):
    """What fixes made of a project: `report` says what is left, `before` what there was."""

    before: Report
    report: Report
    texts: dict[str, bytes]
    """The files that are new or changed."""
    fixed: list[Fixed]
    unsafe: bool


def mend(
    root: Path,
    rules: Iterable[Rule],
    *,
    unsafe: bool,
    exclude: Iterable[str] = (),
    read: Read = discover,
    **options: Any,
) -> Mended:
    """Scan, fix and scan again until there is nothing left to fix. Writes nothing; `options` are those of `analyse`."""
    found, rules = read(root, exclude), list(rules)
    before = report = analyse(found, rules, **options)
    done: list[Fixed] = []
    texts: dict[str, bytes] = {}
    useless: set[str] = set()
    for _ in range(MAX_ROUNDS):
        fixes = fix.chosen(report, useless, unsafe=unsafe)
        if not fixes:
            break
        done += _fixed(report, fixes)
        texts |= fix.applied(report.sources.texts, fixes.values())
        files = {path: (path, language, texts.get(path, source)) for path, language, source in found.files}
        for path in texts.keys() - files.keys():
            language = language_of(posixpath.basename(path))
            if language is not None:
                files[path] = (path, language, texts[path])
        found = found._replace(files=sorted(files.values()))
        last, report = report, analyse(found, rules, **options)
        useless.update(_still_there(last, fixes, report))
    return Mended(before, report, texts, done, unsafe)


def _fixed(report: Report, fixes: Mapping[str, Fix]) -> Iterator[Fixed]:
    for finding, name in zip(report.findings, report.fingerprints, strict=True):
        if name in fixes:
            yield Fixed(finding, fixes[name], report.sources.line(finding.place.path, finding.place.span[0]))


def _still_there(last: Report, fixes: Mapping[str, Fix], report: Report) -> Iterator[str]:
    """Fingerprints of the findings that are as many as before their fixes; of equal ones each may stand for another."""
    kinds = [(*identity(finding, last.sources), finding.message) for finding in last.findings]
    tried = {kind for kind, name in zip(kinds, last.fingerprints, strict=True) if name in fixes}
    now = [(*identity(finding, report.sources), finding.message) for finding in report.findings]
    before, after = Counter(kinds), Counter(now)
    for kind, name in zip(now, report.fingerprints, strict=True):
        if kind in tried and after[kind] >= before[kind]:
            yield name


def analyse(
    found: Discovery,
    rules: list[Rule],
    *,
    min_confidence: Confidence = "medium",
    jobs: int = 1,
    cache: Cache | None = None,
    scope: tuple[str, ...] = (),
    overrides: Sequence[Override] = (),
    start_after: str = "",
    features: Features = {},  # noqa: B006 (never written)
    known: Iterable[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
    stages: Iterable[tuple[str, float]] = (),
    count_calls: bool = False,
    crate_sources: CrateSources | None = None,
    evidence: Evidence | None = None,
    narrow: Narrow = lambda report: report,
    memory: Memory | None = None,
) -> Report:
    """The findings of discovered texts; `memory` is what the last analysis of the project left."""
    clock = _Clock(stages, progress)
    sources = Sources({path: source for path, _, source in found.files})
    settings = Settings(min_confidence, start_after, features, (*known, *(rule.id for rule in rules)), tuple(overrides))
    clock.next("extract", f"extracting {len(found.files)} files")
    keys = keys_of(found, rules) if memory is None else memory.keys_of(found, rules)
    kept = cache if evidence is None and not count_calls and memory is None else None
    name = results.key(keys, found.unread, rules, settings) if kept is not None else b""
    result = results.stored(kept, name, results.Result) if kept is not None else None
    parsed = 0
    calls: tuple[tuple[str, int], ...] = ()
    if result is None:
        # A scan of what was scanned before does without these.
        from slowpath.asking import afresh
        from slowpath.findings import judged, measured
        from slowpath.recalled import Recalled

        known, before = (memory.files(), memory.before) if memory is not None else ({}, {})
        extracted = facts_of(found, rules, jobs, cache, keys, known, before)
        contents = {path: (language, keys[path]) for path, language, _ in found.files}
        clock.next("rules", "linking and checking")
        ask = afresh(jobs) if kept is None else Recalled(kept, contents, settings, jobs).answers
        own = judged(extracted, found.unread, sources, rules, settings, ask, memory)
        result, parsed = own.result, extracted.parsed
        if count_calls and own.program.of("rust"):
            calls = own.program.rust.tally()
        if evidence is not None:
            clock.next("correlate", "joining with what was measured")
            result = measured(own, evidence, sources)
        if kept is not None and not any(trouble.internal for trouble in result.troubles):
            results.store(kept, name, result)
    pairs = zip(result.findings, result.fingerprints, strict=True)
    shown = [(finding, name) for finding, name in pairs if in_scope(finding.place.path, scope)]
    if crate_sources is not None:
        clock.next("savings", "counting what it saves")
        shown = list(zip(with_lines([f for f, _ in shown], crate_sources, cache), [n for _, n in shown], strict=True))
    troubles = {*found.troubles, *result.troubles}
    if cache is not None and cache.trouble:
        troubles.add(Trouble(str(cache.path), 0, cache.trouble))
    report = Report(
        findings=tuple(finding for finding, _ in shown),
        fingerprints=tuple(name for _, name in shown),
        troubles=tuple(sorted(troubles, key=lambda t: (t.path, t.line, t.message))),
        rules={rule.id: rule for rule in rules},
        sources=sources,
        measured=evidence is not None,
        stats=Stats(result.files, parsed, result.files - parsed, clock.total(), clock.done(), calls),
    )
    return narrow(report)


class _Clock:
    """Wall seconds per stage."""

    def __init__(self, stages: Iterable[tuple[str, float]], progress: Callable[[str], None]) -> None:
        self.stages = list(stages)
        self.progress = progress
        self.running = ""
        self.since = time.perf_counter()

    def next(self, stage: str, words: str) -> None:
        self.done()
        self.progress(words)
        self.running = stage

    def done(self) -> tuple[tuple[str, float], ...]:
        now = time.perf_counter()
        if self.running:
            self.stages.append((self.running, now - self.since))
        self.running, self.since = "", now
        return tuple(self.stages)

    def total(self) -> float:
        return sum(seconds for _, seconds in self.done())


def in_scope(path: str, scope: tuple[str, ...]) -> bool:
    """Whether a path is one of the files, or below one of the folders, to report on."""
    return not scope or any(path == entry or path.startswith(f"{entry}/") for entry in scope)
