"""Evidence held against thresholds, one line for each key that is asked.

A line passes or fails only where the measurement says so: an interval that straddles the limit, a step that is
undecided, a level that nobody tried or a part that is missing is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from slowpath.model.evidence import Evidence, Header, LoadPart, LoadStep, Range, Verdict
from slowpath.model.report import Report
from slowpath.report.amounts import kilobytes, ms, number, percent, plural, within
from slowpath.report.knee import curve, decisive, levels, void
from slowpath.report.thresholds import Load, Thresholds

Outcome = Literal["pass", "fail", "inconclusive"]
OUTCOMES: dict[Verdict, Outcome] = {"good": "pass", "bad": "fail", "undecided": "inconclusive"}


class Line(msgspec.Struct, frozen=True):
    """One key: what was asked, what was measured."""

    key: str
    asked: str
    measured: str
    outcome: Outcome


def judge(asked: Thresholds, evidence: Evidence, report: Report) -> list[Line]:
    """In the order of the tables."""
    return [
        *_load(asked.load, evidence),
        *_database(asked, evidence),
        *_schema(asked, evidence),
        *_bundle(asked, evidence),
        *_findings(asked, evidence, report),
    ]


def overall(lines: Iterable[Line]) -> Outcome:
    """A failed line fails all; else an inconclusive one leaves it open."""
    outcomes = {line.outcome for line in lines}
    return "fail" if "fail" in outcomes else "inconclusive" if "inconclusive" in outcomes else "pass"


def certain(value: float | None, interval: Range, limit: float) -> Outcome:
    """Whether a quantity is certain to be at most, or to be over, a limit."""
    low, high = interval
    if value is None:
        return "inconclusive"
    if high is not None and high <= limit:
        return "pass"
    return "fail" if low is not None and low > limit else "inconclusive"


def _load(asked: Load, evidence: Evidence) -> Iterator[Line]:
    if asked == Load():
        return
    if evidence.load is None or not curve(evidence.load):
        yield _absent("load", "slowpath measure load")
        return
    lines = list(_load_lines(asked, evidence.load))
    for line in lines:
        if line.outcome == "fail" and void(evidence):
            line = msgspec.structs.replace(
                line, outcome="inconclusive", measured=f"{line.measured}; but the load generator was the limit"
            )
        yield line


def _load_lines(asked: Load, load: LoadPart) -> Iterator[Line]:
    steps = decisive(load)
    verdicts = {users: _agreed(_verdict(step, asked, load) for step in own) for users, own in levels(load).items()}
    last_good = max((users for users, verdict in verdicts.items() if verdict == "pass"), default=None)
    least = asked.min_users
    wanted = least or last_good or min(steps)
    at = min((users for users in steps if users >= wanted), default=max(steps))
    figures = steps[at].figures
    short = at < wanted or _doubted(steps[at], load)
    where = f" at {plural(wanted, 'user')}"
    if asked.p95_ms is not None:
        told = f"{within(ms(figures.p95), figures.p95_interval)} at {plural(at, 'user')}"
        outcome = certain(figures.p95, figures.p95_interval, asked.p95_ms)
        yield Line("load.p95_ms", f"at most {ms(asked.p95_ms)}{where}", told, _tried(outcome, short))
    if asked.error_rate is not None:
        told = f"{within(percent(figures.error_rate), figures.error_interval, 100)} at {plural(at, 'user')}"
        outcome = certain(figures.error_rate, figures.error_interval, asked.error_rate)
        yield Line("load.error_rate", f"at most {percent(asked.error_rate)}{where}", told, _tried(outcome, short))
    if least is not None:
        yield Line("load.min_users", f"at least {least:,}", _held(verdicts), _enough(verdicts, least))
    if asked.rps is not None:
        rps = steps[last_good].figures.rps if last_good is not None else 0.0
        driven = "fail" in verdicts.values()  # only a system that was driven to its end has no more to give
        outcome = "pass" if rps >= asked.rps else "fail" if driven else "inconclusive"
        yield Line("load.rps", f"at least {number(asked.rps)} a second", f"{number(rps)} a second", outcome)


def _agreed(outcomes: Iterable[Outcome]) -> Outcome:
    """Of several runs of one level: two that contradict each other decide nothing, an undecided one takes no part."""
    decided = set(outcomes) - {"inconclusive"}
    return decided.pop() if len(decided) == 1 else "inconclusive"


def _verdict(step: LoadStep, asked: Load, load: LoadPart) -> Outcome:
    """By the limits of the gate, and those of the measurement where it has none."""
    figures = step.figures
    outcomes = (
        certain(figures.p95, figures.p95_interval, asked.p95_ms or load.limits.p95_ms),
        certain(
            figures.error_rate if figures.requests else None,
            figures.error_interval,
            load.limits.error_rate if asked.error_rate is None else asked.error_rate,
        ),
    )
    if "fail" in outcomes:
        return "fail"
    return "inconclusive" if "inconclusive" in outcomes or _doubted(step, load) else "pass"


def _doubted(step: LoadStep, load: LoadPart) -> bool:
    """Left undecided although its figures keep the limits: requests may hang, k6 was slow, or it was cut short."""
    figures = step.figures
    kept = (
        certain(figures.p95, figures.p95_interval, load.limits.p95_ms),
        certain(figures.error_rate, figures.error_interval, load.limits.error_rate),
    )
    return step.verdict == "undecided" and set(kept) == {"pass"}


def _tried(outcome: Outcome, short: bool) -> Outcome:
    """A level below the one that is asked, or one in doubt, can fail, and proves nothing else."""
    return "inconclusive" if short and outcome == "pass" else outcome


def _enough(verdicts: dict[int, Outcome], least: int) -> Outcome:
    good = any(outcome == "pass" for users, outcome in verdicts.items() if users >= least)
    bad = any(outcome == "fail" for users, outcome in verdicts.items() if users <= least)
    return "inconclusive" if good == bad else "pass" if good else "fail"


def _held(verdicts: dict[int, Outcome]) -> str:
    words: dict[Outcome, str] = {"pass": "good", "fail": "bad", "inconclusive": "undecided"}
    return ", ".join(f"{users:,} {words[outcome]}" for users, outcome in sorted(verdicts.items()))


def _database(asked: Thresholds, evidence: Evidence) -> Iterator[Line]:
    limit, part = asked.db.n_plus_one_max, evidence.queries
    if limit is None:
        return
    if part is None or not {"jsonlog", "csvlog", "stderr"} & set(part.sources):
        yield _absent("db.n_plus_one_max", "slowpath measure queries --log FILE")
        return
    sure = sum(group.confidence != "low" for group in part.groups)
    told = plural(sure, "repeated statement") + (
        f", {len(part.groups) - sure} more perhaps" * (sure < len(part.groups))
    )
    yield _counted("db.n_plus_one_max", limit, sure, len(part.groups), told, part)


def _schema(asked: Thresholds, evidence: Evidence) -> Iterator[Line]:
    limit, part = asked.schema.drift, evidence.database
    if limit is None:
        return
    if part is None or len(part.compared) < 2:
        yield _absent("schema.drift", "slowpath measure schema")
        return
    count = len(part.differences)
    yield _counted("schema.drift", limit, count, count, plural(count, "difference"), part)


def _bundle(asked: Thresholds, evidence: Evidence) -> Iterator[Line]:
    part = evidence.bundle
    for key, limit in (("initial_kb", asked.bundle.initial_kb), ("initial_gzip_kb", asked.bundle.initial_gzip_kb)):
        if limit is None:
            continue
        if part is None or not part.chunks:
            yield _absent(f"bundle.{key}", "slowpath measure bundle FOLDER")
            continue
        size = part.first_load_bytes if key == "initial_kb" else part.first_load_gzip
        outcome: Outcome = "inconclusive" if not size else "pass" if size <= limit * 1000 else "fail"
        yield Line(f"bundle.{key}", f"at most {number(limit)} kB", kilobytes(size), _whole(outcome, part))


def _findings(asked: Thresholds, evidence: Evidence, report: Report) -> Iterator[Line]:
    most, share = asked.findings.confirmed_max, asked.findings.share_max
    driven = evidence.load is not None and (evidence.queries is not None or evidence.load.isolated)
    if not (report.measured and driven):
        for key in ("confirmed_max",) * (most is not None) + ("share_max",) * (share is not None):
            yield _absent(f"findings.{key}", "slowpath measure load, measure queries, measure join")
        return
    known = [finding.measured for finding in report.findings if finding.measured]
    confirmed = [measured for measured in known if measured.status == "confirmed"]
    open_ones = [measured for measured in known if measured.status == "ambiguous"]
    if most is not None:
        told = f"{len(confirmed)} confirmed" + (f", {len(open_ones)} ambiguous" * bool(open_ones))
        yield _counted("findings.confirmed_max", most, len(confirmed), len(confirmed) + len(open_ones), told, None)
    if share is not None:
        largest = max((measured.share for measured in confirmed if measured.share is not None), default=None)
        unknown = any(measured.share is None for measured in confirmed)
        outcome: Outcome = "fail" if largest is not None and largest > share else "inconclusive" if unknown else "pass"
        told = percent(largest) if largest is not None else "no share is known" if confirmed else "nothing is confirmed"
        yield Line("findings.share_max", f"at most {percent(share)}", told, outcome)


def _counted(key: str, limit: int, sure: int, possible: int, told: str, part: Header | None) -> Line:
    """Of `possible` things `sure` are certain."""
    outcome: Outcome = "fail" if sure > limit else "inconclusive" if possible > limit else "pass"
    return Line(key, f"at most {limit:,}", told, _whole(outcome, part))


def _whole(outcome: Outcome, part: Header | None) -> Outcome:
    """What an incomplete part does not show may still be there."""
    return "inconclusive" if outcome == "pass" and part is not None and not part.complete else outcome


def _absent(key: str, command: str) -> Line:
    return Line(key, "a measurement", f"not measured (`{command}`)", "inconclusive")
