"""Facts of every file of a project, from the cache where it knows the content."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

import msgspec

from slowpath import workers
from slowpath.cache import Cache, key
from slowpath.discover import Discovery
from slowpath.extract import facts_type
from slowpath.model.finding import Trouble
from slowpath.model.rule import Rule
from slowpath.model.source import Sources
from slowpath.program import File
from slowpath.stamp import stamp
from slowpath.workers import Patterns, Task


class Extracted(NamedTuple):
    """The files that could be read, what could not, and how many had to be extracted anew."""

    files: dict[str, File]
    troubles: list[Trouble]
    parsed: int


def keys_of(found: Discovery, rules: Iterable[Rule]) -> dict[str, bytes]:
    """What stands for each file's facts, by path."""
    rules = list(rules)
    salts = {language: _salt(language, _patterns(language, rules)) for language in {entry[1] for entry in found.files}}
    return {path: key(salts[language], source) for path, language, source in found.files}


def facts_of(
    found: Discovery,
    rules: list[Rule],
    jobs: int,
    cache: Cache | None,
    keys: Mapping[str, bytes] | None = None,
    known: Mapping[str, File] = {},
    before: Mapping[str, File] = {},
) -> Extracted:
    """Facts of every file; `keys` are what `keys_of` said.

    Of the files as they were `before`, `known` have the same text, and others may have the same facts.
    """
    keys = keys_of(found, rules) if keys is None else keys
    patterns = {language: _patterns(language, rules) for language in {entry[1] for entry in found.files}}
    encoded = cache.get({name for path, name in keys.items() if path not in known}) if cache is not None else {}
    missing: dict[bytes, Task] = {}
    for path, language, source in found.files:
        if path not in known and keys[path] not in encoded:
            missing.setdefault(keys[path], Task(language, source, patterns[language]))
    troubles: list[Trouble] = []
    fresh: dict[bytes, bytes] = {}
    for name, outcome in zip(missing, workers.extract_all(list(missing.values()), jobs), strict=True):
        if outcome.message:
            paths = [path for path, own in keys.items() if own == name]
            troubles += [Trouble(path, 0, outcome.message, outcome.internal) for path in paths]
        else:
            fresh[name] = outcome.facts
    if cache is not None and not known:  # an editor's unsaved texts are not worth keeping
        cache.put(fresh)
    encoded |= fresh
    files = {}
    decoders = {language: msgspec.msgpack.Decoder(facts_type(language)) for language in patterns}
    for path, language, source in found.files:
        if path in known:
            files[path] = known[path]
            continue
        if keys[path] not in encoded:
            continue
        try:
            facts = decoders[language].decode(encoded[keys[path]])
        except msgspec.DecodeError:  # the row was damaged on disk
            facts = decoders[language].decode(workers.extract_one(Task(language, source, patterns[language])).facts)
        old = before.get(path)
        same = old is not None and old.language == language and old.facts == facts
        files[path] = old if old is not None and same else File(path, language, facts)
    return Extracted(files, troubles, len(fresh))


def does_not_parse(files: Mapping[str, File], sources: Sources) -> Iterator[Trouble]:
    """One line per file with text that its grammar does not know."""
    for path, file in files.items():
        if file.facts.broken:
            line = sources.line(path, min(file.facts.broken)[0])
            yield Trouble(path, line, "slowpath's grammar does not understand this; the rest of the file is read")


def _patterns(language: str, rules: Iterable[Rule]) -> Patterns:
    own = {"tsx": ("tsx", "typescript")}.get(language, (language,))
    return tuple(sorted((rule.id, rule.query) for rule in rules if rule.query and rule.language in own))


def _salt(language: str, patterns: Patterns) -> bytes:
    """Stands for everything but the content that facts depend on."""
    return blake2b(repr((stamp("extract", "model"), language, patterns)).encode(), digest_size=32).digest()
