"""Log files of PostgreSQL, as JSON or CSV, streamed: a line or record each, cut off where it is longer than MAX_LINE.

Fields that may hold values (detail, hint, parameters, host, user) are not read at all.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import BinaryIO, Literal, NamedTuple

import msgspec

MAX_LINE = 8 * 1024 * 1024
Format = Literal["jsonlog", "csvlog", "stderr", ""]
MESSAGE = b'"duration: '
PREPARED = re.compile(rb'"duration: [\d.]+ ms  (?:parse|bind) ')
"""Two of three messages of a prepared statement, and none that counts."""
RECORD = re.compile(rb'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [^,"]{1,40},(?:"(?:[^"]|"")*+")?,(?:"(?:[^"]|"")*+")?,\d+,')
"""How each record of a CSV log begins: a text inside of one has its quotes doubled."""
LEAST_COLUMNS = 23
"""PostgreSQL 12 and before; 13 has 24, 14 and later 26."""


class Line(NamedTuple):
    """One message of one session. Times as they are written, in the server's log_timezone."""

    number: int
    """Within the session, from 1."""
    session: str
    """Start of the session (hexadecimal seconds since the epoch) and process id."""
    time: str
    session_start: str
    database: str
    application: str
    backend: str
    query_id: int
    """0 where there is none."""
    message: str


class Reading:
    """What was met while a file was read."""

    def __init__(self) -> None:
        self.lines = 0
        self.unreadable = 0
        self.too_long = 0
        self.with_values = False
        """The log itself holds bind values."""


class _Json(msgspec.Struct):
    session_id: str
    line_num: int
    message: str = ""
    timestamp: str = ""
    session_start: str = ""
    dbname: str = ""
    application_name: str = ""
    backend_type: str = ""
    query_id: int = 0


def lines_of(file: BinaryIO, reading: Reading) -> Iterator[bytes]:
    """Lines with their ends; one that is too long is left out."""
    while line := file.readline(MAX_LINE):
        if len(line) < MAX_LINE or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE)
        reading.too_long += 1


def _matters(line: bytes) -> bool:
    """It may tell of a statement."""
    at = line.find(MESSAGE)
    if at > 0:
        return line[at - 1] in b":, " and PREPARED.match(line, at) is None
    return b"execute " in line or b"statement: " in line


def from_json(file: BinaryIO, reading: Reading) -> Iterator[Line]:
    decode = msgspec.json.Decoder(_Json).decode
    for line in lines_of(file, reading):
        reading.lines += 1
        if not _matters(line):
            reading.unreadable += not line.startswith(b"{") and not line.isspace()
            continue
        try:
            told = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            try:
                told = decode(line.decode("utf-8", "replace"))
            except (msgspec.DecodeError, RecursionError):
                reading.unreadable += 1
                continue
        except RecursionError:
            reading.unreadable += 1
            continue
        reading.with_values |= b'"detail":"parameters: ' in line
        yield Line(told.line_num, told.session_id, told.timestamp, told.session_start, told.dbname,
                   told.application_name, told.backend_type, told.query_id, told.message)  # fmt: skip


def from_csv(file: BinaryIO, reading: Reading) -> Iterator[Line]:
    csv.field_size_limit(MAX_LINE)
    for record in _records(file, reading):
        if not _matters(record):
            continue
        try:
            row = next(csv.reader([record.decode("utf-8", "replace")], strict=True))
            number, query_id = int(row[6]), int(row[25]) if len(row) > 25 else 0
        except (csv.Error, ValueError, IndexError, StopIteration):
            reading.unreadable += 1
            continue
        if len(row) < LEAST_COLUMNS:
            reading.unreadable += 1
            continue
        reading.with_values |= row[14].startswith("parameters: ")
        backend = row[23] if len(row) > 23 else "client backend"
        yield Line(number, row[5], row[0], row[8], row[2], row[22], backend, query_id, row[13])


def _records(file: BinaryIO, reading: Reading) -> Iterator[bytes]:
    """Lines joined while a quote is open. A new record inside of one that never closes ends it."""
    parts: list[bytes] = []
    quotes = size = 0
    for line in lines_of(file, reading):
        reading.lines += 1
        if parts and (size > MAX_LINE or RECORD.match(line)):
            reading.unreadable += 1
            parts, quotes, size = [], 0, 0
        if not parts and not RECORD.match(line):
            reading.unreadable += not line.isspace()
            continue
        parts.append(line)
        size += len(line)
        quotes += line.count(b'"')
        if quotes % 2 == 0:
            yield parts[0] if len(parts) == 1 else b"".join(parts)
            parts, quotes, size = [], 0, 0
    reading.unreadable += bool(parts)
