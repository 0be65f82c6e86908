"""What k6 logs, as JSON lines on stderr, without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

SECRETS = re.compile(r"(?i)(\b\w+://)[^/\s\"'@]*@|([?&][^=\s&\"']+=)[^&\s\"']+|(bearer\s+)[\w.~+/=-]+")


class Logged(msgspec.Struct):
    """One message of k6's log, and how often it came."""

    level: str
    text: str
    count: int = 1


def brief(text: str) -> str:
    """A message without its stack trace."""
    return re.sub(r"\s+at \S+ \(file:.*$", "", text)


def cleaned(text: str) -> str:
    """One line without credentials, values of a query string and tokens."""
    line = " ".join(text.split())
    return SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}…", line)[:300]


class _Entry(msgspec.Struct):
    level: str = ""
    msg: str = ""
    error: str = ""
    source: str = ""


_decode = msgspec.json.Decoder(_Entry).decode


def entries(lines: Sequence[bytes]) -> Iterator[Logged]:
    """Messages of k6's log; what is no JSON (a Go panic) counts as an error where it looks like one."""
    for line in lines:
        try:
            entry = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if line.startswith((b"panic:", b"fatal error:")):
                yield Logged("error", cleaned(line.decode(errors="replace")))
            continue
        if entry.level == "info":
            if entry.source == "console":
                yield Logged("info", entry.msg)
        else:
            yield Logged(entry.level, cleaned(f"{entry.msg}: {entry.error}" if entry.error else entry.msg))
