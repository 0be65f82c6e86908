"""A migration that makes a database anew: from pg_dump where that is on PATH and serves, else from the catalogue.

What pg_dump sets for its own session goes: an empty search path would stay behind for the tool that runs the migration.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slowpath.model.evidence import Remark
from slowpath.programs import on_path
from slowpath.runtime import baseline_drops, baseline_sql

if TYPE_CHECKING:
    from psycopg import Connection

NAME = "00000000000000_baseline"
VERSION = "00000000000000"
TIMEOUT = 120.0
BOOKS = ("__diesel_schema_migrations", "_sqlx_migrations")
OPTIONS = (
    "--schema-only --no-owner --no-privileges --no-publications --no-subscriptions --no-security-labels "
    "--no-tablespaces --lock-wait-timeout=5000"
).split()
SETTINGS = (
    "statement_timeout lock_timeout idle_in_transaction_session_timeout transaction_timeout client_encoding "
    "standard_conforming_strings check_function_bodies xmloption client_min_messages row_security "
    "default_tablespace default_table_access_method default_with_oids"
).split()
OWN = re.compile(
    rf"^SET (?:{'|'.join(SETTINGS)}) = [^;\n]*;\n"
    r"|^SELECT pg_catalog\.set_config\('search_path', '', false\);\n"
    r"|^\\[^\n]*\n"
    r"|^CREATE SCHEMA public;\n|^COMMENT ON (?:SCHEMA public|EXTENSION) [^\n]*\n"
    r"|^--\n-- (?:Name: |PostgreSQL database dump|Dumped )[^\n]*\n--\n"
    r"|^-- Dumped (?:from|by) [^\n]*\n",
    re.M,
)
HEAD = "-- The schema as the database had it when migrations began. Functions may speak of tables below them.\n"
LATER = "SET LOCAL check_function_bodies = false;\n"


class BaselineError(Exception):
    """Why nothing was written; the text is one line."""


class Made(NamedTuple):
    """Where the migration lies, and what the reader must know."""

    up: Path
    remarks: tuple[Remark, ...]


def write(folder: Path, connection: Connection[Any], address: str) -> Made:
    """Write NAME/up.sql and down.sql into a folder of migrations; nothing is overwritten. Raises BaselineError.

    `address` is the connection's; pg_dump gets it by its environment.
    """
    place = folder / NAME
    taken = sorted(path.name for path in folder.glob(f"{VERSION}*")) if folder.is_dir() else []
    if taken:
        raise BaselineError(f"{folder}/{taken[0]} is there already: nothing was written")
    text, remarks = _dumped(address)
    if not text:
        text, left_out = baseline_sql.up(connection)
        if left_out:
            told = f"was written without what the catalogue's reader does not know: {', '.join(left_out)}"
            remarks.append(Remark("warning", NAME, told, instead="run it again with pg_dump on PATH"))
    down = baseline_drops.down(connection)
    try:
        place.mkdir(parents=True)
        (place / "up.sql").write_text(HEAD + LATER + "\n" + text.strip() + "\n", encoding="utf-8")
        (place / "down.sql").write_text(down, encoding="utf-8")
    except OSError as error:
        raise BaselineError(f"{place}: cannot be written: {error.strerror}") from None
    remarks.append(_next(connection))
    return Made(place / "up.sql", tuple(remarks))


def _dumped(address: str) -> tuple[str, list[Remark]]:
    """What pg_dump writes, without its own; nothing and why where it does not serve."""
    program = on_path("pg_dump")
    if program is None:
        return "", [Remark("note", NAME, "pg_dump is not on PATH: it was written from the catalogue")]
    without = [f"--exclude-table=*.{name}" for name in BOOKS]
    try:
        done = subprocess.run(
            [program, *OPTIONS, *without],
            env=os.environ | _environment(address),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "", [Remark("warning", NAME, "pg_dump did not finish: it was written from the catalogue")]
    if done.returncode:
        older = b"version mismatch" in done.stderr
        why = "is older than the server" if older else f"failed (exit code {done.returncode})"
        return "", [Remark("warning", NAME, f"pg_dump {why}: it was written from the catalogue")]
    text = done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
    return re.sub(r"\n{3,}", "\n\n", OWN.sub("", text)), []


def _environment(address: str) -> dict[str, str]:
    """A connection string as libpq's variables: a command line can be seen by others."""
    from psycopg import pq

    parsed = pq.Conninfo.parse(address.encode())
    given = {option.envvar.decode(): option.val.decode() for option in parsed if option.envvar and option.val}
    return {**given, "PGAPPNAME": "slowpath", "PGCLIENTENCODING": "UTF8"}


def _next(connection: Connection[Any]) -> Remark:
    """The database has all of it already: its runner must not run it there."""
    with connection.cursor() as cursor:
        found = cursor.execute("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL").fetchone()
        has_book = bool(found and found[0])
    note = f"INSERT INTO __diesel_schema_migrations (version) VALUES ('{VERSION}') ON CONFLICT DO NOTHING"
    first = "" if has_book else "`diesel setup` makes the table of versions; then "
    return Remark(
        "note",
        NAME,
        "this database has all of it already, so it must not run here",
        instead=f"{first}run `{note}` in it; build a database anew with `diesel migration run`",
    )
