"""What each rule said before, by all that it read: where that is the same, the rule is not asked again.

A rule reads languages, not single files (`Program.read`), so after a change of the front end the rules of Rust need no
answer anew. Rules that read the same are kept together, in one row of the cache.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TypeVar

import msgspec

from slowpath import results
from slowpath.asking import MANIFESTS, Answer, answers, manifests
from slowpath.cache import Cache
from slowpath.model.rule import Rule
from slowpath.program import ALL, UNREAD, Program
from slowpath.stamp import stamp

MAX_SETS = 40
"""Of languages that rules read, in all that were seen; there are about ten."""
SETS = b"sets"

T = TypeVar("T")
Read = tuple[str, ...]
Contents = Mapping[str, tuple[str, bytes]]
"""Path → language, key of its facts."""


class Recalled:
    """Answers of rules about a project with these contents, as far as the cache has them."""

    def __init__(self, cache: Cache, contents: Contents, settings: results.Settings, jobs: int) -> None:
        self._cache = cache
        self._contents = contents
        self._settings = (settings.start_after, [(name, list(own)) for name, own in settings.features.items()])
        self._jobs = jobs

    def answers(self, program: Program, unread: Iterable[str], rules: list[Rule]) -> list[Answer]:
        """What each rule says, in order; those that would read what they read before are not asked."""
        salt = blake2b(msgspec.msgpack.encode((stamp(), rules, self._settings))).digest()
        inputs = _inputs(self._contents, unread)
        sets = self._stored(salt, SETS, list[Read]) or []
        known: dict[str, Answer] = {}
        for read in sets:
            known |= self._stored(salt, _name(read, inputs), dict[str, Answer]) or {}
        fresh = [rule for rule in rules if rule.id not in known]
        told = dict(zip((rule.id for rule in fresh), answers(program, fresh, self._jobs), strict=True))
        every = [told[rule.id] if rule.id in told else known[rule.id] for rule in rules]
        if any("cargo" in answer.views for answer in every):
            told |= {} if MANIFESTS in known else {MANIFESTS: manifests(program)}
            every.append(told[MANIFESTS] if MANIFESTS in told else known[MANIFESTS])
        if told:
            self._keep(salt, sets, inputs, known | told)
        return every

    def _keep(self, salt: bytes, sets: list[Read], inputs: Mapping[str, bytes], told: Mapping[str, Answer]) -> None:
        by_read: dict[Read, dict[str, Answer]] = {}
        for rule, answer in told.items():
            if not any(trouble.internal for trouble in answer.troubles):
                by_read.setdefault(tuple(sorted(answer.read)), {})[rule] = answer
        for read, own in by_read.items():
            results.store(self._cache, _key(salt, _name(read, inputs)), own)
        seen = [*by_read, *(read for read in sets if read not in by_read)][:MAX_SETS]
        if seen != sets:
            results.store(self._cache, _key(salt, SETS), seen)

    def _stored(self, salt: bytes, name: bytes, kind: type[T]) -> T | None:
        return results.stored(self._cache, _key(salt, name), kind)


def _key(salt: bytes, name: bytes) -> bytes:
    return blake2b(name, digest_size=20, key=salt).digest()


def _name(read: Read, inputs: Mapping[str, bytes]) -> bytes:
    return msgspec.msgpack.encode([(name, inputs.get(name, b"")) for name in read])


def _inputs(contents: Contents, unread: Iterable[str]) -> dict[str, bytes]:
    """What stands for all that can be read: each language's files, all of them, and those that were left out."""
    parts: dict[str, list[tuple[str, bytes]]] = {ALL: [], UNREAD: [(path, b"") for path in sorted(unread)]}
    for path, (language, name) in contents.items():
        parts.setdefault(language, []).append((path, name))
        parts[ALL].append((path, name))
    return {name: blake2b(msgspec.msgpack.encode(part)).digest() for name, part in parts.items()}
