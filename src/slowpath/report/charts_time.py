"""The load test and the resources over the same time axis."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from slowpath.model.evidence import Evidence, LoadPart, ResourcesPart, Series
from slowpath.report.charts import BLUE, GRAY, GREEN, ORANGE, PURPLE, SKY, Figure, layout, plain
from slowpath.report.knee import at_knee, beyond

POINTS = 600
"""Of one line; more are averaged."""
LINES = 5
"""In one chart."""
LOOKS = tuple((color, dash) for dash in ("solid", "dash", "dot") for color in (BLUE, ORANGE, GREEN, PURPLE, SKY, GRAY))
GOOD, BAD = "rgba(0,158,115,0.16)", "rgba(213,94,0,0.16)"
ROW = 124
"""Height of one chart, in pixels."""


class Row(msgspec.Struct, frozen=True):
    """One chart of the stack, and the names of the series it shows; `db.wait.` stands for all that begin so."""

    title: str
    names: tuple[str, ...]
    scale: float = 1.0


ROWS = (
    Row("CPU, cores", ("host.cpu", "host.cores", "process.cpu", "other.cpu", "container.cpu")),
    Row("stolen or waiting, cores", ("host.steal", "host.iowait", "process.cpu_wait")),
    Row("memory, MB", ("host.memory", "process.memory", "container.memory"), 1e-6),
    Row("database sessions", ("db.active", "db.used", "db.idle", "db.idle_in_transaction", "db.blocked")),
    Row("what active sessions wait for", ("db.wait.",)),
    Row("pressure, %", ("psi.",)),
    Row("busiest thread, share", ("process.busiest_thread",)),
    Row("disk and network, MB/s", ("disk.read", "disk.write", "net.bytes"), 1e-6),
    Row("throttled, share", ("container.throttled",)),
)
Lines = list[tuple[str, Sequence[float], Sequence[float | None]]]


def over_time(evidence: Evidence) -> Figure:
    """Users, requests and p95 above, the resources below; nothing where neither was measured."""
    rows = [*_of_load(evidence.load), *_of_resources(evidence.resources)]
    gap = 0.42
    height = len(rows) * ROW
    data: list[Figure] = []
    axes: dict[str, Any] = {}
    for at, (title, lines) in enumerate(rows):
        suffix = "" if at == 0 else str(at + 1)
        top = 1 - at / len(rows)
        axes[f"yaxis{suffix}"] = {
            "domain": [top - (1 - gap) / len(rows) - gap / 2 / len(rows), top - gap / 2 / len(rows)],
            "rangemode": "tozero", "zeroline": False, "nticks": 4, "anchor": "x",
        }  # fmt: skip
        axes[f"legend{suffix}"] = {
            "orientation": "h", "x": 0, "y": top - gap / 2 / len(rows), "yanchor": "bottom", "font": {"size": 10},
            "title": {"text": f"<b>{title}</b>  ", "side": "left"},
        }  # fmt: skip
        data += _traces(lines, suffix)
    marks = _windows(evidence.load)
    bottom = {
        "type": "date",
        "anchor": f"y{'' if len(rows) == 1 else len(rows)}",
        "zeroline": False,
        "title": {"text": "UTC"},
    }
    return {
        "data": data,
        "layout": layout(
            height + 60, xaxis=bottom, shapes=marks, hovermode="x", margin={"l": 56, "r": 16, "t": 8, "b": 52}, **axes
        ),
    }


def _of_load(load: LoadPart | None) -> Iterable[tuple[str, Lines]]:
    if load is None or not load.ticks:
        return
    times = [tick.time for tick in load.ticks]
    yield "users", [("concurrent users", times, [tick.vus for tick in load.ticks])]
    rates: Lines = [("answers", times, [tick.requests for tick in load.ticks])]
    if any(tick.errors for tick in load.ticks):
        rates.append(("of them failed", times, [tick.errors for tick in load.ticks]))
    yield "requests/s", rates
    yield "p95, ms", [("p95 of the second", times, [tick.p95 for tick in load.ticks])]


def _of_resources(part: ResourcesPart | None) -> Iterable[tuple[str, Lines]]:
    shown = [series for series in (part.series if part else ()) if series.times]
    for row in ROWS:
        own = [series for series in shown if _belongs(series.name, row)]
        top = sorted(own, key=lambda series: -sum(series.values) / len(series.times))[:LINES]
        if own:
            more = f" (the {LINES} largest of {len(own)})" if len(own) > LINES else ""
            lines: Lines = [(_name(s), s.times, [v * row.scale for v in s.values]) for s in own if s in top]
            yield f"{row.title}{more}", lines
    for series in shown:
        if series.name.startswith("prom."):
            yield plain(series.name, 40), [(_name(series), series.times, series.values)]


def _belongs(name: str, row: Row) -> bool:
    return name in row.names or name.startswith(tuple(known for known in row.names if known.endswith(".")))


def _name(series: Series) -> str:
    """Short: the title of the chart says what is measured."""
    of, _, what = series.name.partition(".")
    whole = what in ("cpu", "memory", "cpu_wait", "busiest_thread")
    if of == "other":
        return f"{series.subject} (other)"
    if of in ("process", "container"):
        return f"{series.subject}{'' if whole else f' {what}'}{' (container)' if of == 'container' else ''}"
    return "host" if of == "host" and whole else what.removeprefix("wait.")


def _traces(lines: Lines, suffix: str) -> Iterable[Figure]:
    for at, (name, times, values) in enumerate(lines):
        color, dash = LOOKS[at % len(LOOKS)]
        xs, ys = thinned(times, values)
        yield {
            "type": "scatter", "mode": "lines", "name": plain(name, 40), "x": [stamp(x) for x in xs], "y": ys,
            "xaxis": "x", "yaxis": f"y{suffix}", "legend": f"legend{suffix}", "showlegend": True,
            "line": {"color": color, "dash": dash, "width": 1.6}, "hoverinfo": "y+name", "connectgaps": False,
        }  # fmt: skip


def thinned(times: Sequence[float], values: Sequence[float | None]) -> tuple[list[float], list[float | None]]:
    """At most POINTS of them: the means of equal runs."""
    size = -(-len(times) // POINTS) or 1
    xs, ys = [], []
    for start in range(0, min(len(times), len(values)), size):
        run = [value for value in values[start : start + size] if value is not None]
        xs.append(times[start])
        ys.append(sum(run) / len(run) if run else None)
    return xs, ys


def stamp(time: float) -> str:
    """As Plotly reads dates; a time of no calendar counts from its beginning."""
    return datetime.fromtimestamp(time if 0 <= time < 1e11 else 0, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def _windows(load: LoadPart | None) -> list[Figure]:
    """The judged windows of the last good and the first bad step."""
    good, bad = (at_knee(load), beyond(load)) if load else (None, None)
    known = [(step, color) for step, color in ((good, GOOD), (bad, BAD)) if step]
    return [
        {
            "type": "rect", "xref": "x", "x0": stamp(step.start), "x1": stamp(step.end),
            "yref": "paper", "y0": 0, "y1": 1, "fillcolor": color, "line": {"width": 0}, "layer": "below",
        }
        for step, color in known
    ]  # fmt: skip
