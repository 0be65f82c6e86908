"""The fixture product `depot`, live: built, with a throw-away PostgreSQL, migrated and seeded.

`python bench/depot.py` runs it until Ctrl-C and prints where it is, as lines for a shell. It needs cargo and
PostgreSQL's programs on PATH, and libpq, which comes with them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import postgres
from platformdirs import user_cache_path

DEPOT = Path(__file__).parents[1] / "fixtures/depot"
DATABASE = "depot"
LOGGED = {
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_file_mode": "0644",
    "compute_query_id": "on",
    "track_io_timing": "on",
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "0",
    "auto_explain.log_min_duration": "5ms",
    "auto_explain.log_format": "json",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
}
"""What `measure queries --setup` asks for; plans of quicker statements too, since the tables are small."""


class Service(NamedTuple):
    """The running product."""

    url: str
    pid: int


class DepotError(Exception):
    """Why the product does not run, in one line."""


def build(source: Path = DEPOT) -> Path:
    """The service's binary, compiled from `source`. What is compiled once stays in the user's cache."""
    target = Path(os.environ.get("CARGO_TARGET_DIR") or user_cache_path("slowpath-fixtures") / "target")
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)} | _linked(target / "libpq")
    command = ["cargo", "build", "--profile", "load", "--locked", "--quiet"]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise DepotError("cargo: " + " ".join(done.stderr.split())[-300:])
    return target / "load" / "depot"


def libpq() -> str:
    """PostgreSQL's client library, which its programs bring along; nothing where the linker's cache has none."""
    if shutil.which("ldconfig") is None:
        return ""
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True).stdout
    found = [line.split()[-1] for line in listed.splitlines() if line.strip().startswith("libpq.so.5 ")]
    return found[0] if found else ""


def _linked(folder: Path) -> dict[str, str]:
    """`libpq.so`, the name that a linker looks for, is in the package for developers alone: it gets a link here."""
    library = libpq()
    if not library:
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "libpq.so"
    link.unlink(missing_ok=True)
    link.symlink_to(library)
    return {"PQ_LIB_DIR": str(folder)}


def fixed(folder: Path, *fixes: Path) -> Path:
    """A copy of the product in `folder`, with patches applied. Raises CalledProcessError where one does not fit."""
    ignored = shutil.ignore_patterns("target", "node_modules", "dist", "fixed", "evidence")
    shutil.copytree(DEPOT, folder, ignore=ignored)
    for fix in fixes:
        subprocess.run(
            ["git", "apply", str(fix)],
            cwd=folder,
            check=True,
            capture_output=True,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(folder.parent)},
        )
    return folder


@contextlib.contextmanager
def database(source: Path = DEPOT, **settings: str) -> Iterator[tuple[str, postgres.Cluster]]:
    """A server of its own with the product's tables and rows: (DSN for the product, server)."""
    settings = {"shared_buffers": "128MB", "max_connections": "60"} | settings
    with postgres.cluster(**settings) as cluster:
        postgres.Postgres(cluster.folder, "postgres").ask(f"CREATE DATABASE {DATABASE}")
        made = product(cluster)
        if "pg_stat_statements" in settings.get("shared_preload_libraries", ""):
            made.ask("CREATE EXTENSION pg_stat_statements")
        migrate(made, source)
        made.file(source / "seed.sql", transaction=False)
        yield f"postgresql://postgres@/{DATABASE}?host={cluster.folder}&application_name=depot", cluster


def product(cluster: postgres.Cluster) -> postgres.Postgres:
    """The product's database."""
    return postgres.Postgres(cluster.folder, DATABASE)


def migrate(made: postgres.Postgres, source: Path, *, after: str = "") -> None:
    """Run the migrations whose names come after `after`."""
    for migration in sorted((source / "migrations").iterdir()):
        if migration.name > after:
            alone = "run_in_transaction = false" in _text(migration / "metadata.toml")
            made.file(migration / "up.sql", transaction=not alone)


@contextlib.contextmanager
def service(binary: Path, dsn: str, *, port: int = 0, **environment: str) -> Iterator[Service]:
    """The product, answering on loopback. It reads POOL_SIZE (8) and WORKERS (2)."""
    port = port or _free_port()
    told = {"PATH": os.environ.get("PATH", ""), "DATABASE_URL": dsn, "PORT": str(port)} | environment
    with tempfile.TemporaryFile("w+") as errors:
        running = subprocess.Popen([binary], env=told, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            url = f"http://127.0.0.1:{port}"
            if not _answers(url + "/health", running):
                errors.seek(0)
                raise DepotError("the service did not start: " + errors.read()[-300:].replace(dsn, "DATABASE_URL"))
            yield Service(url, running.pid)
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _answers(url: str, running: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 15
    while time.monotonic() < until and running.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=2).close()
            return True
        time.sleep(0.05)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def stops_on_signals() -> None:
    """SIGTERM and SIGINT end the program by KeyboardInterrupt, so that what it started is stopped too.

    A shell starts what runs in its background with SIGINT ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool", default="8", help="connections of the pool")
    parser.add_argument("--workers", default="2", help="async worker threads")
    parser.add_argument("--port", type=int, default=0)
    given = parser.parse_args()
    stops_on_signals()
    binary = build()
    with (
        contextlib.suppress(KeyboardInterrupt),
        database(**LOGGED) as (dsn, cluster),
        service(binary, dsn, port=given.port, POOL_SIZE=given.pool, WORKERS=given.workers) as running,
    ):
        print(f"export DATABASE_URL='{dsn}' TARGET={running.url}")
        print(f"export APP_PID={running.pid} POSTGRES_PID={cluster.pid} POSTGRES_LOG={cluster.folder}/data/log")
        sys.stdout.flush()
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
