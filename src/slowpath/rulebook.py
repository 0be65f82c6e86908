"""Rule pages → rules. One Markdown page is one rule: TOML front matter, then title, why, Instead, Limits, Examples."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from slowpath.model.rule import Kind, Reach, Rule

PAGES = Path(__file__).parent / "rulepages"
CHECKS = Path(__file__).parent / "checks"
OWN = "slowpath"
"""The group of the shipped pages about slowpath's own comments, which `suppress` finds."""

CONDITIONS = {"resolves-to": 2, "matches": 2, "not-matches": 2, "not-in-test": 0}
"""The `where` conditions that `slowpath.query` knows, and how many arguments each takes."""

FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.M | re.S)
SECTION = re.compile(r"^## +(.+?)\s*$", re.M)


class RulePageError(Exception):
    """A page that cannot be used; the text names the file and what is wrong."""


class _Front(msgspec.Struct, forbid_unknown_fields=True):
    severity: str
    confidence: str
    message: str
    enabled: bool = True
    language: str = ""
    where: list[list[str]] = []
    reach: Reach | None = None
    effort: str = "day"
    relieves: list[str] = []
    data: dict[str, object] = {}


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
                    raise RulePageError(f"{path}: rule {rule.id} already has a page, {rules[rule.id].path}")
                _check_conditions(rule)
                if rule.query and directory != PAGES:
                    _check_query(rule)
            except RulePageError as error:
                errors.append(error)
            else:
                rules[rule.id] = rule
    return sorted(rules.values(), key=lambda rule: rule.id), errors


def _check_conditions(rule: Rule) -> None:
    for name, *arguments in rule.where:
        if CONDITIONS.get(name) != len(arguments):
            known = ", ".join(sorted(CONDITIONS))
            raise RulePageError(f"{rule.path}: where: {name!r} with {len(arguments)} arguments (known: {known})")


def _check_query(rule: Rule) -> None:
    """Users' queries are compiled one by one: a broken one would take all queries of its language with it."""
    from slowpath.extract.queries import FAMILIES, check

    if rule.language not in FAMILIES:
        raise RulePageError(f"{rule.path}: language {rule.language!r} is none of {', '.join(FAMILIES)}")
    for grammar in FAMILIES[rule.language]:
        problem = check(grammar, rule.query)
        if problem:
            raise RulePageError(f"{rule.path}: query: {problem}")


def read_page(path: Path, directory: Path) -> Rule:
    """One page as a rule. Raises RulePageError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RulePageError(f"{path}: cannot be read: {error}") from None
    parts = text.split("+++\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise RulePageError(f"{path}: a rule page starts with TOML front matter between two lines of +++")
    try:
        front = msgspec.convert(tomllib.loads(parts[1]), _Front)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulePageError(f"{path}: front matter: {error}") from None
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
        raise RulePageError(f"{path}: no query fence, no [reach] table and no check of that name")
    try:
        return msgspec.convert(
            {
                "id": rule_id,
                "title": title[2:].strip(),
                "kind": kind,
                "severity": front.severity,
                "confidence": front.confidence,
                "message": front.message,
                "page": page,
                "path": str(path),
                "group": group,
                "enabled": front.enabled,
                "why": why.strip(),
                "instead": sections.get("Instead", ""),
                "limits": sections.get("Limits", ""),
                "language": grammar,
                "query": query,
                "where": front.where,
                "reach": front.reach,
                "effort": front.effort,
                "relieves": front.relieves,
                "settings": front.data,
            },
            Rule,
        )
    except msgspec.ValidationError as error:
        raise RulePageError(f"{path}: front matter: {error}") from None


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
