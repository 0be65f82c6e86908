"""A shell script → its commands as words. No more than what telling commands apart takes: nothing is evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from slowpath.model.finding import Span

WORD = rb"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|\$\([^()]*\)|`[^`]*`|[^\s;&|()<>'"\\`])+"""
TOKEN = re.compile(
    rb"(?P<space>\\\r?\n|[ \t\r]+)|(?P<comment>#[^\n]*)|(?P<redirect>\d*[<>]+&?-?\d*)|(?P<end>\n|;+|&&|\|\||[|&()])|"
    rb"(?P<word>" + WORD + rb")|(?P<other>.)",
    re.S,
)
QUOTES = re.compile(rb"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""", re.S)
ASSIGNMENT = re.compile(rb"\w+=")
OPEN = frozenset([b"if", b"case", b"for", b"while", b"until"])
CLOSE = frozenset([b"fi", b"esac", b"done"])
PREFIXES = frozenset(
    [*OPEN, *CLOSE, b"then", b"else", b"elif", b"do", b"!", b"{", b"}", b"exec", b"env", b"time", b"sudo", b"command"]
)
"""Words that may stand before a command."""
TESTS = frozenset([b"[", b"[[", b"test"])
SHELLS = frozenset([b"sh", b"bash", b"ash", b"dash", b"/bin/sh", b"/bin/bash", b"/bin/ash"])
DEEPEST = 3


class Command(NamedTuple):
    """One simple command. Words are without quotes, and still have their variables."""

    words: tuple[bytes, ...]
    span: Span
    guarded: bool


def commands(source: bytes, start: int, end: int, guarded: bool = False, depth: int = 0) -> Iterator[Command]:
    """The commands in a range of the source. A script in `sh -c '…'` is read as well."""
    words: list[tuple[bytes, Span]] = []
    open_blocks = 0
    alternative = False
    for token in TOKEN.finditer(source, start, end):
        if token.lastgroup == "word":
            words.append((plain(token[0]), token.span()))
        elif token.lastgroup == "end":
            before = open_blocks
            open_blocks = max(0, open_blocks + balance(words))
            yield from command(words, guarded or alternative or max(before, open_blocks) > 0, depth)
            asked = bool(words) and words[0][0] in TESTS and token[0] == b"&&"
            alternative = token[0] == b"||" or asked or (alternative and token[0] in (b"&&", b"|"))
            words = []
    yield from command(words, guarded or alternative or open_blocks > 0, depth)


def command(words: list[tuple[bytes, Span]], guarded: bool, depth: int) -> Iterator[Command]:
    """What one stretch of words runs."""
    while words and (words[0][0] in PREFIXES or ASSIGNMENT.match(words[0][0])):
        words = words[1:]
    if not words:
        return
    texts = tuple(text for text, _ in words)
    span = (words[0][1][0], words[-1][1][1])
    script = inner(texts) if depth < DEEPEST else None
    if script is None:
        yield Command(texts, span, guarded)
        return
    for found in commands(script, 0, len(script), guarded, depth + 1):
        yield Command(found.words, span, found.guarded)


def inner(words: tuple[bytes, ...]) -> bytes | None:
    """The script of `sh -c script`."""
    if words[0] not in SHELLS:
        return None
    for flag, script in pairwise(words):
        if flag.startswith(b"-") and flag.endswith(b"c"):
            return script
    return None


def balance(words: list[tuple[bytes, Span]]) -> int:
    """How many more blocks a stretch of words opens than it closes."""
    heads = [text for text, _ in words[:2]]
    return sum(head in OPEN for head in heads) - sum(head in CLOSE for head in heads[:1])


def plain(word: bytes) -> bytes:
    """A word without its quotes."""
    return QUOTES.sub(lambda match: match[1] or match[2] or match[3] or b"", word)
