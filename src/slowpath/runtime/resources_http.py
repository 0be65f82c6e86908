"""One GET, over TCP or a Unix socket, without redirects or proxies: what a checked address answers, nobody else."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit

from slowpath.runtime import targets
from slowpath.runtime.sources import SourceError

TIMEOUT = 5.0
MOST = 64 * 1024 * 1024


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connection(address: str, *, owned: bool, timeout: float = TIMEOUT) -> http.client.HTTPConnection:
    """For `unix:///path`, `tcp://host:port`, `http://…` or `https://…`. Raises SourceError and TargetError."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise SourceError("the address is no URL") from None
    if parts.scheme == "unix":
        return UnixConnection(parts.path, timeout)
    if parts.username or parts.password:
        raise SourceError("the address holds a user or a password: it must not")
    if parts.scheme not in ("http", "https", "tcp") or not parts.hostname:
        raise SourceError(f"an address of the kind {parts.scheme or 'without scheme'!r} is not known here")
    targets.check(parts.hostname, owned=owned)
    if parts.scheme == "https":
        return http.client.HTTPSConnection(parts.hostname, port, timeout=timeout)
    return http.client.HTTPConnection(parts.hostname, port, timeout=timeout)


def get(made: http.client.HTTPConnection, path: str) -> tuple[int, bytes, str]:
    """Status, body and the Date header. Raises SourceError."""
    try:
        made.request("GET", path, headers={"Connection": "close"})
        answer = made.getresponse()
        body = answer.read(MOST + 1)
        if len(body) > MOST:
            raise SourceError(f"answers more than {MOST >> 20} MiB")
        return answer.status, body, answer.getheader("Date") or ""
    except TimeoutError:
        raise SourceError("no answer in time") from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise SourceError(f"no answer: {getattr(error, 'strerror', None) or type(error).__name__}") from None
    finally:
        made.close()


def document(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises SourceError."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise SourceError("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise SourceError("the answer is no JSON object")
    return found
