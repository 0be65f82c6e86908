"""What PostgreSQL counted: a snapshot of its statistics, and the difference between two. Nothing is ever reset."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from slowpath.model.evidence import Remark, Statement, TableUse
from slowpath.model.snapshot import Counted, ForeignKey, IndexColumns, Snapshot, TableCount
from slowpath.runtime.database import DatabaseError, ask, connect
from slowpath.runtime.shapes import shape
from slowpath.runtime.sql_clean import cleaned, fingerprint

if TYPE_CHECKING:
    import psycopg

__all__ = ["DatabaseError", "Snapshot", "connect", "difference", "snapshot"]

MARK = "/* slowpath */"
"""In each of our own statements, so that they are not counted."""
CAST = re.compile(r"\((\w+)\)::\w+")
SHOWN = 2000
"""Characters of a statement's text that are kept."""
EXTENSION = "pg_stat_statements"
TURN_ON = (
    "set shared_preload_libraries = 'pg_stat_statements' (keep what stands there), restart, then "
    "CREATE EXTENSION pg_stat_statements in this database"
)
SERVER = f"""SELECT {MARK} current_setting('server_version') AS server, current_database()::text AS database,
 current_setting('server_version_num')::int AS version, extract(epoch FROM clock_timestamp())::float8 AS time,
 extract(epoch FROM pg_postmaster_start_time())::float8 AS restarted"""
WHERE_IT_IS = f"""SELECT {MARK} quote_ident(n.nspname) AS place, to_regclass(quote_ident(n.nspname)
 || '.pg_stat_statements_info') IS NOT NULL AS tells FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = %s"""
COUNTS = """SELECT {mark} queryid, max(query) AS query, sum(calls)::int8 AS calls, sum({time})::float8 AS total_ms,
 sum(rows)::int8 AS rows, sum(shared_blks_read)::int8 AS blocks_read FROM {place}.pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE {own}
 AND query NOT LIKE '%%pg_stat_activity%%' GROUP BY queryid"""
INFO = "SELECT {mark} dealloc, extract(epoch FROM stats_reset)::float8 AS reset FROM {place}.pg_stat_statements_info"
TABLES = f"""SELECT {MARK} schemaname || '.' || relname AS name, seq_scan, seq_tup_read,
 coalesce(idx_scan, 0) AS idx_scan, n_live_tup FROM pg_stat_user_tables ORDER BY 1"""
INDEXES = f"""SELECT {MARK} n.nspname || '.' || t.relname AS name, c.relname AS index,
 i.indpred IS NOT NULL AS partial, m.amname AS method,
 array(SELECT pg_get_indexdef(i.indexrelid, k, true) FROM generate_series(1, i.indnkeyatts) k) AS columns
 FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
 JOIN pg_namespace n ON n.oid = t.relnamespace JOIN pg_am m ON m.oid = c.relam
 WHERE i.indisvalid AND n.nspname <> 'information_schema'
 AND n.nspname NOT LIKE 'pg\\_%%' ORDER BY 1, 2"""
KEYS = f"""SELECT {MARK} n.nspname || '.' || t.relname AS name, tn.nspname || '.' || f.relname AS target,
 array(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(num, pos) JOIN pg_attribute a
 ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY pos) AS columns
 FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
 JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace tn ON tn.oid = f.relnamespace
 WHERE k.contype = 'f' ORDER BY 1, 3"""


def snapshot(connection: psycopg.Connection[Any]) -> Snapshot:
    """The counters of this moment, with the indexes that there are. Raises DatabaseError."""
    server = ask(connection, SERVER)[0]
    remarks: list[Remark] = []
    statements, reset, evicted = _statements(connection, remarks)
    tables = [
        TableCount(_table(row["name"]), row["seq_scan"], row["seq_tup_read"], row["idx_scan"], row["n_live_tup"])
        for row in ask(connection, TABLES)
    ]
    indexes = [
        IndexColumns(_table(row["name"]), row["index"], _bare(row["columns"]), row["partial"], row["method"])
        for row in ask(connection, INDEXES)
    ]
    keys = [
        ForeignKey(_table(row["name"]), tuple(row["columns"]), _table(row["target"])) for row in ask(connection, KEYS)
    ]
    return Snapshot(
        time=server["time"],
        server=server["server"],
        version=server["version"],
        database=server["database"],
        restarted=server["restarted"],
        statements=statements,
        reset=reset,
        evicted=evicted,
        tables=tuple(tables),
        indexes=tuple(indexes),
        foreign_keys=tuple(keys),
        remarks=tuple(remarks),
    )


def difference(before: Snapshot, after: Snapshot) -> tuple[Statement, ...]:
    """What ran between two snapshots, by total time. After a reset in between: what ran since then."""
    known = {} if _was_reset(before, after) else {each.id: each for each in before.statements or ()}
    found = []
    for now in after.statements or ():
        then = known.get(now.id)
        if then is None or then.calls > now.calls:  # evicted and counted anew
            then = Counted(now.id, "", 0, 0.0, 0, 0)
        calls = now.calls - then.calls
        if calls > 0:
            total = max(0.0, now.total_ms - then.total_ms)
            found.append(
                Statement(
                    id=now.id,
                    text=now.text[:SHOWN],
                    shape=shape(now.text),
                    calls=calls,
                    total_ms=total,
                    mean_ms=total / calls,
                    rows=max(0, now.rows - then.rows),
                    blocks_read=max(0, now.blocks_read - then.blocks_read),
                    source="pg_stat_statements",
                )
            )
    return tuple(sorted(found, key=lambda each: (-each.total_ms, each.id)))


def table_use(before: Snapshot, after: Snapshot) -> tuple[TableUse, ...]:
    """How tables were read between two snapshots, those with most rows read in order first."""
    known = {each.table: each for each in before.tables}
    found = []
    for now in after.tables:
        then = known.get(now.table)
        if then is None or then.seq_scans > now.seq_scans or then.index_scans > now.index_scans:
            then = TableCount(now.table, 0, 0, 0, 0)
        scans, rows = now.seq_scans - then.seq_scans, now.seq_rows - then.seq_rows
        by_index = now.index_scans - then.index_scans
        if scans or by_index:
            found.append(TableUse(now.table, scans, max(0, rows), by_index, now.rows))
    return tuple(sorted(found, key=lambda each: (-each.seq_rows, each.table)))


def compare_remarks(before: Snapshot, after: Snapshot) -> list[Remark]:
    """What weakens a difference."""
    remarks = [*after.remarks]
    about = EXTENSION
    if before.database != after.database or before.version // 10000 != after.version // 10000:
        told = f"the snapshots are of other databases: {before.database} and {after.database}"
        remarks.append(Remark("error", "snapshots", told))
    if after.time < before.time:
        remarks.append(Remark("error", "snapshots", "`after` was taken before `before`"))
    if after.restarted > before.time:
        remarks.append(Remark("warning", "server", "the server was restarted between the snapshots: counts may be low"))
    if _was_reset(before, after):
        remarks.append(Remark("warning", about, "somebody reset it between the snapshots: it counts from there"))
    if after.evicted > before.evicted:
        told = f"{after.evicted - before.evicted} times the rarest statements were thrown out: counts may be low"
        remarks.append(Remark("warning", about, told, instead="raise pg_stat_statements.max"))
    return remarks


def _was_reset(before: Snapshot, after: Snapshot) -> bool:
    return bool(before.reset) and after.reset > before.reset


def _statements(
    connection: psycopg.Connection[Any], remarks: list[Remark]
) -> tuple[tuple[Counted, ...] | None, float, int]:
    """The statements, when they were reset, and evictions; None and a remark where the server does not count."""
    places = ask(connection, WHERE_IT_IS, (EXTENSION,))
    if not places:
        remarks.append(Remark("warning", EXTENSION, "the extension is not in this database", instead=TURN_ON))
        return None, 0.0, 0
    place = places[0]["place"]
    try:
        columns = set(_columns(connection, f"{place}.{EXTENSION}"))
        time = "total_exec_time" if "total_exec_time" in columns else "total_time"
        own = "'%%" + MARK + "%%'"
        rows = ask(connection, COUNTS.format(mark=MARK, time=time, place=place, own=own), ())
        info = ask(connection, INFO.format(mark=MARK, place=place)) if places[0]["tells"] else [{}]
    except DatabaseError as error:
        remarks.append(Remark("warning", EXTENSION, f"cannot be read: {error}", instead=TURN_ON))
        return None, 0.0, 0
    hidden = [row for row in rows if row["queryid"] is None]
    if hidden:
        told = f"{sum(row['calls'] for row in hidden)} calls of other users are hidden from this user"
        remarks.append(Remark("warning", EXTENSION, told, instead="GRANT pg_read_all_stats to the user who measures"))
    return tuple(_counted(rows)), info[0].get("reset") or 0.0, info[0].get("dealloc") or 0


def _columns(connection: psycopg.Connection[Any], view: str) -> Iterable[str]:
    """The extension may be older than the server: it is asked, not the version."""
    sql = f"SELECT {MARK} attname::text AS name FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
    return (row["name"] for row in ask(connection, sql, (view,)))


def _counted(rows: list[dict[str, Any]]) -> Iterable[Counted]:
    for row in sorted((row for row in rows if row["queryid"] is not None), key=lambda row: row["queryid"]):
        text = cleaned(row["query"])
        blocks = row["blocks_read"]
        yield Counted(str(row["queryid"]), text, row["calls"], row["total_ms"], row["rows"], blocks)


def _bare(columns: Iterable[str]) -> tuple[str, ...]:
    """Without quotes, and without the casts that PostgreSQL writes into `lower((email)::text)`."""
    return tuple(CAST.sub(r"\1", column).strip('"') for column in columns)


def _table(name: str) -> str:
    return name.removeprefix("public.")


def by_fingerprint(counted: Iterable[Counted]) -> dict[str, str]:
    """Fingerprint → id, where one statement alone has it: for logs without query ids."""
    found: dict[str, list[str]] = defaultdict(list)
    for each in counted:
        if each.text:
            found[fingerprint(each.text)].append(each.id)
    return {name: ids[0] for name, ids in found.items() if len(ids) == 1}
