"""The sessions of one database, from pg_stat_activity. Our own are left out, and so is what they ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from slowpath.runtime.database import DatabaseError, ask, connect
from slowpath.runtime.sources import Sample, SourceError
from slowpath.runtime.targets import TargetError

if TYPE_CHECKING:
    import psycopg

RECENT = 2.0
"""A session that began or ended a statement within these seconds counts as used."""
SESSIONS = f"""SELECT /* slowpath */ application_name AS program, state, wait_event_type AS wait,
 count(*)::int AS sessions,
 (count(*) FILTER (WHERE wait_event_type = 'Lock' AND cardinality(pg_blocking_pids(pid)) > 0))::int AS blocked,
 (count(*) FILTER (WHERE state <> 'idle' OR state_change > clock_timestamp() - interval '{RECENT} s'))::int AS used,
 coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)::float8 AS oldest
 FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database()
 AND pid <> pg_backend_pid() AND application_name NOT LIKE 'slowpath%' GROUP BY 1, 2, 3"""
SERVER = """SELECT /* slowpath */ current_setting('max_connections')::int AS most, pg_backend_pid() AS backend,
 current_setting('server_version') AS version"""


class Database:
    """Connects anew after a server that restarted."""

    name = "pg_stat_activity"
    period = 1.0

    def __init__(self, env_name: str, owned: bool) -> None:
        self._env_name = env_name
        self._owned = owned
        self._connection: psycopg.Connection[Any] | None = None
        self._most = 0
        self.backend = 0
        """Process id of our own backend, by the server's count."""
        self.version = ""
        self.programs: set[str] = set()
        """The application names that were seen."""

    def read(self) -> Iterator[Sample]:
        try:
            connection = self._connected()
            rows = ask(connection, SESSIONS)
        except (DatabaseError, TargetError) as error:
            self.close()
            raise SourceError(str(error)) from None
        self.programs |= {row["program"] or "(no name)" for row in rows}
        return counted(rows, self._most)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _connected(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            connection = connect(self._env_name, self._owned)
            self._connection = connection
            server = ask(connection, SERVER)[0]
            self._most, self.backend, self.version = server["most"], server["backend"], server["version"]
        return self._connection


def counted(rows: Iterable[Mapping[str, Any]], most: int) -> Iterator[Sample]:
    """Sessions by what they do. Raises SourceError where the server does not show it."""
    states: Counter[str] = Counter()
    waits: Counter[str] = Counter({"none": 0, "Lock": 0, "LWLock": 0, "IO": 0})
    blocked = used = 0
    oldest = 0.0
    for row in rows:
        if row["state"] is None:
            raise SourceError("the state of other users' sessions is not shown: GRANT pg_read_all_stats TO this user")
        if row["state"] == "disabled":
            raise SourceError("the server does not track sessions: set track_activities = on")
        states[row["state"]] += row["sessions"]
        if row["state"] in ("active", "fastpath function call"):
            waits[row["wait"] or "none"] += row["sessions"]
        blocked, used, oldest = blocked + row["blocked"], used + row["used"], max(oldest, row["oldest"])
    within = states["idle in transaction"] + states["idle in transaction (aborted)"]
    figures = {
        "active": sum(waits.values()),
        "idle": states["idle"],
        "idle_in_transaction": within,
        "used": used,
        "blocked": blocked,
        "max_connections": most,
        **{f"wait.{kind}": number for kind, number in sorted(waits.items())},
    }
    for name, value in figures.items():
        yield Sample(f"db.{name}", "", "sessions", float(value))
    yield Sample("db.oldest_transaction", "", "s", oldest)
