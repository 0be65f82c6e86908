"""What success is: the limits of the measurement, and what mending the low-hanging fruit should bring.

If findings take the share s of the time of all requests, and nothing else limits, the system holds at most 1 / (1 - s)
as many users without them (Amdahl 1967). Something else will limit, so a target asks for half of that gain.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from slowpath.model.evidence import BundlePart, Evidence
from slowpath.report.amounts import kilobytes, ms, number, percent, within
from slowpath.report.knee import at_knee, void
from slowpath.report.ranking import Ranked, of_effort
from slowpath.report.thresholds import Thresholds

MOST = 0.9
"""A larger share is not promised away."""


class Goal(msgspec.Struct, frozen=True):
    """One key of the thresholds: what it is today, what it should be, and why."""

    key: str
    today: str
    target: str
    value: float
    why: str


def goals(evidence: Evidence, found: list[Ranked]) -> list[Goal]:
    """In the order of the tables; of what was not measured there are none."""
    return [
        *_load(evidence, saved(of_effort(found, "hour"))),
        *_database(evidence),
        *_bundle(evidence.bundle),
        *_findings(evidence, found),
    ]


def thresholds(wanted: Iterable[Goal]) -> Thresholds:
    tables: dict[str, dict[str, Any]] = {}
    for goal in wanted:
        table, _, key = goal.key.partition(".")
        tables.setdefault(table, {})[key] = goal.value
    return msgspec.convert(tables, Thresholds, strict=False)


def saved(found: Iterable[Ranked]) -> float:
    """0 to 1: share of the time of all requests that goes with the findings; statements count once."""
    shares: dict[tuple[str, ...], float] = {}
    for one in found:
        measured = one.measured
        if one.status == "confirmed" and measured and measured.share:
            what = measured.statements or (one.finding.place.path, str(one.line), one.finding.rule)
            shares[what] = max(shares.get(what, 0.0), measured.share)
    return min(MOST, sum(shares.values()))


def _load(evidence: Evidence, share: float) -> list[Goal]:
    load, knee = evidence.load, at_knee(evidence.load)
    if load is None or load.breaking_point is None:
        return []
    limits, first_bad = load.limits, load.breaking_point.first_bad
    p95 = within(ms(knee.figures.p95), knee.figures.p95_interval) if knee else "over the limit"
    rate = within(percent(knee.figures.error_rate), knee.figures.error_interval, 100) if knee else "–"
    found = [
        Goal("load.p95_ms", p95, f"at most {ms(limits.p95_ms)}", limits.p95_ms, "the limit of the measurement"),
        Goal(
            "load.error_rate",
            rate,
            f"at most {percent(limits.error_rate)}",
            limits.error_rate,
            "the limit of the measurement",
        ),
    ]
    if knee is None:
        if first_bad is not None:
            found.append(
                Goal(
                    "load.min_users",
                    "none",
                    f"at least {first_bad:,}",
                    max(1, first_bad),
                    "the fewest that were too many",
                )
            )
        return found
    gain = 1 + (1 / (1 - share) - 1) / 2
    why = "as it is: no confirmed finding says how much more there could be"
    if void(evidence):
        gain, why = 1.0, "as it is: the load generator was the limit, so nobody knows how much more there is"
    elif share:
        most = math.floor(knee.vus / (1 - share))
        why = (
            f"the low-hanging fruit take {percent(share)} of the time of all requests: without them at most {most:,} "
            "users, if nothing else limits; half of that gain is the target"
        )
    users, rps = max(1, math.floor(knee.vus * gain)), float(number(knee.figures.rps * gain).replace(",", ""))
    found.append(Goal("load.min_users", f"{knee.vus:,}", f"at least {users:,}", users, why))
    if knee.figures.rps > 0 and gain == 1.0:
        rps = math.floor(rps * 9) / 10
        found.append(
            Goal("load.rps", number(knee.figures.rps), f"at least {number(rps)}", rps, "nine tenths of today's")
        )
    elif knee.figures.rps > 0:
        found.append(Goal("load.rps", number(knee.figures.rps), f"at least {number(rps)}", rps, "as for the users"))
    return found


def _database(evidence: Evidence) -> list[Goal]:
    found = []
    if evidence.queries and {"jsonlog", "csvlog", "stderr"} & set(evidence.queries.sources):
        groups = f"{len(evidence.queries.groups)}"
        found.append(Goal("db.n_plus_one_max", groups, "none", 0, "one statement for all instead of one for each"))
    if evidence.database and len(evidence.database.compared) > 1:
        drift = f"{len(evidence.database.differences)}"
        found.append(Goal("schema.drift", drift, "none", 0, "code and migrations describe the database that runs"))
    return found


def _bundle(part: BundlePart | None) -> list[Goal]:
    if part is None or not part.first_load_bytes:
        return []
    leaks = sum({leak.module: leak.bytes for leak in part.leaks}.values())
    least = max(1, math.ceil((part.first_load_bytes - leaks) / 1000))
    why = f"without the leaked features ({kilobytes(leaks)}, approximately)" if leaks else "as it is"
    return [Goal("bundle.initial_kb", kilobytes(part.first_load_bytes), f"at most {least:,} kB", least, why)]


def _findings(evidence: Evidence, found: list[Ranked]) -> list[Goal]:
    if evidence.load is None and evidence.queries is None:
        return []
    confirmed = [one for one in found if one.status == "confirmed"]
    left = sum(one.effort != "hour" for one in confirmed)
    today = f"{len(confirmed)}"
    return [Goal("findings.confirmed_max", today, f"at most {left}", left, "what an hour each mends is mended")]
