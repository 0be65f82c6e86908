"""What stands between commas, in a list or an inline table: taken out and put in. Comments of the rest stay."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from slowpath.model.cargo import Key
from slowpath.model.finding import Span

COMMA = re.compile(rb"(?:[ \t\r\n]|#[^\n]*)*,")
REST = re.compile(rb"[ \t]*(?:#[^\n]*|\r?)\n")
BLANKS = re.compile(rb"[ \t]*")


def changed(text: bytes, key: Key, items: Sequence[str], wanted: Sequence[str]) -> dict[Span, str]:
    """Edits that make the list `items`, which `text` is, the list `wanted`. New items stand for the first that goes."""
    known, kept = frozenset(items), frozenset(wanted)
    gone = {number for number, item in enumerate(items) if item not in kept}
    new = [item for item in wanted if item not in known]
    at = key.value[0]
    if not items:
        return {key.value: f"[{', '.join(map(json.dumps, wanted))}]"}
    edits: dict[Span, str] = {}
    if new:
        place = min(gone, default=len(items) - 1)
        start, end = key.items[place]
        literal = text[start - at : start - at + 1] == b"'"
        parts = [f"'{item}'" if literal else json.dumps(item, ensure_ascii=False) for item in new]
        before = _before(text, start - at)
        joint = ", " if before is None else f",{_newline(text)}{before.decode()}"
        span = (start, end) if place in gone else (end, end)
        edits[span] = ("" if place in gone else joint) + joint.join(parts)
        gone.discard(place)
    return edits | dict.fromkeys(without(text, at, key.items, gone), "")


def without(text: bytes, at: int, spans: Sequence[Span], gone: set[int]) -> Iterator[Span]:
    """What to delete so that these of the parts go, and some stay. `at` is where the text stands in the file."""
    for first, last in _runs(sorted(gone)):
        start, end = spans[first][0] - at, spans[last][1] - at
        comma = COMMA.match(text, end)
        stop = comma.end() if comma else end
        indent = _before(text, start)
        rest = REST.match(text, stop)
        if indent is not None and rest:
            start, stop = start - len(indent), rest.end()
        elif comma and last < len(spans) - 1 and not rest:
            stop = _blanks(text, stop)
        elif comma or first == 0 or b"#" in text[spans[first - 1][1] - at : start]:
            start = len(text[:start].rstrip(b" \t"))
        else:
            start = spans[first - 1][1] - at
        yield start + at, stop + at


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """First and last of each row of neighbours."""
    first = 0
    for index, number in enumerate(numbers):
        if index + 1 == len(numbers) or numbers[index + 1] != number + 1:
            yield numbers[first], number
            first = index + 1


def _before(text: bytes, at: int) -> bytes | None:
    """The indent of what begins a line, None for what does not."""
    start = text.rfind(b"\n", 0, at) + 1
    return text[start:at] if start and not text[start:at].strip() else None


def _blanks(text: bytes, at: int) -> int:
    found = BLANKS.match(text, at)
    return found.end() if found else at


def _newline(text: bytes) -> str:
    return "\r\n" if b"\r\n" in text else "\n"
