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
    data: dict[str, object] = {}


def load(directories: Iterable[Path] = ()) -> list[Rule]:
    """All shipped rules and those of the given directories, by id.

    Raises RulePageError for a page that does not read, and for two pages of one id.
    """
    rules: dict[str, Rule] = {}
    for directory in (PAGES, *directories):
        if not directory.is_dir():
            raise RulePageError(f"{directory}: no such directory of rule pages")
        for path in sorted(directory.rglob("*.md")):
            rule = read_page(path, directory)
            if rule.id in rules:
                raise RulePageError(f"{path}: rule {rule.id} already has a page, {rules[rule.id].path}")
            rules[rule.id] = rule
    return sorted(rules.values(), key=lambda rule: rule.id)


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
    kind: Kind = "query" if query else "reach" if front.reach else "check"
    if kind == "check" and not (CHECKS / f"{rule_id.replace('-', '_')}.py").is_file():
        raise RulePageError(f"{path}: no query fence, no [reach] table and no check of that name")
    group = path.relative_to(directory).parent.name
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
