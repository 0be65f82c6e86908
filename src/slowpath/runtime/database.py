"""A connection to PostgreSQL that can only read. Its address comes from an environment variable and goes nowhere."""

from __future__ import annotations

import os
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from slowpath.runtime import targets

if TYPE_CHECKING:
    import psycopg

NAME = "slowpath"
"""Our application_name: what the server's statistics show us as, and what readers of them leave out."""
TIMEOUT_MS = 15_000
OPTIONS = f"-c default_transaction_read_only=on -c statement_timeout={TIMEOUT_MS} -c lock_timeout=1000"
REASONS = {
    "Connection refused": "nothing listens there",
    "No such file": "nothing listens there",
    "could not translate host": "no such host",
    "failed to resolve host": "no such host",
    "timeout": "no answer",
    "authentication failed": "the server refuses the user or the password",
    "no password supplied": "the server asks for a password",
    "no pg_hba.conf entry": "the server's pg_hba.conf lets nobody in from here",
    "does not exist": "no such database or user",
    "too many": "the server has no connection left",
    "starting up": "the server is starting up",
    "shutting down": "the server is shutting down",
    "unsupported startup parameter": "this is a pooler: name PostgreSQL itself, so that the session can be read-only",
}
"""What libpq's messages mean. Its own words may repeat parts of the address."""


class DatabaseError(Exception):
    """No connection, or no answer; the text is one line and holds nothing of the address."""


def connect(env_name: str, owned: bool = False) -> psycopg.Connection[Any]:
    """A read-only session, with autocommit, to the server that an environment variable names. Raises DatabaseError
    and, where the host is public and not said to be the user's own, TargetError."""
    import psycopg

    address = os.environ.get(env_name, "").strip()
    if not address:
        raise DatabaseError(f"the environment variable {env_name} is not set")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(address)
    except psycopg.Error:
        raise DatabaseError(f"{env_name} holds no connection string that libpq reads") from None
    if parts.get("service") and not owned:  # it would be known only when the password has been sent
        raise DatabaseError(f"{env_name} names a service: name its host, or set PGSERVICE instead")
    for host in _hosts(parts):
        _checked(host, owned, env_name)
    options = f"{parts.get('options') or ''} {OPTIONS}".strip()
    limits: dict[str, Any] = {"options": options, "application_name": NAME, "connect_timeout": 10}
    try:
        connection = psycopg.connect(address, autocommit=True, **limits)
    except psycopg.Error as error:
        raise DatabaseError(f"the database of {env_name}: {_reason(str(error))}") from None
    try:  # a service file may have named the host
        _checked(connection.info.hostaddr or connection.info.host, owned, env_name)
    except targets.TargetError:
        connection.close()
        raise
    return connection


def ask(connection: psycopg.Connection[Any], sql: str, values: tuple[object, ...] = ()) -> list[dict[str, Any]]:
    """Rows by column name. Raises DatabaseError."""
    import psycopg
    from psycopg.rows import dict_row

    try:
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(sql.encode(), values or None).fetchall()
    except psycopg.Error as error:
        told = f"{type(error).__name__}{f' ({error.sqlstate})' if error.sqlstate else ''}"
        raise DatabaseError(f"the database did not answer: {told}") from None


def _hosts(parts: dict[str, Any]) -> list[str]:
    """The hosts that libpq would try, its environment included: of each pair the address, where there is one."""
    from psycopg import pq

    given = {name: str(value) for name, value in parts.items() if value}
    preset = {
        option.keyword.decode(): option.val.decode("utf-8", "replace")
        for option in pq.Conninfo.get_defaults()
        if option.val
    }
    known = preset | given
    pairs = zip_longest(*(known.get(name, "").split(",") for name in ("hostaddr", "host")), fillvalue="")
    return [found for address, host in pairs if (found := address or host)]


def _checked(host: str, owned: bool, env_name: str) -> None:
    try:
        targets.check("" if host.startswith("@") else host, owned=owned)
    except targets.TargetError as error:
        address = re.compile(re.escape(host))  # the host is part of the address: it is not repeated
        words = address.sub("the host", str(error)) if host else str(error)
        raise targets.TargetError(f"{env_name}: {words}") from None


def _reason(message: str) -> str:
    return next((told for sign, told in REASONS.items() if sign in message), "no connection")
