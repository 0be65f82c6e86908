"""A throw-away PostgreSQL: a cluster in a temporary folder, reached through a socket there.

Needs `initdb`, `postgres` and `psql` on PATH. It refuses to run as root, so root starts it as the user `postgres`.
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

from databases import RealTable, RefusedError

from slowpath.model.schema import Index

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
      coalesce((SELECT t.name FROM relations t WHERE t.oid = k.confrelid), ''), k.confdeltype)), '[]')
    FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f')),
  'indexes', (
    SELECT coalesce(json_agg(json_build_array(i.relname, x.indisunique, m.amname,
      (SELECT json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n) FROM generate_series(1, x.indnkeyatts) n),
      (SELECT coalesce(json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n), '[]')
       FROM generate_series(x.indnkeyatts + 1, x.indnatts) n),
      coalesce(pg_get_expr(x.indpred, x.indrelid), ''))), '[]')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
    WHERE x.indrelid = r.oid AND x.indisvalid
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')))
)), '{}') FROM relations r
"""
"""Every table and view outside of extensions, as JSON."""

KINDS = {"p": "primary", "u": "unique", "f": "foreign"}
DELETES = {"a": "", "r": "restrict", "c": "cascade", "n": "set", "d": "set", " ": ""}
SAME = {
    "int": "integer", "int4": "integer", "serial": "integer", "serial4": "integer", "int8": "bigint",
    "bigserial": "bigint", "serial8": "bigint", "int2": "smallint", "smallserial": "smallint", "bool": "boolean",
    "varchar": "character varying", "char": "character", "bpchar": "character", "float8": "double precision",
    "float": "double precision", "float4": "real", "decimal": "numeric", "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "time": "time without time zone", "timetz": "time with time zone",
    "varbit": "bit varying",
}  # fmt: skip


class Postgres:
    """One database of a cluster."""

    dialect = "postgres"

    def __init__(self, socket: Path, name: str) -> None:
        self.address = f"host={socket} user=postgres dbname={name}"
        self._command = ["psql", "-X", "-q", "-h", str(socket), "-U", "postgres", "-d", name, "-v", "ON_ERROR_STOP=1"]

    def file(self, path: Path, *, transaction: bool = True) -> None:
        self._run(*(["-1"] if transaction else []), "-f", str(path))

    def ask(self, statement: str) -> str:
        return self._run("-At", "-c", statement)

    def tables(self) -> dict[str, RealTable]:
        return self._read(self.ask(CATALOGUE))

    def plain(self, kind: str) -> str:
        kind = kind.lower().replace('"', "").removeprefix("public.")
        base, dot, _ = kind.partition("[")
        name, paren, detail = base.partition("(")
        detail, _, rest = detail.partition(")")
        name = SAME.get(name.strip(), name.strip())
        if name.startswith(("timestamp ", "time ")) or rest:
            name, _, tail = name.partition(" ")
            rest = rest.strip() or tail
        if name == "character" and not paren:
            paren, detail = "(", "1"
        if name == "numeric" and paren and "," not in detail:
            detail += ",0"
        return name + (f"({detail})" if paren else "") + (f" {rest.strip()}" if rest else "") + ("[]" if dot else "")

    def rebuilt(self, index: Index, table: RealTable) -> Index:
        """Expressions and predicates are built anew, to see how the server writes them."""
        if not index.where and not any(part.startswith("(") for part in index.parts):
            return index
        listed = ", ".join(part if part.startswith("(") else f'"{part}"' for part in index.parts)
        where = f" WHERE {index.where}" if index.where else ""
        target = ".".join(f'"{part}"' for part in table.name.split("."))
        made = f"BEGIN; CREATE INDEX zz_rebuilt ON {target} USING btree ({listed}){where};"
        tables = self._read(self.ask(f"{made} {CATALOGUE} WHERE r.name = '{table.name}'; ROLLBACK"))
        found = next(each for each in tables[table.name.lower()].indexes if each.name == "zz_rebuilt")
        return Index(index.name, found.parts, index.unique, index.method, found.where, (0, 0), index.include)

    def _read(self, text: str) -> dict[str, RealTable]:
        return {name.lower(): self._table(name, told) for name, told in json.loads(text).items()}

    def _table(self, name: str, told: dict[str, Any]) -> RealTable:
        columns = {column.lower(): (kind, nullable) for column, (kind, nullable) in told["columns"].items()}
        keys = [
            (KINDS[kind], own.lower(), tuple(c.lower() for c in listed), target.lower(), DELETES[deletes])
            for kind, own, listed, target, deletes in told["keys"]
        ]
        indexes = [
            Index(own.lower(), _bare(parts), unique, method, where, (0, 0), _bare(include))
            for own, unique, method, parts, include, where in told["indexes"]
        ]
        return RealTable(name, told["view"], columns, keys, indexes)

    def told(self, path: Path, *, transaction: bool = True) -> str:
        """What the server tells of its work on a file. Raises RefusedError."""
        return self._done("debug1", *(["-1"] if transaction else []), "-f", str(path)).stderr

    def _run(self, *arguments: str) -> str:
        return self._done("error", *arguments).stdout

    def _done(self, level: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PGOPTIONS": f"-c client_min_messages={level}", "PGCLIENTENCODING": "UTF8"}
        done = subprocess.run([*self._command, *arguments], capture_output=True, text=True, env=environment)
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if "error:" in line.lower()]
            raise RefusedError((lines or done.stderr.splitlines() or ["no message"])[0].rpartition("ERROR:  ")[2])
        return done


def _bare(parts: list[str]) -> tuple[str, ...]:
    return tuple(part.strip('"').lower() for part in parts)


class Cluster:
    """A running server: its socket and `data` are in `folder`."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.folder = folder
        self.pid = pid
        self._made = 0

    @property
    def socket(self) -> Path:
        """The folder of its socket; the server's own files lie in `data` below."""
        return self.folder

    def database(self) -> Postgres:
        """An empty database."""
        self._made += 1
        name = f"replay{self._made}"
        Postgres(self.folder, "postgres").ask(f"CREATE DATABASE {name}")
        return Postgres(self.folder, name)


def missing() -> list[str]:
    """The tools that PATH lacks."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


@contextlib.contextmanager
def cluster(**more: str) -> Iterator[Cluster]:
    """A server that is stopped, and whose files are removed, at the end. `more` are settings of it."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        if OWNER:
            shutil.chown(folder, OWNER)
        data = folder / "data"
        quiet = ["--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "--username=postgres"]
        subprocess.run(["initdb", "-D", data, *quiet], check=True, capture_output=True, user=OWNER, cwd=folder)
        settings = {"listen_addresses": "", "unix_socket_directories": made, "fsync": "off", "shared_buffers": "16MB"}
        settings |= more
        command = ["postgres", "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(command, stdout=log, stderr=log, user=OWNER, cwd=folder)
        try:
            _wait(Postgres(folder, "postgres"), server)
            yield Cluster(folder, server.pid)
        finally:
            server.send_signal(2)  # fast shutdown
            server.wait(30)


def _wait(database: Postgres, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        with contextlib.suppress(RefusedError):
            database.ask("SELECT 1")
            return
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise RefusedError("the server did not start")
