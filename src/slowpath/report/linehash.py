"""GitHub's primaryLocationLineHash (codeql-action, fingerprints.ts), which follows an alert through edits elsewhere.

For each line the rolling hash of the next 100 UTF-16 units without spaces and tabs, and its occurrence in the file. The
text after its end is the unit 65535, then zeros. Equal windows have equal hashes, so only wanted lines are hashed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BLOCK = 100
FACTOR = 37
MASK = (1 << 64) - 1


def line_hashes(source: bytes, lines: Iterable[int]) -> dict[int, str]:
    """`hash:occurrence` of each wanted 1-based line that the text has."""
    text = source.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    kept = text.replace(" ", "").replace("\t", "")
    units = memoryview(kept.encode("utf-16-le", "surrogatepass") + b"\xff\xff" + b"\0\0" * BLOCK).cast("H")
    wanted = set(lines)
    seen: dict[bytes, int] = {}
    hashes = {}
    for number, start in enumerate(_starts(kept), 1):
        window = bytes(units[start : start + BLOCK])
        seen[window] = seen.get(window, 0) + 1
        if number in wanted:
            hashes[number] = f"{_hash(units[start : start + BLOCK]):x}:{seen[window]}"
    return hashes


def _starts(kept: str) -> Iterator[int]:
    """Offset in UTF-16 units of the first kept one of each line; the last line holds at least the end."""
    at = 0
    for line in kept.split("\n"):
        yield at
        at += 1 + (len(line) if line.isascii() else len(line.encode("utf-16-le", "surrogatepass")) // 2)


def _hash(window: Iterable[int]) -> int:
    value = 0
    for unit in window:
        value = (value * FACTOR + unit) & MASK
    return value
