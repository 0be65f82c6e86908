"""What TypeScript allows and its grammar does not know, written so that it does: same length, same lines.

A bare `&` in the text or the attribute of an element, `typeof import("x")` as a type argument, `export type *`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from slowpath.model.finding import Span

TYPES = re.compile(rb"(?<=\btypeof )import\(['\"][^'\"\n]*['\"]\)|\bexport type \*[^\n;]*")
AMPERSAND = re.compile(rb"(?<!&)&(?![&=])")


def repaired(source: bytes, broken: Iterable[Span]) -> bytes:
    """The source with what the grammar stumbles over replaced; the same where nothing of it is at hand."""
    text = bytearray(TYPES.sub(_name, source))
    for start, end in broken:
        text[start:end] = AMPERSAND.sub(b" ", bytes(text[start:end]))
    return bytes(text)


def _name(match: re.Match[bytes]) -> bytes:
    """A type's name for a type; nothing for a statement that leaves nothing at run time."""
    return (b" " if match[0].startswith(b"export") else b"_") * len(match[0])
