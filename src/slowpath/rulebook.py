"""Rule pages → rules. One Markdown page is one rule: TOML front matter, then title, why, Instead, Limits, Examples."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from slowpath.model.finding import Confidence, Severity
from slowpath.model.limiter import Limiter
from slowpath.model.rule import Effort, Kind, Reach, Rule

PAGES = Path(__file__).parent / "rulepages"
CHECKS = Path(__file__).parent / "checks"
OWN = "slowpath"
"""The group of the shipped pages about slowpath's own comments, which `suppress` finds."""

FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)
SECTION = re.compile(r"^## +(.+?)\s*$", re.M)


class RulePageError(Exception):
    """A page that cannot be used; the text names the file and what is wrong."""


class Front(msgspec.Struct, forbid_unknown_fields=True):
    """The front matter of a page."""

    severity: Severity
    """What a finding costs."""
    confidence: Confidence
    """How sure a finding is at most."""
    message: str
    """What a finding says; `{name}` is filled in."""
    enabled: bool = True
    """False: only with `--select`."""
    language: str = ""
    """Of a query: `rust`, `typescript` (.ts, .tsx, .js, .jsx and their kin; the default) or `toml`."""
    where: list[list[str]] = []
    """Of a query: conditions that its matches have to meet, all of them."""
    reach: Reach | None = None
    """Makes the page one of kind reach."""
    effort: Effort = "day"
    """What it takes to mend a finding; reports sort by it."""
    relieves: list[Limiter] = []
    """What of a running system has more room once a finding is mended; `slowpath report` says so."""
    data: dict[str, object] = {}
    """Knowledge that a check of slowpath's own needs."""


def load(directories: Iterable[Path] = ()) -> list[Rule]:
    """All shipped rules and those of the given directories, by id.

    Raises RulePageError for a page that does not read, and for two pages of one id.
    """
    rules, errors = load_usable(directories)
    if errors:
        raise errors[0]
    return rules


def load_usable(directories: Iterable[Path] = ()) -> tuple[list[Rule], list[RulePageError]]:
    """As `load`, but the pages that cannot be used are left out, each with its error."""
    rules: dict[str, Rule] = {}
    errors: list[RulePageError] = []
    for directory in (PAGES, *directories):
        if not directory.is_dir():
            errors.append(RulePageError(f"{directory}: no such directory of rule pages"))
        for path in sorted(directory.rglob("*.md")):
            try:
                rule = read_page(path, directory)
                if rule.id in rules:
                    raise RulePageError(f"{path}: {_taken(rules[rule.id])}")
                if directory != PAGES:
                    _check(rule)
            except RulePageError as error:
                errors.append(error)
            else:
                rules[rule.id] = rule
    return sorted(rules.values(), key=lambda rule: rule.id), errors


def _taken(other: Rule) -> str:
    if Path(other.path).is_relative_to(PAGES):
        return f"slowpath has a rule {other.id} of its own: give the file another name"
    return f"rule {other.id} already has a page, {other.path}"


def _check(rule: Rule) -> None:
    """Users' pages are looked at one by one: a query that is broken would take all queries of its language with it."""
    from slowpath.page_errors import problem

    if wrong := problem(rule):
        raise RulePageError(f"{rule.path}: {wrong}")


def read_page(path: Path, directory: Path) -> Rule:
    """One page as a rule. Raises RulePageError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RulePageError(f"{path}: cannot be read: {error}") from None
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise RulePageError(f"{path}: a rule page starts with TOML front matter between two lines of +++")
    front = _front(path, f"\n{parts[1]}")  # TOML counts its lines as the page does
    page = parts[2].strip() + "\n"
    head, sections = _sections(page)
    title, _, why = head.partition("\n")
    if not title.startswith("# "):
        raise RulePageError(f"{path}: the page needs a title, `# …`, first")
    query, grammar = _query(page, front.language)
    rule_id = path.stem
    group = path.relative_to(directory).parent.name
    kind: Kind = "query" if query else "reach" if front.reach else "check"
    if directory == PAGES and group == OWN:
        kind = "allow"
    if kind == "check" and not (CHECKS / f"{rule_id.replace('-', '_')}.py").is_file():
        raise RulePageError(f"{path}: neither a [reach] table nor a ```query fence says what it finds")
    return Rule(
        id=rule_id,
        title=title[2:].strip(),
        kind=kind,
        severity=front.severity,
        confidence=front.confidence,
        message=front.message,
        page=page,
        path=str(path),
        group=group,
        enabled=front.enabled,
        why=why.strip(),
        instead=sections.get("Instead", ""),
        limits=sections.get("Limits", ""),
        language=grammar,
        query=query,
        where=tuple(map(tuple, front.where)),
        reach=front.reach,
        effort=front.effort,
        relieves=tuple(front.relieves),
        settings=front.data,
    )


def _front(path: Path, text: str) -> Front:
    try:
        return msgspec.convert(tomllib.loads(text), Front)
    except tomllib.TOMLDecodeError as error:
        raise RulePageError(f"{path}: front matter: {error}") from None
    except msgspec.ValidationError as error:
        from slowpath.page_errors import front_matter

        raise RulePageError(f"{path}: front matter: {front_matter(error, Front)}") from None


def _sections(page: str) -> tuple[str, dict[str, str]]:
    marks = list(SECTION.finditer(page))
    if not marks:
        return page.strip(), {}
    ends = [mark.start() for mark in marks[1:]] + [len(page)]
    sections = {mark[1]: page[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}
    return page[: marks[0].start()].strip(), sections


def _query(page: str, language: str) -> tuple[str, str]:
    for fence in FENCE.finditer(page):
        if fence[1] == "query":
            return fence[2], language or "typescript"
    return "", language
