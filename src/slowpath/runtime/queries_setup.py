"""How to turn on what `measure queries` reads, fitted to the server's version. Nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slowpath.runtime.database import DatabaseError, ask
from slowpath.runtime.statements import MARK

if TYPE_CHECKING:
    import psycopg

NEWEST = 180_000
COMMON = (
    ("shared_preload_libraries", "pg_stat_statements,auto_explain", 0, "keep what stands there; needs a restart"),
    ("logging_collector", "on", 0, "needs a restart"),
    ("log_destination", "jsonlog", 150_000, ""),
    ("log_destination", "csvlog", -150_000, "jsonlog exists from 15 on"),
    ("compute_query_id", "on", 140_000, "joins the log with pg_stat_statements"),
    ("log_min_duration_statement", "0", 0, "all statements: an N+1 is made of quick ones"),
    ("log_parameter_max_length", "0", 130_000, "no bind values in the log"),
    ("log_timezone", "UTC", 0, ""),
    ("track_io_timing", "on", 0, ""),
    ("auto_explain.log_min_duration", "50ms", 0, "plans of what is slow"),
    ("auto_explain.log_format", "json", 0, ""),
    ("auto_explain.log_analyze", "on", 0, "rows that were read and thrown away"),
    ("auto_explain.log_timing", "off", 0, "its clock costs most"),
    ("auto_explain.log_parameter_max_length", "0", 160_000, "no bind values in plans"),
)
"""Name, value, server_version_num that has it (negative: those before), why."""
DIESEL = """\
use diesel::connection::{set_default_instrumentation, Instrumentation, InstrumentationEvent};
use std::time::Instant;

#[derive(Default)]
struct Timed(Option<Instant>);

impl Instrumentation for Timed {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => self.0 = Some(Instant::now()),
            InstrumentationEvent::FinishQuery { query, error, .. } => {
                let Some(begun) = self.0.take() else { return };
                let text = query.to_string(); // ends in the bind values: they are cut off
                let sql = text.split(" -- binds").next().unwrap_or_default();
                let failed = if error.is_some() { " (failed)" } else { "" };
                eprintln!("{:.3} ms{failed}: {sql}", begun.elapsed().as_secs_f64() * 1e3);
            }
            _ => {} // the connection's events hold its URL, with the password
        }
    }
}

/// Call it before the pool is built.
pub fn time_queries() -> diesel::QueryResult<()> {
    set_default_instrumentation(|| Some(Box::new(Timed::default())))
}
"""


def current(connection: psycopg.Connection[Any]) -> tuple[int, dict[str, str]]:
    """server_version_num, and the settings as they are. Raises DatabaseError."""
    names = [name for name, *_ in COMMON]
    sql = f"SELECT {MARK} name, setting FROM pg_settings WHERE name = ANY(%s) OR name = 'server_version_num'"
    found = {row["name"]: row["setting"] for row in ask(connection, sql, (names,))}
    try:
        return int(found.pop("server_version_num")), found
    except (KeyError, ValueError):
        raise DatabaseError("the database does not tell its version") from None


def text(version: int | None, now: dict[str, str]) -> str:
    """What to write into postgresql.conf, and what Diesel can do. `now` are settings of the running server."""
    newer = "PostgreSQL 16 and later (--database-env NAME fits it to a server)"
    release = f"PostgreSQL {version // 10000}" if version else newer
    server = version or NEWEST
    lines = [f"# postgresql.conf, {release}. Not for production: it logs 1 to 3 KB for each statement."]
    for name, value, since, why in COMMON:
        if (since >= 0 and server < since) or (since < 0 and server >= -since):
            continue
        lines.append(_line(name, value, why, now))
    if server < 140_000:
        lines.append("# 13 has no query ids in its log: statements are told apart by their text")
    lines += [
        "",
        "# once in the measured database:  CREATE EXTENSION IF NOT EXISTS pg_stat_statements;",
        "# where the log lies:             SELECT pg_current_logfile();   (below the data directory)",
        "# without the collector:          docker logs CONTAINER > FILE 2>&1   (text: best effort, without query ids)",
        "# without the extensions:         --before and --after still tell how tables were read",
        "",
        "slowpath measure queries --snapshot before.json --database-env DATABASE_URL",
        "slowpath measure load SCRIPT -o load.json",
        "slowpath measure queries --snapshot after.json --database-env DATABASE_URL",
        "slowpath measure queries --log LOG --before before.json --after after.json --load load.json -o queries.json",
        "",
        "# Diesel: DIESEL_LOG_SQL does not exist, and DIESEL_LOG filters the messages of the CLI only. The log above",
        "# needs no change of the program. From Diesel 2.2 on, the program can time its queries by itself:",
        "",
        DIESEL,
    ]
    return "\n".join(lines)


def _line(name: str, value: str, why: str, now: dict[str, str]) -> str:
    setting = f"{name} = '{value}'"
    notes = [why] if why else []
    if now:
        found = now.get(name)
        parts = set((found or "").replace(" ", "").split(","))
        fits = found is not None and set(value.split(",")) <= parts
        notes.append("is so" if fits else f"now {_shown(found)}")
    return f"{setting:58} # {'; '.join(notes)}" if notes else setting


def _shown(value: str | None) -> str:
    return "not known: its library is not loaded" if value is None else repr(value[:60])
