"""Facts by content, and results by all of their input, in one SQLite file of the user's own cache directory.

The key covers the bytes, the language, slowpath's version and the query pages, so nothing is ever invalidated; rows
that no scan used for a month go, of results all but the newest, and past a size all do. A scanned repo cannot reach
the file: it lies outside the checkout, and keys are BLAKE2b.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

KEEP_DAYS = 30
MAX_BYTES = 400_000_000
"""Past this size all facts go: about a hundred products of 150,000 lines."""
BATCH = 500
MAX_RESULTS = 1000
"""A scan leaves one, and about ten of what its rules said."""


def key(salt: bytes, source: bytes) -> bytes:
    """What a file's facts are stored under."""
    return blake2b(source, digest_size=20, key=salt).digest()


def directory() -> Path:
    """Where the cache lives: `SLOWPATH_CACHE_DIR`, or the platform's cache directory of the user."""
    override = os.environ.get("SLOWPATH_CACHE_DIR")
    if override:
        return Path(override)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("slowpath"))


class Cache:
    """Encoded facts by key. A cache that cannot be read or written is empty, and `trouble` says why."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "facts.db"
        self.trouble = ""
        self._today = int(time.time()) // 86400
        self._db = self._open()

    def _open(self) -> sqlite3.Connection | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and self.path.stat().st_size > MAX_BYTES:
                self.path.unlink()
            db = sqlite3.connect(self.path, timeout=2, isolation_level=None)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=OFF")
            db.execute("CREATE TABLE IF NOT EXISTS facts (key BLOB PRIMARY KEY, day INTEGER, data BLOB) WITHOUT ROWID")
            db.execute("CREATE TABLE IF NOT EXISTS results (key BLOB PRIMARY KEY, at INTEGER, data BLOB) WITHOUT ROWID")
            return db
        except (sqlite3.Error, OSError) as error:
            self.trouble = f"cache not used: {_reason(error)}"
            return None

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The stored facts of those keys that are known."""
        if self._db is None:
            return {}
        found: dict[bytes, bytes] = {}
        stale: list[bytes] = []
        try:
            for batch in _batches(list(keys)):
                marks = ",".join("?" * len(batch))
                for name, day, data in self._db.execute(
                    f"SELECT key, day, data FROM facts WHERE key IN ({marks})", batch
                ):
                    found[name] = data
                    if day != self._today:
                        stale.append(name)
            if stale:
                self._touch(stale)
        except sqlite3.Error as error:
            self.trouble = f"cache not used: {_reason(error)}"
        return found

    def _touch(self, keys: list[bytes]) -> None:
        assert self._db is not None
        # Only housekeeping: where it cannot be done now, another scan will do it.
        with contextlib.suppress(sqlite3.OperationalError), self._db:
            self._db.execute("BEGIN")
            self._db.executemany("UPDATE facts SET day = ? WHERE key = ?", [(self._today, key) for key in keys])
            self._db.execute("DELETE FROM facts WHERE day < ?", (self._today - KEEP_DAYS,))

    def put(self, rows: Mapping[bytes, bytes]) -> None:
        """Store facts; another process may write at the same time."""
        if self._db is None or not rows:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                [(name, self._today, data) for name, data in rows.items()],
            )
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.trouble = f"cache not written: {_reason(error)}"

    def result(self, name: bytes) -> bytes | None:
        """A stored result."""
        if self._db is None:
            return None
        try:
            row = self._db.execute("SELECT data FROM results WHERE key = ?", (name,)).fetchone()
        except sqlite3.Error as error:
            self.trouble = f"cache not used: {_reason(error)}"
            return None
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def keep_result(self, name: bytes, data: bytes) -> None:
        """Store a result, and let the oldest go."""
        if self._db is None or self.trouble:
            return
        newest = "SELECT key FROM results ORDER BY at DESC LIMIT ?"
        # Facts that cannot be written are said; where only this cannot be done now, another scan will do it.
        with contextlib.suppress(sqlite3.Error), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", (name, time.time_ns(), data))
            self._db.execute(f"DELETE FROM results WHERE key NOT IN ({newest})", (MAX_RESULTS,))


def _reason(error: Exception) -> str:
    return (error.strerror or "") if isinstance(error, OSError) else str(error)


def _batches(keys: list[bytes]) -> Iterator[list[bytes]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]
