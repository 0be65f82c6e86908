"""What the database holds: its processors, locks, the pool of connections before it.

A pool that is full proves nothing by itself: the connections may be few, or held for long, or the server slow.
"""

from __future__ import annotations

from slowpath.runtime.limiter_cpu import IDLE, MOST, STALLED, THROTTLED, threads, threads_rose
from slowpath.runtime.limiter_facts import BUSY, Facts, Outcome

WAITING = 0.3
"""Share of the active sessions that wait for locks, or for the disk."""
WITHIN = 0.2
"""Share of the pool that is idle in a transaction."""
NO_SESSIONS = "the database's sessions were not watched"
WATCH = ("watch the database: --database-env",)


def db_cpu(facts: Facts) -> Outcome:
    """The server computes: its processes have the cores, or its sessions run and wait for nothing."""
    used, cores, host = facts.postgres_cpu, facts.cores, (facts.host or 0.0)
    running, active = _running(facts)
    if used is None and active is None:
        return Outcome("db-cpu", "unknown", "neither PostgreSQL's processes nor its sessions were watched", probe=WATCH)
    told = (
        [f"PostgreSQL uses {used:.2f}" + (f" of {cores:.0f} cores" if cores else " cores")] if used is not None else []
    )
    told += [f"{running:.0%} of {active:.1f} active sessions run and wait for nothing"] if active else []
    words = ", ".join(told or ["no session is active"])
    quota, throttled = facts.bad("container.cpu_limit", "postgres"), facts.bad_or("container.throttled", "postgres")
    if (quota and used is not None and used >= BUSY * quota) or throttled > THROTTLED:
        of = f"{words}, a quota of {quota:.2f}" if quota else words
        words = f"{of}, throttled in {throttled:.0%} of the periods"
        return Outcome(
            "db-cpu", "holds", words, "The CPU quota of PostgreSQL's container is the limit.", probe=STATEMENTS
        )
    if used is not None and cores and (used >= IDLE * cores or (facts.host_full and used > MOST * host)):
        return Outcome("db-cpu", "holds", words, "PostgreSQL's CPU is the limit.", probe=STATEMENTS)
    demand = (used or 0.0) + facts.bad_or("process.cpu_wait", "postgres")
    if not active or running < IDLE:
        return Outcome("db-cpu", "cleared", words)
    if used is None and pool_is_full(facts):
        summary = "The database is the limit: every connection runs a statement that waits for nothing."
        return Outcome("db-cpu", "holds", words, summary, probe=STATEMENTS, direct=False)
    starved = cores is not None and demand >= BUSY * cores
    if used is not None and (starved or pool_is_full(facts)) and demand >= IDLE * min(cores or active, active):
        words += f", its processes are ready or running {demand:.2f} cores' worth of the time"
        summary = "PostgreSQL's CPU is the limit: its sessions compute all the time."
        return Outcome("db-cpu", "holds", words, summary, probe=STATEMENTS)
    return Outcome("db-cpu", "cleared", words)


def db_locks(facts: Facts) -> Outcome:
    active = facts.bad("db.active")
    if active is None:
        return Outcome("db-locks", "unknown", NO_SESSIONS, probe=WATCH)
    share, blocked = share_of(facts, ("db.wait.Lock", "db.wait.LWLock")), facts.bad_or("db.blocked")
    words = f"{share:.0%} of the active sessions wait for locks, {blocked:.0f} behind another session"
    if share <= WAITING or active < 1:
        return Outcome("db-locks", "cleared", words)
    within = facts.bad_or("db.idle_in_transaction")
    holders = [f"{within:.0f} sessions are idle in a transaction: they may hold the locks"] if within >= 1 else []
    probe = ("SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity: who blocks whom",)
    return Outcome("db-locks", "holds", words, "Locks in the database are the limit.", tuple(holders), probe)


def idle_in_transaction(facts: Facts) -> Outcome:
    """Where the pool is full, this is what holds it, and the pool's rule says so."""
    within = facts.bad("db.idle_in_transaction")
    if within is None:
        return Outcome("idle-in-transaction", "unknown", NO_SESSIONS, probe=WATCH)
    whole = facts.pool_max or within + facts.bad_or("db.active") + facts.bad_or("db.idle")
    words = f"{within:.0f} of {whole:.0f} sessions are idle in a transaction"
    if within < 1 or within <= WITHIN * whole or pool_is_full(facts):
        return Outcome("idle-in-transaction", "cleared", words)
    oldest = f"the oldest transaction is {facts.bad_or('db.oldest_transaction'):.1f} s old"
    summary = "Transactions are held open over other work."
    return Outcome("idle-in-transaction", "holds", words, summary, (oldest,), HOLD)


def db_pool(facts: Facts) -> Outcome:
    """All connections taken while neither side is busy: named with what takes them."""
    active = facts.bad("db.active")
    if active is None:
        return Outcome("db-pool", "unknown", NO_SESSIONS, probe=WATCH)
    size = facts.pool_max
    if size is None:
        words = f"{active:.1f} sessions are active; how many connections the pool may open is not known"
        return Outcome("db-pool", "unknown", words, probe=("say how large the pool is: --pool-max",))
    within = facts.bad_or("db.idle_in_transaction")
    words = f"{active:.0f} of {size} connections are active, {within:.0f} idle in a transaction"
    if not pool_is_full(facts):
        return _held_idle(facts, size, words)
    if _database_busy(facts):
        return Outcome("db-pool", "cleared", f"{words}, yet it is the database that is busy")
    if within > MOST * size:
        summary = "The pool is empty: its connections are held idle in a transaction, over other work."
        return Outcome("db-pool", "holds", words, summary, _idle_figures(facts), HOLD)
    summary = f"The pool is too small, or its statements too slow: all {size} connections are always at work."
    return Outcome("db-pool", "holds", words, summary, _idle_figures(facts), PROBE)


def pool_is_full(facts: Facts) -> bool:
    """Nine tenths of the time, connections work or wait within a transaction."""
    return bool(facts.pool_max) and _taken(facts) >= BUSY * (facts.pool_max or 0)


def _taken(facts: Facts) -> float:
    """Connections, on the mean of the samples."""
    taken = [active + within for active, within in facts.samples(("db.active", "db.idle_in_transaction"))]
    return sum(taken) / len(taken) if taken else 0.0


def _held_idle(facts: Facts, size: int, words: str) -> Outcome:
    """Sessions that are idle for the server, yet none rests: each is taken, and the handler does something else."""
    used, rose = facts.bad("db.used"), threads_rose(facts)
    loops, stalled = facts.bad("process.event_loops", "app"), facts.bad_or("process.stalled_loops", "app")
    waits = bool(rose) and (not loops or stalled < STALLED * loops)
    busy = facts.host_full or _database_busy(facts) or facts.bad_or("process.busiest_thread", "app") >= BUSY
    if used is None or used < size or not waits or busy or _taken(facts) > MOST * size:
        return Outcome("db-pool", "cleared", words)
    words += f", yet all {size} are used all the time"
    summary = "The pool is empty: handlers hold a connection while they do other work."
    more = (f"{threads(facts)}: threads queue for a connection", *_idle_figures(facts))
    return Outcome("db-pool", "holds", words, summary, more, HOLD, direct=False)


def _database_busy(facts: Facts) -> bool:
    waits = share_of(facts, ("db.wait.Lock", "db.wait.LWLock", "db.wait.IO"))
    return db_cpu(facts).state == "holds" or waits > WAITING


def _running(facts: Facts) -> tuple[float, float | None]:
    """Share of the active sessions that run, and how many are active."""
    active = facts.bad("db.active")
    return share_of(facts, ("db.wait.none", "db.wait.IPC")), active


def share_of(facts: Facts, waits: tuple[str, ...]) -> float:
    """Of the active sessions, over the whole step."""
    known = [name for name in waits if facts.bad(name) is not None]
    rows = facts.samples(("db.active", *known))
    active = sum(row[0] for row in rows)
    return sum(sum(row[1:]) for row in rows) / active if active else 0.0


def _idle_figures(facts: Facts) -> tuple[str, ...]:
    cores = f" of {facts.cores:.0f}" if facts.cores else ""
    postgres = [f"PostgreSQL uses {facts.postgres_cpu:.2f}{cores} cores"] if facts.postgres_cpu is not None else []
    return (*postgres, *([f"the host {facts.host:.2f}{cores}"] if facts.host is not None else []))


STATEMENTS = ("look at the statements by total time and at sequential scans; a larger pool makes it worse",)
HOLD = ("take the connection later and give it back before other work; end transactions before calls to others",)
PROBE = ("double the pool: if throughput rises, it was too small; if not, the statements are what takes long",)
