"""One file's bytes in, its facts out. Nothing here knows other files, paths, or rules beyond query pages' patterns."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from slowpath.model.facts import Allow, Facts

if TYPE_CHECKING:
    from slowpath.extract.queries import Patterns


class Language(NamedTuple):
    """Where a kind of file is extracted: `module.function(source) -> facts`, and the type of those facts."""

    module: str
    function: str
    facts: str
    """`module:Class` of the facts, named so that decoding a cached file imports no extractor."""


LANGUAGES: dict[str, Language] = {
    "rust": Language("slowpath.extract.rust", "extract", "slowpath.model.rust:RustFacts"),
    "typescript": Language("slowpath.extract.typescript", "extract_typescript", "slowpath.model.web:WebFacts"),
    "tsx": Language("slowpath.extract.typescript", "extract_tsx", "slowpath.model.web:WebFacts"),
    "sql": Language("slowpath.extract.sql", "extract", "slowpath.model.schema:SqlFacts"),
    "patch": Language("slowpath.extract.patch", "extract", "slowpath.model.diesel:PatchFacts"),
    "toml": Language("slowpath.extract.toml", "extract", "slowpath.model.cargo:TomlFacts"),
    "docker": Language("slowpath.extract.docker", "extract", "slowpath.model.docker:DockerFacts"),
    "json": Language("slowpath.extract.json", "extract", "slowpath.model.web:JsonFacts"),
}

ALLOW = re.compile(rb"slowpath:\s*allow\(([^)\n]*)\)([^\n]*)")


def facts_type(language: str) -> type[Facts]:
    """The class that a language's facts decode to."""
    module, _, name = LANGUAGES[language].facts.partition(":")
    return cast(type[Facts], getattr(import_module(module), name))


def extract(language: str, source: bytes, patterns: Patterns = ()) -> Facts:
    """The facts of one file, with the matches of the query pages' patterns for its language.

    Raises UnicodeDecodeError where the file is not UTF-8; a file that does not parse yields what could be read.
    """
    source.decode("utf-8")
    entry = LANGUAGES[language]
    function = cast(Callable[[bytes], Facts], getattr(import_module(entry.module), entry.function))
    facts = function(source)
    facts.allows = allows(source)
    if patterns:
        from slowpath.extract.queries import matches

        facts.matches = matches(language, source, patterns)
    return facts


def allows(source: bytes) -> list[Allow]:
    """Inline suppressions, wherever a comment sign stands before them on the line."""
    found = []
    for match in ALLOW.finditer(source):
        before = source[source.rfind(b"\n", 0, match.start()) + 1 : match.start()]
        sign = re.search(rb"(//|#|--|/\*|\{/\*)[\s/!*]*$", before)
        if not sign:
            continue
        rules = tuple(part.strip() for part in match[1].decode().split(",") if part.strip())
        reason = match[2].decode().replace("*/}", "").replace("*/", "").strip(" :-–—\r\t")
        found.append(Allow((match.start(), match.end()), rules, reason, not before[: sign.start()].strip()))
    return found
