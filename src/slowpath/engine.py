"""The whole pipeline: discover → parse → extract (per file, parallel, cached) → link → rules → suppress → report."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pathspec

from slowpath import __version__, fix, workers
from slowpath.cache import Cache, key
from slowpath.crate_lines import CrateSources, with_lines
from slowpath.discover import Discovery, discover, language_of
from slowpath.extract import facts_type
from slowpath.fingerprint import fingerprints
from slowpath.link import link
from slowpath.model.finding import CONFIDENCES, Confidence, Finding, Fix, Trouble
from slowpath.model.report import Report, Stats
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.program import File, Program
from slowpath.program.endpoints import Endpoints
from slowpath.suppress import suppress
from slowpath.workers import Patterns, Task

if TYPE_CHECKING:
    from slowpath.model.evidence import Evidence

Ignores = Mapping[str, Iterable[str]]
"""gitignore-style pattern → ids of the rules that say nothing in such files."""
Narrow = Callable[[Report], Report]
"""Leaves the findings that are to be shown: those that are new since a revision, or that no baseline holds."""
Features = Mapping[str, Sequence[str]]
"""Name → gitignore-style patterns of the code that the first load must not hold."""
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
    ignores: Ignores = {},  # noqa: B006 (never written)
    start_after: str = "",
    features: Features = {},  # noqa: B006 (never written)
    known: Iterable[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
    count_calls: bool = False,
    crate_sources: CrateSources | None = None,
    evidence: Evidence | None = None,
    narrow: Narrow = lambda report: report,
) -> Report:
    """Scan the project at `root`. `jobs` 0 means one per core.

    `count_calls` resolves every Rust call, for the statistics.
    `scope` are the files and folders to report on, all where empty; `known` are the ids of the rules that exist.
    `start_after` names the last migration that ran everywhere, `features` the code that the first load must not hold.
    `crate_sources` is where to count what a finding saves; `evidence` what was measured of the running system.
    `narrow` says which findings are shown.
    """
    started = time.perf_counter()
    progress("reading files")
    found = discover(root, exclude)
    return analyse(
        found,
        list(rules),
        min_confidence=min_confidence,
        jobs=jobs,
        cache=cache,
        scope=tuple(scope),
        ignores=ignores,
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


class Mended(NamedTuple):
    """What fixes made of a project: `report` says what is left, `before` what there was."""

    before: Report
    report: Report
    texts: dict[str, bytes]
    """The files that are new or changed."""
    fixes: list[Fix]
    unsafe: bool


def mend(root: Path, rules: Iterable[Rule], *, unsafe: bool, exclude: Iterable[str] = (), **options: Any) -> Mended:
    """Scan, fix and scan again until there is nothing left to fix. Writes nothing; `options` are those of `analyse`."""
    found, rules = discover(root, exclude), list(rules)
    before = report = analyse(found, rules, **options)
    done: dict[str, Fix] = {}
    texts: dict[str, bytes] = {}
    for _ in range(MAX_ROUNDS):
        fixes = fix.chosen(report, done, unsafe=unsafe)
        if not fixes:
            break
        done |= fixes
        texts |= fix.applied(report.sources.texts, fixes.values())
        files = {path: (path, language, texts.get(path, source)) for path, language, source in found.files}
        for path in texts.keys() - files.keys():
            language = language_of(posixpath.basename(path))
            if language is not None:
                files[path] = (path, language, texts[path])
        found = found._replace(files=sorted(files.values()))
        report = analyse(found, rules, **options)
    return Mended(before, report, texts, list(done.values()), unsafe)


def analyse(
    found: Discovery,
    rules: list[Rule],
    *,
    min_confidence: Confidence = "medium",
    jobs: int = 1,
    cache: Cache | None = None,
    scope: tuple[str, ...] = (),
    ignores: Ignores = {},  # noqa: B006 (never written)
    start_after: str = "",
    features: Features = {},  # noqa: B006 (never written)
    known: Iterable[str] = (),
    progress: Callable[[str], None] = lambda stage: None,
    stages: Iterable[tuple[str, float]] = (),
    count_calls: bool = False,
    crate_sources: CrateSources | None = None,
    evidence: Evidence | None = None,
    narrow: Narrow = lambda report: report,
) -> Report:
    """The findings of discovered texts."""
    clock = _Clock(stages, progress)
    with_id = {rule.id: rule for rule in rules}
    sources = Sources({path: source for path, _, source in found.files})
    clock.next("extract", f"extracting {len(found.files)} files")
    files, troubles, parsed = facts_of(found, rules, jobs, cache)
    troubles += does_not_parse(files, sources)
    clock.next("rules", "linking and checking")
    program = link(
        files, found.unread | {path for path, _, _ in found.files if path not in files}, start_after, features
    )
    raw = list(dict.fromkeys(run(program, rules, troubles)))
    if "cargo" in vars(program):  # a rule asked for it
        troubles += program.cargo.troubles
    clock.next("suppress", "suppressing")
    findings = suppress(raw, files, with_id, frozenset([*known, *with_id]), sources)
    findings = [f for f in findings if CONFIDENCES.index(f.confidence) >= CONFIDENCES.index(min_confidence)]
    findings = sorted(not_ignored(drop_broken(findings, files), ignores), key=order)
    findings = [routed(finding, program) for finding in findings]
    if evidence is not None:
        clock.next("correlate", "joining with what was measured")
        findings = measured(findings, program, evidence, raw, troubles)
    names = fingerprints(findings, sources)
    shown = [(f, name) for f, name in zip(findings, names, strict=True) if in_scope(f.place.path, scope)]
    if crate_sources is not None:
        clock.next("savings", "counting what it saves")
        shown = list(zip(with_lines([f for f, _ in shown], crate_sources, cache), [n for _, n in shown], strict=True))
    if cache is not None and cache.trouble:
        troubles.append(Trouble(str(cache.path), 0, cache.trouble))
    report = Report(
        findings=tuple(finding for finding, _ in shown),
        fingerprints=tuple(name for _, name in shown),
        troubles=tuple(sorted({*found.troubles, *troubles}, key=lambda t: (t.path, t.line, t.message))),
        rules=with_id,
        sources=sources,
        measured=evidence is not None,
        stats=Stats(
            len(files),
            parsed,
            len(files) - parsed,
            clock.total(),
            clock.done(),
            program.rust.tally() if count_calls and program.of("rust") else (),
        ),
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


def order(finding: Finding) -> tuple[str, int, int, str, str]:
    """Reports list findings by path, position and rule."""
    return (finding.place.path, *finding.place.span, finding.rule, finding.message)


def facts_of(
    found: Discovery, rules: list[Rule], jobs: int, cache: Cache | None
) -> tuple[dict[str, File], list[Trouble], int]:
    """Facts of every file, from the cache where it knows the content; how many had to be extracted."""
    languages = {language for _, language, _ in found.files}
    patterns = {language: _patterns(language, rules) for language in languages}
    salts = {language: _salt(language, patterns[language]) for language in languages}
    keys = {path: key(salts[language], source) for path, language, source in found.files}
    encoded = cache.get(set(keys.values())) if cache is not None else {}
    missing: dict[bytes, Task] = {}
    for path, language, source in found.files:
        if keys[path] not in encoded:
            missing.setdefault(keys[path], Task(language, source, patterns[language]))
    troubles: list[Trouble] = []
    fresh: dict[bytes, bytes] = {}
    for name, outcome in zip(missing, workers.extract_all(list(missing.values()), jobs), strict=True):
        if outcome.message:
            paths = [path for path, known in keys.items() if known == name]
            troubles += [Trouble(path, 0, outcome.message, outcome.internal) for path in paths]
        else:
            fresh[name] = outcome.facts
    if cache is not None:
        cache.put(fresh)
    encoded |= fresh
    files = {}
    decoders = {language: msgspec.msgpack.Decoder(facts_type(language)) for language in languages}
    for path, language, source in found.files:
        if keys[path] not in encoded:
            continue
        try:
            facts = decoders[language].decode(encoded[keys[path]])
        except msgspec.DecodeError:  # the row was damaged on disk
            facts = decoders[language].decode(workers.extract_one(Task(language, source, patterns[language])).facts)
        files[path] = File(path, language, facts)
    return files, troubles, len(fresh)


def _patterns(language: str, rules: Iterable[Rule]) -> Patterns:
    own = {"tsx": ("tsx", "typescript")}.get(language, (language,))
    return tuple(sorted((rule.id, rule.query) for rule in rules if rule.query and rule.language in own))


def _salt(language: str, patterns: Patterns) -> bytes:
    """Stands for everything but the content that facts depend on; slowpath's own code included, while it is edited."""
    return blake2b(repr((__version__, _code_stamp(), language, patterns)).encode(), digest_size=32).digest()


def _code_stamp() -> str:
    """Changes when the extractors or the facts' shapes do."""
    here = Path(__file__).parent
    return " ".join(
        f"{entry.name}:{entry.stat().st_mtime_ns}:{entry.stat().st_size}"
        for folder in ("extract", "model")
        for entry in sorted(os.scandir(here / folder), key=lambda entry: entry.name)
        if entry.is_file()
    )


def does_not_parse(files: Mapping[str, File], sources: Sources) -> Iterator[Trouble]:
    """One line per file with text that its grammar does not know."""
    for path, file in files.items():
        if file.facts.broken:
            line = sources.line(path, min(file.facts.broken)[0])
            yield Trouble(path, line, "slowpath's grammar does not understand this; the rest of the file is read")


def run(program: Program, rules: Iterable[Rule], troubles: list[Trouble]) -> Iterator[Finding]:
    """What every rule finds. A rule that fails says so in `troubles`, and the others go on."""
    for rule in rules:
        if rule.kind == "allow":
            continue
        module = f"slowpath.checks.{rule.id.replace('-', '_')}" if rule.kind == "check" else f"slowpath.{rule.kind}"
        try:
            yield from import_module(module).check(program, rule)
        except Exception as error:
            troubles.append(Trouble(f"rule {rule.id}", 0, f"internal error: {workers.blame(error)}", internal=True))


def drop_broken(findings: Iterable[Finding], files: Mapping[str, File]) -> Iterator[Finding]:
    """Findings that start inside text that did not parse say nothing reliable."""
    for finding in findings:
        file = files.get(finding.place.path)
        start = finding.place.span[0]
        if file is None or not any(first <= start < last for first, last in file.facts.broken):
            yield finding


def not_ignored(findings: Iterable[Finding], ignores: Ignores) -> Iterator[Finding]:
    """Findings that no pattern of per-file-ignores covers."""
    specs = [(pathspec.GitIgnoreSpec.from_lines([pattern]), frozenset(rules)) for pattern, rules in ignores.items()]
    for finding in findings:
        if not any(finding.rule in rules and spec.match_file(finding.place.path) for spec, rules in specs):
            yield finding


def routed(finding: Finding, program: Program) -> Finding:
    """The finding with the endpoints that lead to its place, where that is Rust."""
    if not finding.place.path.endswith(".rs"):
        return finding
    endpoints = program.rust.shared(Endpoints)
    function = program.rust.around(finding.place)
    routes = endpoints.of(function) if function is not None else ()
    return msgspec.structs.replace(finding, routes=tuple(map(str, routes))) if routes else finding


def measured(
    findings: list[Finding], program: Program, evidence: Evidence, raw: list[Finding], troubles: list[Trouble]
) -> list[Finding]:
    """The findings with what was measured of them; why that may be of no use is a trouble."""
    from slowpath.correlate import correlate, mismatch

    doubts = [remark.message for remark in evidence.remarks if remark.level != "note"]
    troubles += [Trouble("evidence", 0, why) for why in (*doubts, mismatch(program, evidence)) if why]
    return correlate(findings, program, evidence, raw)


def in_scope(path: str, scope: tuple[str, ...]) -> bool:
    """Whether a path is one of the files, or below one of the folders, to report on."""
    return not scope or any(path == entry or path.startswith(f"{entry}/") for entry in scope)
