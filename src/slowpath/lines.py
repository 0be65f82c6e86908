"""Which lines of a text another text still has: Heckel's algorithm (CACM 21:4, 1978), linear whatever the texts.

White space does not count, and a line that only moved is still there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def kept(old: bytes, new: bytes) -> dict[int, int]:
    """Line of the new text → the same line of the old one, both 1-based."""
    before, after = _lines(old), _lines(new)
    pairs = _unique(before, after)
    for step in (1, -1):
        _spread(before, after, pairs, step)
    return {line + 1: was + 1 for line, was in pairs.items() if 0 <= line < len(after)}


def _lines(text: bytes) -> list[bytes]:
    return [b"".join(line.split()) for line in text.split(b"\n")]


def _unique(before: Sequence[bytes], after: Sequence[bytes]) -> dict[int, int]:
    """Lines that stand once in each, and the ends of both texts."""
    seen, now = Counter(before), Counter(after)
    places = {line: place for place, line in enumerate(before)}
    pairs = {place: places[line] for place, line in enumerate(after) if line and seen[line] == 1 and now[line] == 1}
    return {-1: -1} | pairs | {len(after): len(before)}


def _spread(before: Sequence[bytes], after: Sequence[bytes], pairs: dict[int, int], step: int) -> None:
    """Equal lines beside lines that belong together belong together as well."""
    taken = set(pairs.values())
    for line in range(len(after)) if step == 1 else range(len(after) - 1, -1, -1):
        was = pairs.get(line - step)
        if line in pairs or was is None:
            continue
        was += step
        if 0 <= was < len(before) and was not in taken and before[was] == after[line]:
            pairs[line] = was
            taken.add(was)
