"""What a scan found, by all that it depends on: what was scanned before is not worked out again.

A finding may depend on every file, so the key covers every file, the rules with their pages, the settings and
slowpath itself; nothing is ever invalidated.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import msgspec

from slowpath.cache import Cache
from slowpath.model.finding import Confidence, Finding, Trouble
from slowpath.model.rule import Rule
from slowpath.per_path import Override
from slowpath.stamp import stamp

T = TypeVar("T")
Features = Mapping[str, Sequence[str]]
"""Name → gitignore-style patterns of the code that the first load must not hold."""
MAX_BYTES = 4_000_000
"""Larger results are not kept."""
CHECK = 16


class Result(msgspec.Struct, array_like=True, frozen=True):
    """Findings in the order of a report, before anybody asked to see but some of them."""

    findings: tuple[Finding, ...]
    fingerprints: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    """Of facts, rules and manifests; what could not be read at all is not among them."""
    files: int


class Settings(msgspec.Struct, array_like=True, frozen=True):
    """What a project says of its scan, as far as findings depend on it."""

    min_confidence: Confidence
    start_after: str
    features: Features
    known: tuple[str, ...]
    """Ids of the rules that exist."""
    overrides: tuple[Override, ...] = ()


def key(contents: Mapping[str, bytes], unread: Iterable[str], rules: Iterable[Rule], settings: Settings) -> bytes:
    """What a result is stored under; `contents` are the keys of the files' facts, by path."""
    features = [(name, list(patterns)) for name, patterns in settings.features.items()]
    said = (
        settings.min_confidence,
        settings.start_after,
        features,
        sorted({*settings.known}),
        settings.overrides,
    )
    whole = (stamp(), list(contents.items()), sorted(unread), list(rules), said)
    return blake2b(msgspec.msgpack.encode(whole), digest_size=20).digest()


def stored(cache: Cache, name: bytes, kind: type[T]) -> T | None:
    """What is kept under that key; None where there is nothing, or it was damaged on disk."""
    row = cache.result(name)
    if row is None or blake2b(row[CHECK:], digest_size=CHECK, key=name).digest() != row[:CHECK]:
        return None
    try:
        return msgspec.msgpack.decode(zlib.decompress(row[CHECK:]), type=kind)
    except (zlib.error, msgspec.DecodeError):
        return None


def store(cache: Cache, name: bytes, value: object) -> None:
    """Keep it, unless it is too large."""
    data = zlib.compress(msgspec.msgpack.encode(value), 1)
    if len(data) <= MAX_BYTES:
        cache.keep_result(name, blake2b(data, digest_size=CHECK, key=name).digest() + data)
