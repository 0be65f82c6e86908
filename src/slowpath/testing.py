"""Runs a rule page's examples, and fixture projects, against the expectations written in them. Exact both ways.

`//~` this rule on this line, `//~^` on the line above, `//~ id` another rule, `//~? id` known miss, `//~! id` known
false alarm; both of the latter fail once cured. `#~` in TOML, `--~` in SQL.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from slowpath import config
from slowpath.discover import Discovery, discover, language_of
from slowpath.engine import analyse
from slowpath.model.finding import Confidence
from slowpath.model.report import Report
from slowpath.model.rule import Rule

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.M | re.S)
HEADING = re.compile(r"^#{2,4} +(.+?)\s*$", re.M)
MARKER = re.compile(r"(?://|#|--)~([?!]?)(\^*)(?:[ \t]+([a-z0-9]+(?:-[a-z0-9]+)*(?:[ ,]+[a-z0-9]+(?:-[a-z0-9]+)*)*))?")
DEFAULT_NAMES = {
    "rust": "src/lib.rs",
    "ts": "src/index.ts",
    "tsx": "src/App.tsx",
    "js": "src/index.js",
    "jsx": "src/App.jsx",
}
DEFAULT_NAMES |= {"toml": "Cargo.toml", "sql": "migrations/00000000000001_a/up.sql", "json": "package.json"}

Site = tuple[str, int, str]
"""(path, line, rule id)"""


class Example(msgspec.Struct, frozen=True):
    """One small project of a page."""

    title: str
    files: dict[str, str]


class Expected(msgspec.Struct, frozen=True):
    """`found` must be reported, `missed` must not (although it should), `wrong` must be (although it should not)."""

    found: Counter[Site]
    missed: Counter[Site]
    wrong: Counter[Site]


def examples(rule: Rule) -> Iterator[Example]:
    """The projects below `## Examples`: fences with file names under one heading belong together, others are alone."""
    _, _, text = rule.page.partition("\n## Examples")
    marks = [(0, "examples"), *((mark.end(), mark[1]) for mark in HEADING.finditer(text))]
    ends = [start for start, _ in marks[1:]] + [len(text)]
    for (start, title), end in zip(marks, ends, strict=True):
        together: dict[str, str] = {}
        for number, fence in enumerate(FENCE.finditer(text[start:end]), 1):
            name = fence[2].strip()
            if name in together:
                raise ValueError(f"{rule.path}: {title}: two fences named {name}")
            if name:
                together[name] = fence[3]
            elif fence[1] not in DEFAULT_NAMES:
                known = ", ".join(DEFAULT_NAMES)
                raise ValueError(
                    f"{rule.path}: {title}, fence {number}: {fence[1]} is none of {known}, nor has it a file's name"
                )
            else:
                yield Example(f"{title}, fence {number}", {DEFAULT_NAMES[fence[1]]: fence[3]})
        if together:
            yield Example(title, together)


def expectations(files: Mapping[str, str], own: str) -> Expected:
    """What the markers of a project's files say; `own` is the rule that a bare marker means."""
    counters: dict[str, Counter[Site]] = {"": Counter(), "?": Counter(), "!": Counter()}
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            for mark in MARKER.finditer(line):
                for rule in re.split(r"[ ,]+", mark[3]) if mark[3] else [own]:
                    counters[mark[1]][path, number - len(mark[2]), rule] += 1
    return Expected(counters[""], counters["?"], counters["!"])


def compare(found: Counter[Site], expected: Expected) -> list[str]:
    """Every disagreement, one line each."""
    problems = []
    wanted = expected.found + expected.wrong
    for site, count in sorted((wanted - found).items()):
        cured = site in expected.wrong and site not in expected.found
        problems.append(f"{_show(site)} {'no longer raised: drop its //~!' if cured else 'missing'}" + _times(count))
    for site, count in sorted((found - wanted).items()):
        cured = site in expected.missed
        problems.append(f"{_show(site)} {'now found: make it //~' if cured else 'unexpected'}" + _times(count))
    return problems


def _show(site: Site) -> str:
    return f"{site[0]}:{site[1]}: {site[2]}"


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


def check_example(example: Example, rule: Rule, rules: Iterable[Rule]) -> list[str]:
    """Disagreements of one example. Only the page's rule and the rules that its markers name are run."""
    expected = expectations(example.files, rule.id)
    named = {site[2] for counter in (expected.found, expected.missed, expected.wrong) for site in counter} | {rule.id}
    found = _texts({path: text.encode() for path, text in example.files.items()})
    lowest: Confidence = "low" if rule.confidence == "low" else "medium"
    rules = list(rules)
    known = [r.id for r in rules]
    if strangers := sorted(named - set(known)):
        return [f"//~ {', '.join(strangers)}: no such rule"]
    try:
        settings = config.parse(example.files.get("slowpath.toml", ""), Path("slowpath.toml"))
    except config.ConfigError as error:
        return [str(error)]
    report = _scanned(found, [r for r in rules if r.id in named], settings, lowest, known)
    failed = [f"{trouble.path}: {trouble.message}" for trouble in report.troubles if trouble.internal]
    return failed or compare(_sites(report), expected)


def check_project(root: Path, rules: Iterable[Rule]) -> list[str]:
    """Disagreements of a fixture project, scanned with the given rules as its users would."""
    found = discover(root)
    texts = {path: source.decode("utf-8", "replace") for path, _, source in found.files}
    return compare(_sites(_scanned(found, list(rules), config.load(root), "medium")), expectations(texts, ""))


def _texts(texts: Mapping[str, bytes]) -> Discovery:
    files = [(path, language_of(path), texts[path]) for path in sorted(texts)]
    return Discovery([(path, language, source) for path, language, source in files if language], [])


def _scanned(
    found: Discovery, rules: list[Rule], settings: config.Config, lowest: Confidence, known: Iterable[str] = ()
) -> Report:
    start_after = str(settings.migrations.start_after)
    features = settings.bundle.features
    return analyse(found, rules, min_confidence=lowest, start_after=start_after, features=features, known=known)


def _sites(report: Report) -> Counter[Site]:
    return Counter((f.place.path, report.sources.line(f.place.path, f.place.span[0]), f.rule) for f in report.findings)
