"""Who has the processors: the load generator, the application; and workers that are blocked while nobody has them.

Each rule is a pure function of the facts. On one host with the generator and the database, a full host says nothing by
itself: it limits whoever uses most of it.
"""

from __future__ import annotations

from slowpath.runtime.limiter_facts import BUSY, Facts, Outcome

MOST = 0.5
"""Share of the used processors above which they are somebody's."""
IDLE = 0.7
"""Share of the cores below which processors are no limit."""
THROTTLED = 0.2
"""Share of the scheduler's periods in which a container hit its quota."""
FLAT = 1.2
"""Growth of a thread count up to which it is flat."""
WATCHED = ("app", "postgres", "k6", "reader", "slowpath")
STALLED = 0.5
"""Share of the event loops."""


def generator(facts: Facts) -> Outcome:
    """Its verdict on anything else is void: it was k6 that was slow."""
    dropped = facts.bad_step.dropped
    if dropped:
        words = f"k6 could not start {dropped} iterations of the first bad step"
        probe = ("give k6 more VUs (preAllocatedVUs, maxVUs) or another machine, and measure again",)
        return Outcome("load-generator", "holds", words, f"The load generator ran out: {words}.", probe=probe)
    cpu, cores = facts.generator, facts.cores
    if cpu is None or cores is None:
        told = facts.bad_step.generator_cpu
        seen = f"; it used {told:.2f} cores of its own machine" if told is not None else ""
        return Outcome("load-generator", "unknown", f"k6 was not watched on this host{seen}", probe=("watch k6 too",))
    used = facts.host or 0.0
    words = f"k6 and the reading of its results use {cpu:.2f} of {cores:.0f} cores, the host {used:.2f}"
    if cpu >= BUSY * cores or (facts.host_full and cpu > MOST * used):
        probe = ("run k6 on another machine, or make the script do less between requests, and measure again",)
        summary = "The load generator is saturated: it says nothing about the system."
        return Outcome("load-generator", "holds", words, summary, probe=probe)
    ready = cpu + facts.bad_or("process.cpu_wait", "k6")
    if ready >= BUSY * cores and cpu > MOST * sum(facts.bad_or("process.cpu", label) for label in WATCHED):
        words += f"; it was ready or running {ready:.2f} cores' worth of the time"
        summary = "The load generator had too few processors: it says nothing about the system."
        probe = ("stop what else runs on its machine, or run k6 on another one, and measure again",)
        return Outcome("load-generator", "holds", words, summary, probe=probe)
    return Outcome("load-generator", "cleared", words)


def cpu(facts: Facts) -> Outcome:
    """The application's own processors: its quota, the host, or one thread that does all the work."""
    used, cores, host = facts.app_cpu, facts.cores, (facts.host or 0.0)
    if used is None:
        return Outcome("cpu", "unknown", "the application's processes were not watched", probe=("name them: --app",))
    quota, throttled = facts.bad("container.cpu_limit", "app"), facts.bad("container.throttled", "app")
    if (quota is not None and used >= BUSY * quota) or (throttled or 0.0) > THROTTLED:
        limit = f" of a quota of {quota:.2f}" if quota is not None else ""
        words = f"the application uses {used:.2f} cores{limit}, throttled in {throttled or 0:.0%} of the periods"
        return Outcome("cpu", "holds", words, "The container's CPU quota holds the application.")
    of = f" of {cores:.0f} cores" if cores is not None else " cores"
    words = f"the application uses {used:.2f}{of}"
    if facts.host_full and used > MOST * host:
        words += f", all together {host:.2f}"
        return Outcome("cpu", "holds", words, "The application's CPU is the limit: the host is full, and most is its.")
    if cores is not None and used >= BUSY * cores:
        return Outcome("cpu", "holds", words, "The application's CPU is the limit: it uses all cores.")
    busiest = facts.bad("process.busiest_thread", "app")
    if busiest is None:
        return _by_workers(facts, used, words)
    words += f", its busiest thread {busiest:.0%} of the time"
    if busiest >= BUSY and used >= MOST:
        return _one_thread(facts, words)
    return Outcome("cpu", "cleared", words)


def blocked_workers(facts: Facts) -> Outcome:
    """Requests wait although nothing is busy: the threads that serve them are asleep in something else."""
    idle = _processors_idle(facts)
    if idle is None:
        missing = "without the CPU of the application and of its host nobody knows what else was busy"
        return Outcome("blocked-workers", "unknown", missing, probe=("watch the application on its host: --app",))
    if not idle:
        return Outcome("blocked-workers", "cleared", "processors are busy, so workers do not merely wait")
    growth = throughput_growth(facts)
    if growth is not None and growth > MOST:
        words = f"throughput still grows with the users ({growth:.0%} of what they add)"
        return Outcome("blocked-workers", "cleared", words)
    loops, stalled = facts.bad("process.event_loops", "app"), facts.bad("process.stalled_loops", "app")
    if loops and stalled is not None:
        return _by_loops(facts, loops, stalled)
    return _by_exclusion(facts)


def throughput_growth(facts: Facts) -> float | None:
    """Gain in requests/s from much fewer users to the bad step, as a share of that in users; near 0 on a plateau."""
    before, bad = facts.earlier_step, facts.bad_step
    if before is None or not before.figures.rps:
        return None
    return (bad.figures.rps / before.figures.rps - 1) / (bad.vus / before.vus - 1)


def threads(facts: Facts) -> str:
    """How the number of threads changed, as text; empty where it was not seen."""
    light, bad = facts.light("process.threads", "app"), facts.bad("process.threads", "app")
    return "" if light is None or bad is None else f"threads {light:.0f} → {bad:.0f}"


def threads_rose(facts: Facts) -> bool | None:
    light, bad = facts.light("process.threads", "app"), facts.bad("process.threads", "app")
    return None if light is None or bad is None else bad > FLAT * light + 2


def _by_workers(facts: Facts, used: float, words: str) -> Outcome:
    """Where threads cannot be told apart: all the configured workers are busy."""
    if facts.workers and used >= BUSY * facts.workers:
        return _one_thread(facts, words)
    return Outcome("cpu", "cleared", words)


def _one_thread(facts: Facts, words: str) -> Outcome:
    only = f", and it has {facts.workers} worker" + ("s" if facts.workers != 1 else "") if facts.workers else ""
    summary = (
        "One saturated worker thread is the limit: it cannot use the host's other cores."
        if facts.workers in (None, 1)
        else f"At least one of the {facts.workers} worker threads is saturated: work does not spread over them."
    )
    return Outcome("cpu", "holds", words + only, summary)


def _processors_idle(facts: Facts) -> bool | None:
    """Neither the host nor the application nor the database has its processors near full."""
    host, cores, app = facts.host, facts.cores, facts.app_cpu
    if host is None or cores is None or app is None:
        return None
    busiest = facts.bad_or("process.busiest_thread", "app")
    return host < IDLE * cores and app < IDLE * min(cores, facts.workers or cores) and busiest < BUSY


def _by_loops(facts: Facts, loops: float, stalled: float) -> Outcome:
    words = f"{stalled:.0f} of {loops:.0f} event loops are asleep in a blocking call, not in their events"
    if stalled < STALLED * min(loops, facts.workers or loops):  # others accept connections, or wait for signals
        return Outcome("blocked-workers", "cleared", words)
    more = [f"{threads(facts)}, the processors idle"] if threads(facts) else []
    if not facts.database:
        probe = (*PROBE, "watch the database, for which they may wait: --database-env")
        return Outcome("blocked-workers", "holds", words, UNWATCHED, tuple(more), probe, direct=False)
    return Outcome("blocked-workers", "holds", words, SUMMARY, tuple(more + _held_by_database(facts)), PROBE)


def _by_exclusion(facts: Facts) -> Outcome:
    if not facts.database:
        missing = "the processors are idle; whether requests wait for the database was not watched"
        return Outcome("blocked-workers", "unknown", missing, probe=("watch the database: --database-env",))
    rose = threads_rose(facts)
    if rose or rose is None:
        words = f"the number of threads grows under load ({threads(facts)})" if rose else "threads were not counted"
        return Outcome("blocked-workers", "cleared" if rose else "unknown", words)
    words = f"the processors are idle, {threads(facts)}, and throughput does not grow"
    told = ("its event loops were not seen: waiting for a service that it calls would look the same",)
    return Outcome("blocked-workers", "holds", words, SUMMARY, (*_held_by_database(facts), *told), PROBE, direct=False)


def _held_by_database(facts: Facts) -> list[str]:
    active = facts.bad("db.active")
    if not facts.workers or active is None or round(active) != facts.workers:
        return []
    return [f"{active:.0f} sessions are active, as many as there are workers: the workers wait for statements"]


SUMMARY = "Workers are blocked: requests queue while processors, threads and the database are idle."
UNWATCHED = "Workers are blocked: requests queue while processors and threads are idle; the database was not watched."
PROBE = ("look at the findings of the effect blocks-thread on these routes; move such work to spawn_blocking",)
