"""What k6 logs, as JSON lines on stderr, without credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

SECRET = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api_?-?key|authorization|cookie|credential|dsn)"
SECRETS = re.compile(
    r"(?i)(\b\w+://)[^/\s\"']*@|([?&][^=\s&\"']+=)[^&\s\"']+|((?:bearer|basic)\s+)[\w.~+/=-]+|()\beyJ[\w-]{8,}\.[\w.-]+"
    r"|([\w-]*" + SECRET + r"[\w-]*\\?[\"']?\s*[:=]\s*\\?[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"'\\,;}]+"
)
"""What stands before a secret, and the secret: of a URL, a header, a JSON Web Token, a field by its name."""
SHORTEST = 6
"""Characters of a variable's value below which it may be any word."""


class Logged(msgspec.Struct):
    """One message of k6's log, and how often it came."""

    level: str
    text: str
    count: int = 1


def brief(text: str) -> str:
    """A message without its stack trace."""
    return re.sub(r"\s+at \S+ \(file:.*$", "", text)


def secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """Values of variables that are secrets by their name, the longest first."""
    found = {value for name, value in env.items() if is_secret(name) and len(value) >= SHORTEST}
    return tuple(sorted(found, key=lambda value: (-len(value), value)))


def cleaned(text: str, hidden: Iterable[str] = ()) -> str:
    """One line without credentials, values of a query string, tokens, and the values that are to be hidden."""
    for value in hidden:
        text = text.replace(value, "…")
    line = " ".join(text.split())
    return SECRETS.sub(lambda found: f"{''.join(each or '' for each in found.groups())}…", line)[:300]


is_secret = re.compile(f"(?i){SECRET}|_key$").search


class _Entry(msgspec.Struct):
    level: str = ""
    msg: str = ""
    error: str = ""
    source: str = ""


_decode = msgspec.json.Decoder(_Entry).decode


def entries(lines: Sequence[bytes], hidden: Sequence[str] = ()) -> Iterator[Logged]:
    """Messages of k6's log; what is no JSON (a Go panic) counts as an error where it looks like one."""
    for line in lines:
        try:
            entry = _decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            if line.startswith((b"panic:", b"fatal error:")):
                yield Logged("error", cleaned(line.decode(errors="replace"), hidden))
            continue
        if entry.level == "info":
            if entry.source == "console":
                yield Logged("info", entry.msg)
        else:
            yield Logged(entry.level, cleaned(f"{entry.msg}: {entry.error}" if entry.error else entry.msg, hidden))
