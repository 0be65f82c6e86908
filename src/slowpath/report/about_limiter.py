"""What holds the system at its knee, with the evidence for it and what is ruled out."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import Evidence, LimiterVerdict, MemoryGrowth, Reading, ResourcesPart
from slowpath.model.limiter import Limiter
from slowpath.report import charts_time
from slowpath.report.amounts import NONE, between, number, seconds, sentence
from slowpath.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Heading,
    Link,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
    missing,
    told,
)
from slowpath.report.ranking import Ranked

WATCH = "slowpath measure resources -o resources.json --app NAME --postgres NAME"
JUDGE = "slowpath measure resources --judge resources.json --load load.json -o resources.json"
BYTES = (".memory", "disk.read", "disk.write", "net.bytes", "net.link")
SHOWN = 5
NAMES: dict[Limiter, str] = {
    "cpu": "the CPU of the application",
    "memory": "memory",
    "disk": "the disk",
    "network": "the network",
    "db-pool": "the pool of database connections",
    "db-cpu": "the CPU of the database",
    "db-locks": "locks in the database",
    "idle-in-transaction": "connections that are held idle in transactions",
    "blocked-workers": "blocked async workers",
    "rate-limit": "a rate limit",
    "load-generator": "the load generator itself, so the verdict on the system is void",
    "inconclusive": "not known",
}


def limits(evidence: Evidence) -> Text:
    """The limiter in a sentence."""
    verdict = evidence.resources.verdict if evidence.resources else None
    if verdict is None:
        watched = (
            "the samples were not held against a load test" if evidence.resources else "nobody watched the resources"
        )
        return (f"What limits it is not known: {watched}. ",)
    if verdict.limiter == "inconclusive":
        probe = told(f"Probe next: {verdict.probe[0].rstrip('.')}. ") if verdict.probe else ()
        return (Strong("What limits it is inconclusive. "), *probe)
    return (Strong(f"What limits it is {NAMES[verdict.limiter]}"), f" ({verdict.confidence} confidence). ")


def limiter(evidence: Evidence, found: list[Ranked]) -> Section:
    return Section("limiter", "Limiter", tuple(_limiter(evidence, [one for one in found if one.relieves])))


def _limiter(evidence: Evidence, relief: list[Ranked]) -> Iterator[Block]:
    part = evidence.resources
    if part is None:
        yield missing("CPU, memory, disk, network and the database under load", WATCH)
    elif part.verdict is None:
        yield missing("the limiter: the samples were not held against a load test", JUDGE)
    else:
        yield from _verdict(part.verdict)
    if relief:
        more = f" (the first {SHOWN} of {len(relief)})" if len(relief) > SHOWN else ""
        yield Heading((f"Findings whose rules relieve it{more}",))
        yield Bullets(tuple(_relief(one) for one in relief[:SHOWN]))
    shown = (evidence.load and evidence.load.ticks) or (part and any(series.times for series in part.series))
    if shown:
        figure = charts_time.over_time(evidence)
        yield Chart("time", "Load and resources over the same time.", _said(evidence), figure, broad=True)
    if part is not None:
        yield from _rest(part)


def _verdict(verdict: LimiterVerdict) -> Iterator[Block]:
    if verdict.limiter == "inconclusive":
        head = "Inconclusive"
    else:
        name = NAMES[verdict.limiter]
        head = f"{name[0].upper()}{name[1:]}, {verdict.confidence} confidence"
    yield Paragraph((Strong(f"{head}. "), *told(sentence(verdict.summary.removeprefix("Inconclusive: ")))))
    for title, lines in (
        ("Evidence", verdict.evidence),
        ("Exonerated", verdict.exonerated),
        ("Probe next", verdict.probe),
    ):
        if lines:
            yield Heading((title,))
            yield Bullets(tuple(told(line) for line in lines))
    told_apart = [reading for reading in verdict.readings if _tells(reading)]
    if told_apart:
        head_row = ("Quantity", "Of", "Last good step", "First bad step", "Can reach")
        caption = "Medians at the two steps, of what has a limit or changed by a tenth"
        yield Table(caption, head_row, tuple(map(_reading, told_apart)), frozenset({2, 3, 4}))


def _tells(reading: Reading) -> bool:
    good, bad = reading.good, reading.bad
    if reading.limit is not None or good is None or bad is None:
        return True
    return abs(bad - good) > 0.1 * max(abs(good), abs(bad))


def _reading(reading: Reading) -> tuple[Text, ...]:
    """Bytes in MB."""
    scale = 1e-6 if reading.name.endswith(BYTES) else 1.0
    values = (reading.good, reading.bad, reading.limit)
    name = f"{reading.name}, MB{'' if 'memory' in reading.name else '/s'}" if scale != 1.0 else reading.name
    return (name,), (reading.subject or NONE,), *((number(v * scale if v is not None else None),) for v in values)


def _relief(one: Ranked) -> Text:
    return (Link(one.finding.place.path, one.line), " ", Code(one.finding.rule), f": {one.status}")


def _rest(part: ResourcesPart) -> Iterator[Block]:
    known = [f"the pool opens at most {part.pool_max} connections"] if part.pool_max is not None else []
    known += [f"the application has {part.workers} async workers"] if part.workers is not None else []
    if known:
        yield Paragraph((f"Known of the set-up: {' and '.join(known)}.",))
    if part.growth:
        yield Table(
            "Memory under constant load",
            ("Process", "Held for", "MB a minute", "95 % interval", "Verdict", "Why"),
            tuple(_growth(growth) for growth in part.growth),
            frozenset({1, 2, 3}),
        )


def _growth(growth: MemoryGrowth) -> tuple[Text, ...]:
    return (
        (growth.subject,),
        (seconds(growth.seconds),),
        (number(growth.slope / 1e6),),
        (between(growth.interval, 1e-6),),
        (growth.verdict,),
        (growth.reason,),
    )


def _said(evidence: Evidence) -> str:
    load = evidence.load
    text = "One line for each quantity; all charts share the time axis, in UTC."
    if load and load.breaking_point and load.breaking_point.first_bad is not None:
        text += " Green is the window of the last good step, red that of the first bad one."
    return text
