"""Which levels of users to try next, and what the tried ones say. Pure: steps in, levels or the breaking point out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from slowpath.model.evidence import BreakingPoint, Limits, LoadStep, Verdict

AT_ONCE = 4
"""Levels of one doubling run: k6 starts the users of all of them before the first."""
POINTS = 3
JUDGED = 0.8
"""Share of a level that is not warm-up."""
NARROW = 0.1
"""The breaking point is narrow enough where the two levels differ by this share."""


class Bracket(NamedTuple):
    """The highest level known to be good, the lowest known to be bad, and what lies undecided between."""

    good: int | None
    bad: int | None
    undecided: tuple[int, ...]


def ladder(start: int, cap: int) -> list[list[int]]:
    """Doubling from `start` to `cap`, which is the last level, in runs."""
    levels = [min(start, cap)]
    while levels[-1] < cap:
        levels.append(min(levels[-1] * 2, cap))
    return [levels[at : at + AT_ONCE] for at in range(0, len(levels), AT_ONCE)]


def verdicts(steps: Iterable[LoadStep]) -> dict[int, Verdict]:
    """Of each level: what its runs agree on, where any of them decides and none contradicts."""
    decided: dict[int, set[Verdict]] = defaultdict(set)
    for step in steps:
        decided[step.vus] |= {step.verdict} - {"undecided"}
    return {vus: next(iter(said)) if len(said) == 1 else "undecided" for vus, said in sorted(decided.items())}


def bracket(steps: Iterable[LoadStep]) -> Bracket:
    """Good counts below every bad level only, and bad above every good one that is left."""
    known = verdicts(steps)
    lowest = min((vus for vus, verdict in known.items() if verdict == "bad"), default=None)
    good = max(
        (vus for vus, verdict in known.items() if verdict == "good" and (lowest is None or vus < lowest)), default=None
    )
    between = [
        vus
        for vus, verdict in known.items()
        if verdict == "undecided" and vus > (good or 0) and (lowest is None or vus < lowest)
    ]
    return Bracket(good, lowest, tuple(between))


def between(found: Bracket, tried: Iterable[int]) -> list[int]:
    """Levels that divide what lies between good and bad evenly; none where it is narrow enough."""
    if found.bad is None:
        return []
    low = found.good or 0
    width = found.bad - low
    if width <= max(1.0, NARROW * found.bad):
        return []
    known = set(tried)
    even = sorted({low + round(width * place / (POINTS + 1)) for place in range(1, POINTS + 1)})
    return [vus for vus in even if low < vus < found.bad and vus not in known]


def enough(limits: Limits) -> float:
    """Requests from which on a level without failures can be good: the error rate has an upper bound then."""
    return max(72.0, 4 / limits.error_rate) if limits.error_rate else 72.0


def needed(steps: Sequence[LoadStep], vus: int, limits: Limits) -> float:
    """Seconds in which a level should answer enough requests, by one user's rate and the best of all levels."""
    rate = min(steps[0].figures.rps / steps[0].vus * vus, max(step.figures.rps for step in steps))
    return enough(limits) / rate / JUDGED if rate > 0 else 0.0


def stuck(steps: Sequence[LoadStep], limits: Limits) -> bool:
    """Two levels in a row, the last ones, had requests enough and were not decided: more users would not help."""
    count = enough(limits)
    return len(steps) > 1 and all(step.verdict == "undecided" and step.figures.requests >= count for step in steps[-2:])


def silent(steps: Sequence[LoadStep]) -> list[LoadStep]:
    """The bad levels at the end without a single answer, as undecided: whether users are why, nobody knows."""
    found: list[LoadStep] = []
    for step in reversed(steps):
        if step.verdict != "bad" or step.figures.p50 is not None:
            break
        found.insert(0, replace(step, verdict="undecided", reason=f"no answer at all: {step.reason}"))
    return found


def unconfirmed(steps: Sequence[LoadStep]) -> list[int]:
    """The two ends of the bracket, as far as they were run but once."""
    found = bracket(steps)
    return [vus for vus in (found.good, found.bad) if vus is not None and not _twice(steps, vus)]


def breaking_point(steps: Sequence[LoadStep], cap: int, why_cap: str) -> BreakingPoint:
    found = bracket(steps)
    confirmed = (found.good, found.bad) != (None, None) and not unconfirmed(steps)
    best = [step for step in steps if step.vus == found.good and step.verdict == "good"]
    worst = [step for step in steps if step.vus == found.bad and step.verdict == "bad"]
    if worst:
        reason = f"with {users(found.bad or 0)} {worst[-1].reason}"
    elif best and found.good == cap:
        reason = f"no limit was crossed up to {users(cap)} ({why_cap})"
    else:
        reason = "no level is certainly over a limit"
    if found.undecided:
        last = [step for step in steps if step.vus == found.undecided[-1]][-1]
        why = f" ({last.reason})" if last.verdict == "undecided" else " (two runs contradict each other)"
        reason += f"; undecided: {', '.join(map(str, found.undecided))} users{why}"
    return BreakingPoint(found.good, found.bad, confirmed, best[-1].figures.rps if best else None, reason)


def users(count: int) -> str:
    return f"{count} user" if count == 1 else f"{count} users"


def _twice(steps: Iterable[LoadStep], vus: int) -> bool:
    """Decided by two runs; one user, tried first, needs no second."""
    runs = [step for step in steps if step.vus == vus and step.verdict != "undecided"]
    return len(runs) > 1
