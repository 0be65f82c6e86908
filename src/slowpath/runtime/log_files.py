"""Which of its formats a log of PostgreSQL has, and its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from slowpath.runtime.log_lines import RECORD, Format, Line, Reading, from_csv, from_json, lines_of
from slowpath.runtime.log_plain import is_plain, plain

LOOKED_AT = 1 << 20
"""Bytes in which a line must tell the format."""
TIMESTAMP = re.compile(rb'"timestamp": ?"([^"]{10,40})"')


class LogError(Exception):
    """A file that cannot be read as a log; the text is one line."""


def format_of(path: Path) -> tuple[Format, str]:
    """By the first line that tells, and the time that it has. Raises LogError."""
    try:
        with path.open("rb") as file:
            for line in lines_of(file, Reading()):
                if line.startswith(b"{") and b'"session_id"' in line:
                    found = TIMESTAMP.search(line)
                    return "jsonlog", found[1].decode("utf-8", "replace") if found else ""
                if RECORD.match(line):
                    return "csvlog", line.partition(b",")[0].decode("utf-8", "replace")
                if time := is_plain(line):
                    return "stderr", time
                if file.tell() > LOOKED_AT:
                    break
    except OSError as error:
        raise LogError(f"{path}: {error.strerror}") from None
    return "", ""


def read(path: Path, form: Format, reading: Reading) -> Iterator[Line]:
    """The messages that may tell of a statement. Raises LogError."""
    try:
        with path.open("rb") as file:
            if form == "stderr":
                yield from plain(lines_of(file, reading), reading)
            else:
                yield from from_json(file, reading) if form == "jsonlog" else from_csv(file, reading)
    except OSError as error:
        raise LogError(f"{path}: {error.strerror}") from None
