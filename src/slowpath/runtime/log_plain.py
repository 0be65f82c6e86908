"""Logs of PostgreSQL as text, as `docker logs` gives them: best effort.

The prefix is the user's own: a time and `%c` or `[%p]` must stand in it. A message's further lines begin with a tab.
There is no query id, and no database unless it stands there as `user@database`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slowpath.runtime.log_lines import MAX_LINE, Line, Reading

COMPOSE = re.compile(rb"[\w.-]{1,80} +\| ")
"""What Docker Compose puts before each line."""
LEVELS = frozenset(
    b"LOG ERROR FATAL PANIC WARNING NOTICE INFO DEBUG DETAIL HINT STATEMENT CONTEXT QUERY LOCATION".split()
)
LONGEST_PREFIX = 300
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})? [^ \]]{1,10}")
SESSION = re.compile(r"\b[0-9a-f]{7,9}\.[0-9a-f]{1,8}\b")
PROCESS = re.compile(r"\[(\d{1,10})\b")
DATABASE = re.compile(r"[\w$-]{1,63}@([\w$-]{1,63})")
PREPARED = re.compile(rb"duration: [\d.]+ ms  (?:parse|bind) ")
OWN = "/* slowpath */"


class _Entry(NamedTuple):
    prefix: bytes
    level: bytes
    text: bytes


def is_plain(line: bytes) -> str:
    """The time of a line of such a log, or nothing."""
    entry = _entry(line)
    found = TIME.search(entry.prefix.decode("utf-8", "replace")) if entry is not None else None
    return found[0] if found is not None else ""


def plain(lines: Iterable[bytes], reading: Reading) -> Iterator[Line]:
    """The messages of level LOG."""
    prefix, parts, size = b"", [b""], 0
    for raw in lines:
        reading.lines += 1
        compose = COMPOSE.match(raw)
        line = raw[compose.end() :] if compose is not None else raw
        if line.startswith(b"\t") and parts:
            size += len(line)
            if size < MAX_LINE:
                parts.append(line[1:])
            continue
        if parts[0]:
            yield from _line(prefix, b"".join(parts), reading)
        entry = _entry(line)
        if entry is None:
            reading.unreadable += not line.isspace()
            prefix, parts = b"", [b""]
            continue
        reading.with_values |= entry.level == b"DETAIL" and entry.text.startswith(b"parameters: ")
        prefix, size = entry.prefix, len(line)
        parts = [entry.text if entry.level == b"LOG" else b""]
    if parts[0]:
        yield from _line(prefix, b"".join(parts), reading)


def _entry(line: bytes) -> _Entry | None:
    """What stands before a level, and behind it."""
    at = line.find(b":  ", 0, LONGEST_PREFIX)
    while at >= 0:
        start = max(line.rfind(sign, 0, at) for sign in (b" ", b"]", b":")) + 1
        if line[start:at].rstrip(b"12345") in LEVELS:
            return _Entry(line[:start], line[start:at], line[at + 3 :])
        at = line.find(b":  ", at + 1, LONGEST_PREFIX)
    return None


def _line(prefix: bytes, text: bytes, reading: Reading) -> Iterator[Line]:
    if not text.startswith((b"duration: ", b"execute ", b"statement: ")) or PREPARED.match(text):
        return
    told, message = prefix.decode("utf-8", "replace"), text.decode("utf-8", "replace").rstrip("\n")
    time, session = TIME.search(told), SESSION.search(told) or PROCESS.search(told)
    if time is None or session is None:
        reading.unreadable += 1
    elif OWN not in message:
        database = DATABASE.search(told)
        yield Line(reading.lines, session[0], time[0], "", database[1] if database else "", "", "", 0, message)
