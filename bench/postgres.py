"""A throw-away PostgreSQL: a cluster in a temporary folder, reached through a socket there.

Needs `initdb`, `postgres` and `psql` on PATH. It refuses to run as root, so root starts it as the user `postgres`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from databases import RefusedError

from slowpath.model.schema import Index
from slowpath.runtime import catalogue
from slowpath.runtime.catalogue import RealTable

TOOLS = ("initdb", "postgres", "psql")
OWNER = "postgres" if os.geteuid() == 0 else None


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
        return catalogue.real_tables(self.ask(catalogue.CATALOGUE))

    def plain(self, kind: str) -> str:
        return catalogue.plain(kind)

    def rebuilt(self, index: Index, table: RealTable) -> Index:
        """Expressions and predicates are built anew, to see how the server writes them."""
        if not index.where and not any(part.startswith("(") for part in index.parts):
            return index
        listed = ", ".join(part if part.startswith("(") else f'"{part}"' for part in index.parts)
        where = f" WHERE {index.where}" if index.where else ""
        target = ".".join(f'"{part}"' for part in table.name.split("."))
        made = f"BEGIN; CREATE INDEX zz_rebuilt ON {target} USING btree ({listed}){where};"
        asked = f"{made} {catalogue.CATALOGUE} WHERE r.name = '{table.name}'; ROLLBACK"
        tables = catalogue.real_tables(self.ask(asked))
        found = next(each for each in tables[table.name.lower()].indexes if each.name == "zz_rebuilt")
        return Index(index.name, found.parts, index.unique, index.method, found.where, (0, 0), index.include)

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
