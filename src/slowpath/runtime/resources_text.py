"""A resources part, for a reader at a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from slowpath.model.evidence import LimiterVerdict, MemoryGrowth, ResourcesPart

SHOWN = ("host.cpu", "process.cpu", "process.memory", "container.cpu", "container.memory", "db.active")


def watched(part: ResourcesPart) -> str:
    """How long, what was seen and what was not."""
    series = {(one.name, one.subject): one.values for one in part.series}
    lines = [f"Watched for {part.finished - part.started:.0f} s: {len(series)} series."]
    for (name, subject), values in sorted(series.items()):
        if name in SHOWN and values:
            figures = f"median {_figure(name, median(values))}, most {_figure(name, max(values))}"
            lines.append(f"  {f'{name} {subject}'.strip():28} {figures}")
    lines += [f"{remark.level}: {remark.about}: {remark.message}" for remark in part.remarks]
    return "\n".join(lines) + "\n"


def judged(verdict: LimiterVerdict, growth: tuple[MemoryGrowth, ...]) -> str:
    return "\n".join((*_verdict(verdict), *_growth(growth))) + "\n"


def _verdict(verdict: LimiterVerdict) -> Iterator[str]:
    sure = "" if verdict.limiter == "inconclusive" else f" (confidence: {verdict.confidence})"
    yield f"Limiter: {verdict.limiter}{sure}"
    yield f"  {verdict.summary}"
    for title, lines in (("Evidence", verdict.evidence), ("Not", verdict.exonerated), ("Next", verdict.probe)):
        if lines:
            yield f"{title}:"
            yield from (f"  - {line}" for line in lines)


def _growth(growth: tuple[MemoryGrowth, ...]) -> Iterator[str]:
    for one in growth:
        yield f"Memory of {one.subject}: {one.verdict}, {one.reason}"


def _figure(name: str, value: float) -> str:
    return f"{value / 1e6:.0f} MB" if name.endswith("memory") else f"{value:.2f}"
