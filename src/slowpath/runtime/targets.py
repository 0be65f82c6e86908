"""Which hosts may be measured: loopback and private networks, others only if the user says that they are theirs."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit


class TargetError(Exception):
    """A host that is not to be touched; the text is one line."""


def check(host: str, *, owned: bool) -> None:
    """Raise TargetError where any address of a host is public, unless it is the user's own."""
    if owned or not host or host.startswith("/"):  # a PostgreSQL socket is a folder
        return
    public = next((address for address in _addresses(host) if not _near(address)), None)
    if public is not None:
        own = "" if str(public) == host else f" ({public})"
        raise TargetError(f"{host}{own} is a public address: say --i-own-this-target if it is yours to load")


def host_of(url: str) -> str:
    """The host of a URL, without port and brackets."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        raise TargetError("an address is no URL") from None  # it may hold a password


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise TargetError(f"{host[:100]}: no such host") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _near(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_private or mapped.is_link_local) and not mapped.is_unspecified
