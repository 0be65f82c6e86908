"""What holds the system at its knee. In: what was measured. Out: one limiter with its evidence, or "inconclusive".

Judged on the last good and the first bad step. Each rule says of its limiter that it holds, that it is cleared, or that
nobody knows. A rule that explains what another one sees goes before it; if then not exactly one holds, it is
inconclusive: nothing is guessed. So it is if more than a fifth of the host's processors went to something that nobody
watched, unless the kernel says that requests hardly waited for a processor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from slowpath.model.evidence import LimiterVerdict, LoadPart, ResourcesPart
from slowpath.model.limiter import Limiter
from slowpath.runtime import limiter_cpu, limiter_database, limiter_host
from slowpath.runtime.limiter_cpu import throughput_growth
from slowpath.runtime.limiter_facts import FEWEST, Facts, Outcome, doubtful_steps, steps_of

RULES = (
    limiter_cpu.generator,
    limiter_host.rate_limit,
    limiter_cpu.cpu,
    limiter_database.db_cpu,
    limiter_database.db_locks,
    limiter_database.db_pool,
    limiter_database.idle_in_transaction,
    limiter_host.memory,
    limiter_host.disk,
    limiter_host.network,
    limiter_cpu.blocked_workers,
)
EXPLAINS: dict[Limiter, frozenset[Limiter]] = {
    "db-locks": frozenset({"db-pool", "idle-in-transaction", "blocked-workers"}),
    "cpu": frozenset({"idle-in-transaction"}),
    "db-cpu": frozenset({"db-pool", "idle-in-transaction", "blocked-workers"}),
    "db-pool": frozenset({"idle-in-transaction", "blocked-workers"}),
    "disk": frozenset({"db-pool", "blocked-workers"}),
    "memory": frozenset({"disk"}),
}
"""What each limiter would make look limiting as well."""
SURE: tuple[Limiter, ...] = ("load-generator", "rate-limit")
"""Nothing else that the host does could change these."""
UNEXPLAINED = 0.2
"""Share of the host's cores."""
CROWDED = 0.25
"""Share of the used processors from which a generator on the same host weakens the verdict."""
STEAL = 0.1
"""Share of the host's cores."""
WEAKER: dict[str, Literal["high", "medium", "low"]] = {"high": "medium", "medium": "low", "low": "low"}


def judge(resources: ResourcesPart, load: LoadPart) -> LimiterVerdict:
    steps = steps_of(load)
    if steps is None:
        return _generator_alone(resources, load) or _never_bad(load)
    facts = Facts(resources, steps)
    outcomes = [rule(facts) for rule in RULES]
    if facts.bad("host.cpu") is None and facts.app_cpu is None and not facts.database:
        probe = ("measure resources while the load runs, on one clock",)
        words = f"the resources part has fewer than {FEWEST} samples within the first bad step"
        return _inconclusive(words, outcomes, probe, facts)
    holding = [outcome for outcome in outcomes if outcome.state == "holds"]
    first = [outcome for outcome in holding if outcome.limiter in SURE and outcome.direct]
    if first:
        return _verdict(facts, outcomes, first[0])
    if _too_much_unexplained(facts) and not facts.others_harmless:
        words = f"{_elsewhere(facts)}, and requests waited for a processor"
        return _inconclusive(words, outcomes, ("stop what else runs on this host, or watch it too: --app",), facts)
    explained = frozenset[Limiter]().union(*(EXPLAINS.get(outcome.limiter, frozenset()) for outcome in holding))
    primary = [outcome for outcome in holding if outcome.limiter not in explained]
    if len(primary) == 1:
        return _verdict(facts, outcomes, primary[0])
    return _undecided(facts, outcomes, primary)


def _too_much_unexplained(facts: Facts) -> bool:
    return bool(facts.unexplained and facts.cores and facts.unexplained > UNEXPLAINED * facts.cores)


def _elsewhere(facts: Facts) -> str:
    named = ", ".join(f"{name} {used:.2f}" for used, name in facts.others()[:3])
    told = f" ({named})" if named else ""
    return f"{facts.unexplained:.2f} of {facts.cores:.0f} cores went to what was not watched{told}"


def _verdict(facts: Facts, outcomes: Iterable[Outcome], found: Outcome) -> LimiterVerdict:
    others = [outcome for outcome in outcomes if outcome is not found]
    explained = EXPLAINS.get(found.limiter, frozenset())
    follows = [f"with it: {other.figures}" for other in others if other.state == "holds" and other.limiter in explained]
    weak, confidence = _weaknesses(facts, found)
    return LimiterVerdict(
        limiter=found.limiter,
        confidence=confidence,
        summary=found.summary,
        evidence=(found.figures, *found.evidence, *_plateau(facts), *follows, *weak),
        exonerated=() if found.limiter == "load-generator" else tuple(_cleared(others)),
        probe=found.probe,
        readings=facts.readings(),
    )


def _weaknesses(facts: Facts, found: Outcome) -> tuple[list[str], Literal["high", "medium", "low"]]:
    """What lowers the confidence, as text, and where it ends."""
    said = []
    host, cores = (facts.host or 0.0), facts.cores or 0.0
    generator = facts.generator or 0.0
    if found.limiter != "load-generator" and facts.host_full and generator > CROWDED * host:
        said.append(f"k6 on the same host takes {generator:.2f} of its cores: alone, the system would hold more")
    if facts.bad_or("host.steal") > STEAL * cores:
        said.append(f"the hypervisor took {facts.bad_or('host.steal'):.2f} cores away")
    if found.limiter not in SURE and _too_much_unexplained(facts):
        of = f"{facts.waited or 0:.1f} ms for a processor of {facts.bad_step.figures.p50 or 0:.0f}"
        said.append(f"{_elsewhere(facts)}; yet a request waited only {of}")
    confidence: Literal["high", "medium", "low"] = "high" if found.direct else "medium"
    for _ in said:
        confidence = WEAKER[confidence]
    return said, confidence


def _undecided(facts: Facts, outcomes: list[Outcome], primary: list[Outcome]) -> LimiterVerdict:
    if primary:
        names = " and ".join(outcome.limiter for outcome in primary)
        probe = [step for outcome in primary for step in outcome.probe]
        return _inconclusive(f"{names} both hold", outcomes, (*probe, "change one of them and measure again"), facts)
    unknown = [outcome for outcome in outcomes if outcome.state == "unknown"]
    probe = [step for outcome in unknown for step in outcome.probe]
    if facts.host_full:
        words = f"the host's {facts.cores:.0f} cores are full, and nobody has most of them"
        return _inconclusive(words, outcomes, (*probe, "run k6 and the database on other hosts"), facts)
    words = "nothing that was watched is saturated"
    probe = probe or ["look for what the application waits for: other services, semaphores, a lock of its own"]
    return _inconclusive(words, outcomes, probe, facts)


def _inconclusive(words: str, outcomes: Iterable[Outcome], probe: Iterable[str], facts: Facts | None) -> LimiterVerdict:
    seen = [f"{outcome.limiter}: {outcome.figures}" for outcome in outcomes if outcome.state == "holds"]
    missing = [f"{outcome.limiter} unknown: {outcome.figures}" for outcome in outcomes if outcome.state == "unknown"]
    return LimiterVerdict(
        limiter="inconclusive",
        confidence="low",
        summary=f"Inconclusive: {words}.",
        evidence=(*seen, *missing, *(_plateau(facts) if facts else ())),
        exonerated=tuple(_cleared(outcomes)),
        probe=tuple(dict.fromkeys(probe)),
        readings=facts.readings() if facts else (),
    )


def _generator_alone(resources: ResourcesPart, load: LoadPart) -> LimiterVerdict | None:
    """A saturated generator leaves no step that is bad for certain; of the last one only this is said."""
    steps = doubtful_steps(load)
    if steps is None:
        return None
    facts = Facts(resources, steps)
    outcome = limiter_cpu.generator(facts)
    return _verdict(facts, [outcome], outcome) if outcome.state == "holds" else None


def _never_bad(load: LoadPart) -> LimiterVerdict:
    tried = [step.vus for step in load.steps if step.verdict == "good" and step.phase not in ("isolate", "soak")]
    point = load.breaking_point
    if point is not None and point.first_bad is None and tried:
        words, probe = f"nothing limits up to {max(tried)} users", "raise --max-vus until a step is bad"
    else:
        words, probe = "the load part has no bad step that was measured", "hold each step longer: measure load --hold"
    return _inconclusive(words, (), (probe,), None)


def _cleared(outcomes: Iterable[Outcome]) -> list[str]:
    return [f"{outcome.limiter}: {outcome.figures}" for outcome in outcomes if outcome.state == "cleared"]


def _plateau(facts: Facts) -> list[str]:
    before, bad = facts.earlier_step, facts.bad_step
    if before is None or throughput_growth(facts) is None:
        return []
    return [f"{before.vus} → {bad.vus} users: {before.figures.rps:.0f} → {bad.figures.rps:.0f} requests/s"]
