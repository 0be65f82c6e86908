"""The limiter is named from figures, and only where they leave one."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from limits import BAD, CALM, load, resources

from slowpath import parts
from slowpath.model.evidence import BreakingPoint, LoadPart, ResourcesPart
from slowpath.runtime.limiter import judge

RECORDED = Path(__file__).parent / "recorded/limiter"
FULL = {"db__active": 8, "db__idle": 0, "db__used": 8}
STAGED = {
    # all connections in slow calls, nobody busy
    "pool": ({**FULL, "db__wait__none": 0, "db__wait__Timeout": 8, "process__threads___app": (12, 60)}, "db-pool"),
    "pool of unknown size, at its plateau": (
        {**FULL, "pool_max": None, "db__wait__none": 0, "db__wait__Timeout": 8},
        "db-pool",
    ),
    "pool, held idle in a transaction": (
        {"db__active": 1, "db__idle": 0, "db__idle_in_transaction": 7, "db__used": 8, "db__oldest_transaction": 0.4},
        "db-pool",
    ),
    "pool, held over the handler's own work": (
        {"db__active": 0, "db__idle": 8, "db__used": 8, "db__wait__none": 0, "process__threads___app": (12, 60)},
        "db-pool",
    ),
    "a full pool before a busy database": (
        {**FULL, "db__wait__none": 8, "process__cpu___postgres": 1.7, "host__cpu": 1.95},
        "db-cpu",
    ),
    "few connections, each of a core": (
        {"pool_max": 1, "db__active": 1, "db__idle": 0, "process__cpu___postgres": 0.97, "host__cpu": 1.3},
        "db-cpu",
    ),
    "a full pool on another host, running": (
        {**FULL, "db__wait__none": 7, "process__cpu___postgres": None},
        "db-cpu",
    ),
    "locks, and so a full pool": (
        {**FULL, "db__wait__none": 1, "db__wait__Lock": 7, "db__blocked": 7, "db__idle_in_transaction": 1},
        "db-locks",
    ),
    "transactions held open": ({"db__idle_in_transaction": 4, "db__idle": 3}, "idle-in-transaction"),
    "app CPU, and so transactions take long": (
        {"process__cpu___app": 1.6, "host__cpu": 1.95, "db__idle_in_transaction": 4, "db__idle": 3},
        "cpu",
    ),
    "app CPU": ({"process__cpu___app": 1.6, "host__cpu": 1.95, "process__busiest_thread___app": 0.8}, "cpu"),
    "one saturated worker of a host with more cores": (
        {"process__cpu___app": 0.98, "host__cpu": 1.25, "process__busiest_thread___app": 0.99, "workers": 1},
        "cpu",
    ),
    "a container's quota": (
        {"container__cpu___app": 0.5, "container__cpu_limit___app": 0.5, "container__throttled___app": 0.6},
        "cpu",
    ),
    "the quota of the database's container, and so a full pool": (
        {
            **FULL,
            "db__wait__none": 8,
            "host__cores": 32,
            "process__cpu___postgres": None,
            "container__cpu___postgres": 1.0,
            "container__cpu_limit___postgres": 1.0,
            "container__throttled___postgres": 0.9,
        },
        "db-cpu",
    ),
    "blocked event loops": ({"process__stalled_loops___app": 2}, "blocked-workers"),
    "blocked workers, threads unreadable": (
        {"process__event_loops___app": None, "process__stalled_loops___app": None},
        "blocked-workers",
    ),
    "generator": ({"process__cpu___k6": 1.5, "host__cpu": 1.95}, "load-generator"),
    "reading the generator's results": (
        {"process__cpu___k6": 0.6, "process__cpu___slowpath": 0.6, "process__cpu___app": 0.5, "host__cpu": 1.95},
        "load-generator",
    ),
    "host memory": ({"host__memory": 15.5e9}, "memory"),
    "container memory": ({"container__memory___app": 95e6, "container__memory_limit___app": 100e6}, "memory"),
    "disk": ({"psi__io": 60, "disk__busy": 0.98, "db__active": 4, "db__wait__none": 1, "db__wait__IO": 3}, "disk"),
    "network": ({"net__bytes___eth0": 115e6, "net__link___eth0": 125e6}, "network"),
}
OPEN = {
    "nothing is busy": ({}, "nothing that was watched is saturated"),
    "the host is full, and nobody's": (
        {"process__cpu___app": 0.7, "process__cpu___postgres": 0.7, "process__cpu___k6": 0.5, "host__cpu": 1.95},
        "nobody has most of them",
    ),
    "memory and locks": (
        {"host__memory": 15.5e9, "db__active": 4, "db__wait__none": 0, "db__wait__Lock": 4, "db__blocked": 3},
        "db-locks and memory both hold",
    ),
    "what else runs took the processors": (
        {
            "host__cpu": 1.9,
            "process__cpu_wait___app": 30.0,
            "process__stalled_loops___app": 2,
            "other__cpu___rustc": 1.3,
        },
        "1.52 of 2 cores went to what was not watched (rustc 1.30)",
    ),
    "nobody knows how much the rest of the host is": (
        {"host__cpu": 1.9, "process__stalled_loops___app": 2},
        "1.52 of 2 cores went to what was not watched",
    ),
}


@pytest.mark.parametrize("case", STAGED)
def test_one_limiter_is_named(case: str) -> None:
    figures, expected = STAGED[case]
    verdict = judge(resources(**figures), load())
    assert verdict.limiter == expected, verdict
    assert verdict.evidence and any(character.isdigit() for character in verdict.evidence[0])


@pytest.mark.parametrize("case", OPEN)
def test_where_figures_leave_more_or_none_it_is_inconclusive(case: str) -> None:
    figures, words = OPEN[case]
    verdict = judge(resources(**figures), load())
    assert verdict.limiter == "inconclusive" and words in verdict.summary, verdict
    assert verdict.probe


@pytest.mark.parametrize(
    ("change", "not_any_more"),
    [
        ({"db__active": (2, 6), "db__idle": 2}, "db-pool"),  # six of eight: connections are free
        ({"pool_max": None, "db__active": (2, 8), "db__idle": 0}, "db-pool"),  # it grew: nobody knows how far it may
        ({"process__stalled_loops___app": 0}, "blocked-workers"),
        ({"process__threads___app": (12, 60), "process__event_loops___app": 0}, "blocked-workers"),
        ({"psi__io": 60, "disk__busy": 0.98}, "disk"),  # somebody else's disk
        ({"process__busiest_thread___app": 0.99, "process__cpu___app": 0.3}, "cpu"),  # it mostly waits for its turn
        ({"db__idle_in_transaction": 1, "db__idle": 6}, "idle-in-transaction"),
    ],
)
def test_half_of_the_evidence_is_none(change: dict[str, object], not_any_more: str) -> None:
    assert judge(resources(**change), load()).limiter not in {not_any_more}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pool", "db-pool"),
        ("held", "db-pool"),
        ("workers", "blocked-workers"),
        ("one-worker", "cpu"),
        ("generator", "load-generator"),
    ],
)
def test_what_was_measured_of_real_programs(name: str, expected: str) -> None:
    part = parts.read_as(RECORDED / f"{name}-resources.json", ResourcesPart)
    verdict = judge(part, parts.read_as(RECORDED / f"{name}-load.json", LoadPart))
    assert verdict.limiter == expected, verdict


def test_a_rate_limiter_is_told_by_its_answers() -> None:
    verdict = judge(resources(), load(errors=900, limited=890))
    assert verdict.limiter == "rate-limit" and "27.0% of the answers are 429" in verdict.evidence[0]
    assert judge(resources(), load(errors=900, limited=100)).limiter == "inconclusive"
    assert judge(resources(), load(errors=70, limited=70)).limiter == "rate-limit"
    full = resources(**FULL, db__wait__none=0, db__wait__Timeout=8)  # type: ignore[arg-type]
    both = judge(full, load(errors=70, limited=70))  # what is slow is not the limiter's two answers of a hundred
    assert (both.limiter, "rate-limit" in both.summary, "db-pool" in both.summary) == ("inconclusive", True, True)


def test_iterations_that_k6_could_not_start_void_the_verdict() -> None:
    verdict = judge(resources(**STAGED["pool"][0]), load(dropped=40))
    assert verdict.limiter == "load-generator" and not verdict.exonerated


def test_a_saturated_generator_is_named_though_no_step_is_bad_for_certain() -> None:
    measured = load()
    *others, last = measured.steps
    doubtful = msgspec.structs.replace(last, verdict="undecided")
    point = BreakingPoint(None, None, False, None, "no level is certainly over a limit")
    unsure = msgspec.structs.replace(measured, steps=(*others, doubtful), breaking_point=point)
    assert judge(resources(**STAGED["generator"][0]), unsure).limiter == "load-generator"
    assert judge(resources(**STAGED["app CPU"][0]), unsure).limiter == "inconclusive"
    within = msgspec.structs.replace(doubtful, figures=others[-1].figures)
    held = msgspec.structs.replace(unsure, steps=(*others, within))
    assert judge(resources(**STAGED["generator"][0]), held).limiter == "load-generator"
    assert judge(resources(), held).limiter == "inconclusive"


def test_a_generator_on_the_same_host_weakens_the_verdict() -> None:
    figures = {"process__cpu___app": 1.2, "process__cpu___k6": 0.6, "host__cpu": 1.98}
    verdict = judge(resources(**figures), load())
    assert (verdict.limiter, verdict.confidence) == ("cpu", "medium")
    assert any("k6 on the same host takes 0.63" in line for line in verdict.evidence)


def test_others_that_take_no_time_from_requests_weaken_the_verdict() -> None:
    figures = {"host__cpu": 1.9, "process__cpu_wait___app": 0.1, "process__stalled_loops___app": 2}
    verdict = judge(resources(**figures), load())
    assert (verdict.limiter, verdict.confidence) == ("blocked-workers", "medium")


def test_throughput_that_grows_is_no_sign_of_blocked_workers() -> None:
    part = resources(process__stalled_loops___app=2)
    assert judge(part, load()).limiter == "blocked-workers"
    assert judge(part, load(rps=(100, 330))).limiter == "inconclusive"


def test_what_grows_is_compared_with_much_fewer_users() -> None:
    """A search ends with two levels close together, between which nothing grows, a plateau or not."""
    searched = load(rps=(100, 108), users=(20, 22))
    first = msgspec.structs.replace(searched.steps[0], vus=10, phase="double", start=500.0, end=530.0)
    for rps, expected in ((50.0, "inconclusive"), (98.0, "blocked-workers")):
        light = msgspec.structs.replace(first, figures=msgspec.structs.replace(first.figures, rps=rps))
        part = msgspec.structs.replace(searched, steps=(light, *searched.steps))
        assert judge(resources(process__stalled_loops___app=2), part).limiter == expected


def test_what_it_is_not_is_told_with_figures() -> None:
    verdict = judge(resources(**STAGED["pool"][0]), load())
    told = "\n".join(verdict.exonerated)
    assert "cpu: the application uses 0.15 of 2 cores" in told and "db-cpu: PostgreSQL uses 0.10 of 2 cores" in told
    assert {reading.name for reading in verdict.readings} >= {"host.cpu", "db.active", "process.cpu"}


def test_without_a_bad_step_nothing_limits() -> None:
    held = load()
    steps = tuple(msgspec.structs.replace(step, verdict="good") for step in held.steps)
    held = msgspec.structs.replace(held, steps=steps, breaking_point=BreakingPoint(80, None, True, 110.0, ""))
    verdict = judge(resources(), held)
    assert verdict.limiter == "inconclusive" and "nothing limits up to 80 users" in verdict.summary


def test_without_any_step_nothing_is_said() -> None:
    verdict = judge(resources(), LoadPart(schema="slowpath-load/1"))
    assert verdict.limiter == "inconclusive" and verdict.probe


def test_samples_of_another_time_are_none() -> None:
    late = load()
    steps = tuple(msgspec.structs.replace(step, start=step.start + 1e6, end=step.end + 1e6) for step in late.steps)
    verdict = judge(resources(**STAGED["pool"][0]), msgspec.structs.replace(late, steps=steps))
    assert verdict.limiter == "inconclusive" and "fewer than 3 samples" in verdict.summary


def test_clocks_that_differ_cut_the_windows() -> None:
    """Five seconds of another state at the edges do not count where the clocks differ by as much."""
    part = resources(**STAGED["pool"][0])
    edge = [
        msgspec.structs.replace(
            one,
            values=tuple(0.0 if BAD[0] <= t < BAD[0] + 5 else v for t, v in zip(one.times, one.values, strict=True)),
        )
        if one.name == "db.active"
        else one
        for one in part.series
    ]
    part = msgspec.structs.replace(part, series=tuple(edge))
    assert judge(part, load()).limiter == "inconclusive"
    assert judge(msgspec.structs.replace(part, clock_offset=-5.0), load()).limiter == "db-pool"


def test_figures_beyond_reason_are_no_traceback() -> None:
    odd = random.Random(3)
    values = (None, 0, -1, 1e308, -1e308, 1e-308, 0.5, 8)
    for _ in range(300):
        names = [name.replace(".", "__").replace("/", "___") for name in CALM if odd.random() < 0.4]
        part = resources(
            pool_max=odd.choice([None, 0, -3, 1, 10**9]),
            workers=odd.choice([None, 0, -1, 2]),
            **{name: odd.choice(values) for name in names},
        )
        driven = load(users=(odd.choice([0, 1, -5]), odd.choice([0, 1, 80])), rps=(odd.choice([0.04, 1e9]), 1.0))
        assert judge(msgspec.structs.replace(part, clock_offset=odd.choice([0.0, -1e300])), driven).summary


def test_a_database_that_was_not_watched_is_asked_for() -> None:
    blind = {f"db__{name}": None for name in ("active", "idle", "idle_in_transaction", "used", "blocked")}
    blind |= {f"db__wait__{name}": None for name in ("none", "Lock", "LWLock", "IO")}
    verdict = judge(resources(**blind, process__event_loops___app=None, process__cpu___postgres=None), load())
    assert verdict.limiter == "inconclusive" and any("--database-env" in step for step in verdict.probe)


def test_blocked_workers_are_less_certain_where_the_database_was_not_watched() -> None:
    unwatched = {name.replace(".", "__"): None for name in CALM if name.startswith("db.")}
    verdict = judge(resources(process__stalled_loops___app=2, **unwatched), load())  # type: ignore[arg-type]
    assert (verdict.limiter, verdict.confidence) == ("blocked-workers", "medium")
    assert "the database was not watched" in verdict.summary and any("--database-env" in each for each in verdict.probe)
