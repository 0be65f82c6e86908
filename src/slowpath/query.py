"""Rules of kind query: the matches of a page's query, of which its `where` conditions keep some.

`["resolves-to", capture, "package.name"]`, `["matches", capture, glob]`, `["not-matches", capture, glob]`,
`["not-in-test"]`. A condition reads what extraction kept of a match and what the program knows of its names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from slowpath.model.facts import Match
from slowpath.model.finding import Finding, Place
from slowpath.model.rule import Rule
from slowpath.program import File, Program
from slowpath.program.web import External

Condition = Callable[[Program, File, dict[str, str], tuple[str, ...]], bool]


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """The findings of one query page."""
    family = ("typescript", "tsx") if rule.language == "typescript" else (rule.language,)
    for file in program.of(*family):
        for match in file.facts.matches:
            if match.rule == rule.id and _holds(program, rule, file, match):
                yield _finding(rule, file, match)


def _holds(program: Program, rule: Rule, file: File, match: Match) -> bool:
    texts = {name: text for name, _, text in match.captures}
    return all(CONDITIONS[name](program, file, texts, tuple(rest)) for name, *rest in rule.where)


def _finding(rule: Rule, file: File, match: Match) -> Finding:
    fields: dict[str, Any] = {name: " ".join(text.split())[:80] for name, _, text in match.captures}
    span = next(span for name, span, _ in match.captures if name == "primary")
    return rule.finding(Place(file.path, span), **{"function": "", **fields})


def resolves_to(program: Program, file: File, texts: dict[str, str], args: tuple[str, ...]) -> bool:
    """Whether the captured name is that package's export, under whatever local name and through whatever re-exports."""
    capture, wanted = args
    target = program.web.resolve(file.path, texts.get(capture, ""))
    return isinstance(target, External) and f"{target.package}.{target.name}" == wanted


def not_in_test(program: Program, file: File, texts: dict[str, str], args: tuple[str, ...]) -> bool:
    if file.language == "rust":
        return not program.rust.is_test(file.path)
    return program.web.kind(file.path) != "test"


def matches(program: Program, file: File, texts: dict[str, str], args: tuple[str, ...]) -> bool:
    """A glob, not a regex: a scanned project brings its own pages, and no pattern of it may hang us."""
    return fnmatchcase(texts.get(args[0], ""), args[1])


def not_matches(program: Program, file: File, texts: dict[str, str], args: tuple[str, ...]) -> bool:
    return not matches(program, file, texts, args)


CONDITIONS: dict[str, Condition] = {
    "resolves-to": resolves_to,
    "not-in-test": not_in_test,
    "matches": matches,
    "not-matches": not_matches,
}
