"""A throw-away PostgreSQL: a cluster in a temporary folder, reached through a socket, and what its catalogue says.

Needs `initdb`, `postgres` and `psql` on PATH. PostgreSQL refuses to run as root: root starts it as the user `postgres`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOOLS = ("initdb", "postgres", "psql")
OWNER = "postgres" if os.geteuid() == 0 else None

CATALOGUE = """
WITH relations AS (
  SELECT c.oid, c.relkind, n.nspname,
         CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
)
SELECT coalesce(json_object_agg(r.name, json_build_object(
  'view', r.relkind IN ('v', 'm'),
  'columns', (
    SELECT coalesce(json_object_agg(a.attname,
      json_build_array(format_type(a.atttypid, a.atttypmod), NOT a.attnotnull)), '{}')
    FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'keys', (
    SELECT coalesce(json_agg(json_build_array(k.contype, k.conname,
      (SELECT coalesce(json_agg(a.attname ORDER BY at.n), '[]')
       FROM unnest(k.conkey) WITH ORDINALITY at (num, n)
       JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = at.num),
      (SELECT t.name FROM relations t WHERE t.oid = k.confrelid), k.confdeltype)), '[]')
    FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f')),
  'indexes', (
    SELECT coalesce(json_agg(json_build_array(i.relname, x.indisunique, m.amname,
      (SELECT json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n) FROM generate_series(1, x.indnkeyatts) n),
      (SELECT coalesce(json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n), '[]')
       FROM generate_series(x.indnkeyatts + 1, x.indnatts) n),
      pg_get_expr(x.indpred, x.indrelid))), '[]')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
    WHERE x.indrelid = r.oid AND x.indisvalid
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')))
)), '{}') FROM relations r
"""
"""Every table and view outside of extensions, as JSON."""


class RefusedError(Exception):
    """The server refused a statement; the message is its own."""


class Database:
    """One database of a cluster."""

    def __init__(self, socket: Path, name: str) -> None:
        self._command = ["psql", "-X", "-q", "-h", str(socket), "-U", "postgres", "-d", name, "-v", "ON_ERROR_STOP=1"]

    def file(self, path: Path, *, transaction: bool = True) -> None:
        """Run a file. Raises RefusedError."""
        self._run(*(["-1"] if transaction else []), "-f", str(path))

    def ask(self, sql: str) -> str:
        """What statements print, bare. Raises RefusedError."""
        return self._run("-At", "-c", sql)

    def catalogue(self) -> dict[str, Any]:
        return tables(self.ask(CATALOGUE))

    def _run(self, *arguments: str) -> str:
        environment = os.environ | {"PGOPTIONS": "-c client_min_messages=error", "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, env=environment)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "ERROR" in line or "error" in line]
            raise RefusedError((lines or done.stderr.splitlines() or ["no message"])[0])
        return done.stdout


class Cluster:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def database(self) -> Database:
        """An empty database."""
        self._made += 1
        name = f"replay{self._made}"
        Database(self._folder, "postgres").ask(f"CREATE DATABASE {name}")
        return Database(self._folder, name)


def tables(text: str) -> dict[str, Any]:
    """What CATALOGUE prints."""
    found: dict[str, Any] = json.loads(text)
    return found


def missing() -> list[str]:
    """The tools that PATH lacks."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """A server that is stopped, and whose files are removed, at the end."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        if OWNER:
            shutil.chown(folder, OWNER)
        data = folder / "data"
        quiet = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
        subprocess.run(["initdb", "-D", data, *quiet], check=True, capture_output=True, user=OWNER, cwd=folder)
        settings = {"listen_addresses": "", "unix_socket_directories": made, "fsync": "off", "shared_buffers": "16MB"}
        command = ["postgres", "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, user=OWNER, cwd=folder)
        try:
            _wait(Database(folder, "postgres"), server)
            yield Cluster(folder)
        finally:
            server.send_signal(2)  # fast shutdown
            server.wait(30)


def _wait(database: Database, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(RefusedError):
            database.ask("SELECT 1")
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RefusedError("the server did not start")
