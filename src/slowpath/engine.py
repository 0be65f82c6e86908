"""The whole pipeline: discover → parse → extract (per file, parallel, cached) → link → rules → suppress → report."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from importlib import import_module
from pathlib import Path

import msgspec

from slowpath import __version__
from slowpath.cache import Cache, key
from slowpath.discover import Discovery, discover
from slowpath.extract import extract, facts_type
from slowpath.fingerprint import fingerprints
from slowpath.link import link
from slowpath.model.facts import Facts
from slowpath.model.finding import CONFIDENCES, Confidence, Finding, Trouble
from slowpath.model.report import Report, Stats
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.program import File, Program

POOL_BYTES = 400_000
"""Below this much source to parse, starting worker processes costs more than it saves."""

Work = tuple[str, str, bytes]
"""(path, language, source)"""


def scan(
    root: Path,
    rules: Iterable[Rule],
    *,
    exclude: Iterable[str] = (),
    min_confidence: Confidence = "medium",
    jobs: int = 0,
    cache: Cache | None = None,
) -> Report:
    """Scan the project at `root`. `jobs` 0 means one per core."""
    return analyse(discover(root, exclude), list(rules), min_confidence=min_confidence, jobs=jobs, cache=cache)


def analyse(
    found: Discovery,
    rules: list[Rule],
    *,
    min_confidence: Confidence = "medium",
    jobs: int = 1,
    cache: Cache | None = None,
) -> Report:
    """The findings of discovered texts."""
    started = time.perf_counter()
    files, troubles, parsed = facts_of(found, rules, jobs, cache)
    program = link(files)
    sources = Sources({path: source for path, _, source in found.files})
    findings = [f for f in run(program, rules) if CONFIDENCES.index(f.confidence) >= CONFIDENCES.index(min_confidence)]
    findings = sorted(set(drop_broken(findings, files)), key=order)
    if cache is not None and cache.trouble:
        troubles.append(Trouble(str(cache.path), 0, cache.trouble))
    return Report(
        findings=tuple(findings),
        fingerprints=fingerprints(findings, sources),
        troubles=tuple(sorted({*found.troubles, *troubles}, key=lambda t: (t.path, t.line, t.message))),
        rules={rule.id: rule for rule in rules},
        sources=sources,
        stats=Stats(len(files), parsed, len(files) - parsed, time.perf_counter() - started),
    )


def order(finding: Finding) -> tuple[str, int, int, str, str]:
    """Reports list findings by path, position and rule."""
    return (finding.place.path, *finding.place.span, finding.rule, finding.message)


def facts_of(
    found: Discovery, rules: list[Rule], jobs: int, cache: Cache | None
) -> tuple[dict[str, File], list[Trouble], int]:
    """Facts of every file, from the cache where it knows the content; how many had to be extracted."""
    patterns: dict[str, list[tuple[str, str]]] = {}
    for rule in rules:
        if rule.query:
            patterns.setdefault(rule.language, []).append((rule.id, rule.query))
    by_language = {language: _patterns(language, patterns) for language in {entry[1] for entry in found.files}}
    salts = {language: _salt(language, by_language[language]) for language in by_language}
    keys = {path: key(salts[language], source) for path, language, source in found.files}
    encoded = cache.get(set(keys.values())) if cache is not None else {}
    missing: dict[bytes, Work] = {}
    for work in found.files:
        if keys[work[0]] not in encoded:
            missing.setdefault(keys[work[0]], work)
    troubles: list[Trouble] = []
    fresh: dict[bytes, bytes] = {}
    for name, (data, message) in zip(missing, _extract_all(list(missing.values()), by_language, jobs), strict=True):
        if message:
            troubles += [Trouble(path, 0, message) for path, known in keys.items() if known == name]
        else:
            fresh[name] = data
    if cache is not None:
        cache.put(fresh)
    encoded |= fresh
    files = {}
    decoders: dict[str, msgspec.msgpack.Decoder[Facts]] = {}
    for path, language, _ in found.files:
        if keys[path] not in encoded:
            continue
        if language not in decoders:
            decoders[language] = msgspec.msgpack.Decoder(facts_type(language))
        files[path] = File(path, language, decoders[language].decode(encoded[keys[path]]))
    return files, troubles, len(fresh)


Patterns = tuple[tuple[str, str], ...]


def _patterns(language: str, patterns: Mapping[str, list[tuple[str, str]]]) -> Patterns:
    own = {"tsx": ("tsx", "typescript")}.get(language, (language,))
    return tuple(sorted(entry for name in own for entry in patterns.get(name, [])))


def _salt(language: str, patterns: Patterns) -> bytes:
    """Stands for everything but the content that facts depend on; slowpath's own code included, while it is edited."""
    return blake2b(repr((__version__, _code_stamp(), language, patterns)).encode(), digest_size=32).digest()


def _code_stamp() -> str:
    """Changes when the extractors or the facts' shapes do."""
    here = Path(__file__).parent
    stamps = [
        f"{entry.name}:{entry.stat().st_mtime_ns}"
        for folder in ("extract", "model")
        for entry in sorted(os.scandir(here / folder), key=lambda entry: entry.name)
        if entry.name.endswith((".py", ".scm"))
    ]
    return " ".join(stamps)


def _extract_all(works: list[Work], patterns: Mapping[str, Patterns], jobs: int) -> Iterator[tuple[bytes, str]]:
    jobs = jobs or os.cpu_count() or 1
    tasks = [(language, source, patterns[language]) for _, language, source in works]
    if jobs == 1 or sum(len(task[1]) for task in tasks) < POOL_BYTES:
        yield from map(_extract, tasks)
        return
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_extract, tasks, chunksize=8)


def _extract(task: tuple[str, bytes, Patterns]) -> tuple[bytes, str]:
    """Encoded facts, or why there are none."""
    language, source, patterns = task
    try:
        return msgspec.msgpack.encode(extract(language, source, patterns)), ""
    except UnicodeDecodeError as error:
        return b"", f"not UTF-8 (byte {error.start}), skipped"
    except RecursionError:
        return b"", "nested too deeply, skipped"


def run(program: Program, rules: Iterable[Rule]) -> Iterator[Finding]:
    """What every rule finds."""
    for rule in rules:
        if rule.kind == "check":
            yield from import_module(f"slowpath.checks.{rule.id.replace('-', '_')}").check(program, rule)
        else:
            yield from import_module(f"slowpath.{rule.kind}").check(program, rule)


def drop_broken(findings: Iterable[Finding], files: Mapping[str, File]) -> Iterator[Finding]:
    """Findings that start inside text that did not parse say nothing reliable."""
    for finding in findings:
        file = files.get(finding.place.path)
        start = finding.place.span[0]
        if file is None or not any(first <= start < last for first, last in file.facts.broken):
            yield finding
