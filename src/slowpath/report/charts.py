"""Charts as Plotly's figures: load over users, statements, findings, the bundle. No colour speaks alone.

Plotly reads a few HTML tags in texts, and templates with %{…}: what others wrote is escaped, and in no template.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from slowpath.model.evidence import BundlePart, Chunk, LoadPart, LoadStep, Statement, Verdict
from slowpath.model.rule import Effort
from slowpath.report.amounts import cut, kilobytes, ms, number, percent
from slowpath.report.knee import curve, decisive
from slowpath.report.ranking import EFFORTS, Ranked
from slowpath.report.style import clean

Figure = dict[str, Any]

BLUE, ORANGE, GREEN, PURPLE, SKY, GRAY = "#2f81c7", "#d55e00", "#009e73", "#b45f9a", "#4a9fd0", "#7d8590"
"""After Okabe and Ito, of a lightness that stands out on white and on black."""
MARKS: dict[Verdict, str] = {"good": "circle", "bad": "x", "undecided": "diamond-open"}
PLAIN = {"zeroline": False}
OVER = {"fillmode": "overlay", "fgcolor": "#ffffff", "fgopacity": 0.6}
Line = tuple[str, str, str, Callable[[LoadStep], float | None]]
"""Name, colour, dashes, value."""
Lines = tuple[Line, ...]
THROUGHPUT: Line = ("requests/s", ORANGE, "solid", lambda step: step.figures.rps)
SHOWN = 15
"""Bars in a chart."""
TILES = 60
"""Modules of a chunk in the treemap; the rest is one tile."""


def plain(text: str, width: int = 60) -> str:
    """Text that Plotly shows as it is."""
    return cut(clean(text), width).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def layout(height: int, **more: Any) -> Figure:
    """Transparent, in the page's font; the page's style colours text and grid, so that they follow light and dark."""
    return {
        "height": height,
        "margin": {"l": 64, "r": 16, "t": 36, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, 'DejaVu Sans', sans-serif", "size": 12},
        "hoverlabel": {"bgcolor": "#30363d", "bordercolor": "#30363d", "font": {"color": "#ffffff"}},
        "legend": {"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        **more,
    }


def load_over_users(load: LoadPart) -> Figure:
    """Throughput above, latency below, over the same users: lines through what decides, marks for every step."""
    steps, through = curve(load), list(decisive(load).values())
    below: Lines = (
        ("p50", GREEN, "dot", lambda step: step.figures.p50),
        ("p95", BLUE, "solid", lambda step: step.figures.p95),
        ("p99", PURPLE, "dash", lambda step: step.figures.p99),
    )
    data = [trace | {"yaxis": "y2"} for trace in _line(steps, through, THROUGHPUT)]
    for line in below:
        marks, drawn = _line(steps, through, line)
        data += [marks | ({"error_y": _error_bars(steps)} if line[0] == "p95" else {}), drawn]
    users = {"title": {"text": "concurrent users"}, "rangemode": "tozero", "anchor": "y", **PLAIN}
    return {
        "data": [*data, *_legend_of_verdicts(steps)],
        "layout": layout(
            560,
            xaxis=users,
            yaxis={"title": {"text": "latency, ms"}, "domain": [0, 0.56], "type": "log", "dtick": "D2", **PLAIN},
            yaxis2={"title": {"text": "requests/s"}, "domain": [0.64, 1], "rangemode": "tozero", **PLAIN},
            shapes=_marked(load),
            annotations=_named(load),
        ),
    }


def _line(steps: Sequence[LoadStep], through: Sequence[LoadStep], line: Line) -> tuple[Figure, Figure]:
    """Marks of every step, and the line."""
    name, color, dash, value = line
    marks = {
        "type": "scatter", "mode": "markers", "name": name, "showlegend": False, "hoverinfo": "text",
        "x": [step.vus for step in steps], "y": [_positive(value(step)) for step in steps],
        "marker": {"symbol": [MARKS[step.verdict] for step in steps], "size": 9, "color": color},
        "hovertext": [f"{step.vus} users, {name}: {number(value(step))}, {step.verdict}" for step in steps],
    }  # fmt: skip
    drawn = {
        "type": "scatter", "mode": "lines", "name": name, "hoverinfo": "skip",
        "x": [step.vus for step in through], "y": [_positive(value(step)) for step in through],
        "line": {"color": color, "dash": dash, "width": 2},
    }  # fmt: skip
    return marks, drawn


def _positive(value: float | None) -> float | None:
    """A logarithmic axis has no place for others."""
    return value if value is not None and value > 0 else None


def _error_bars(steps: Sequence[LoadStep]) -> Figure:
    def apart(step: LoadStep, side: int) -> float:
        value, bound = step.figures.p95, step.figures.p95_interval[side]
        return abs(bound - value) if value is not None and bound is not None else 0.0

    low, high = ([apart(step, side) for step in steps] for side in (0, 1))
    return {"type": "data", "array": high, "arrayminus": low, "symmetric": False, "color": BLUE, "thickness": 1.5}


def _legend_of_verdicts(steps: Sequence[LoadStep]) -> Iterable[Figure]:
    for verdict in ("good", "undecided", "bad"):
        if any(step.verdict == verdict for step in steps):
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": f"step {verdict}",
                "x": [None],
                "y": [None],
                "marker": {"symbol": MARKS[verdict], "size": 9, "color": GRAY},
                "hoverinfo": "skip",
            }


def _marked(load: LoadPart) -> list[Figure]:
    """The limit of p95, and where the breaking point lies."""
    limit = {
        "type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": "y",
        "y0": load.limits.p95_ms, "y1": load.limits.p95_ms,
        "line": {"color": GRAY, "dash": "dash", "width": 1.5},
    }  # fmt: skip
    point = load.breaking_point
    if point is None or (point.last_good is None and point.first_bad is None):
        return [limit]
    good = point.last_good if point.last_good is not None else 0
    bad = point.first_bad if point.first_bad is not None else good
    band = {
        "type": "rect", "xref": "x", "x0": good, "x1": bad, "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
        "fillcolor": "rgba(213,94,0,0.18)", "line": {"color": ORANGE, "width": 1, "dash": "dot"},
    }  # fmt: skip
    return [limit, band] if point.first_bad is not None else [limit]


def _named(load: LoadPart) -> list[Figure]:
    limit = {
        "xref": "paper", "x": 0, "xanchor": "left", "yref": "y", "y": _log(load.limits.p95_ms), "yanchor": "bottom",
        "text": f" limit of p95: {ms(load.limits.p95_ms)}", "showarrow": False,
    }  # fmt: skip
    point = load.breaking_point
    if point is None or point.first_bad is None:
        return [limit]
    name = {
        "xref": "x", "x": ((point.last_good or 0) + point.first_bad) / 2, "yref": "paper", "y": 0.6,
        "text": "breaking point", "showarrow": False,
    }  # fmt: skip
    return [limit, name]


def _log(value: float) -> float:
    """Annotations on a logarithmic axis are placed by the exponent."""
    from math import log10

    return log10(value) if value > 0 else 0.0


def statements(shown: Sequence[Statement]) -> Figure:
    """The dearest statements by their time in the window."""
    top = list(shown[:SHOWN])
    hover = [f"{ms(s.total_ms)} in {s.calls:,} calls of {ms(s.mean_ms)}" for s in top]
    return _bars(
        [f"{at}. {plain(s.text, 46)}" for at, s in enumerate(top, 1)],
        [("total time", BLUE, "", [s.total_ms for s in top], hover)],
        "total time, ms",
    )


def findings(shown: Sequence[Ranked], basis: str) -> Figure:
    """Findings by their share, which is of what `basis` says; colour and pattern tell the effort."""
    top = [one for one in shown if one.measured and one.measured.share is not None][:SHOWN]
    names = [f"{one.number}. {plain(one.finding.rule, 40)}" for one in top]
    looks: Mapping[Effort, tuple[str, str]] = {"hour": (GREEN, ""), "day": (BLUE, "/"), "design": (PURPLE, "x")}
    groups = []
    for effort, (color, pattern) in looks.items():
        shares = [_share(one) * 100 if one.effort == effort else None for one in top]
        hover = [f"{percent(_share(one))}: {plain(f'{one.finding.place.path}:{one.line}', 80)}" for one in top]
        if any(share is not None for share in shares):
            groups.append((EFFORTS[effort], color, pattern, shares, hover))
    return _bars(names, groups, f"share {basis}, %")


def _share(one: Ranked) -> float:
    return (one.measured.share or 0.0) if one.measured else 0.0


def _bars(
    names: list[str], groups: Iterable[tuple[str, str, str, Sequence[float | None], list[str]]], title: str
) -> Figure:
    rows = list(range(len(names)))
    data = [
        {
            "type": "bar", "orientation": "h", "name": name, "y": rows, "x": list(values),
            "marker": {"color": color, "pattern": {"shape": pattern, **OVER}},
            "hovertext": hover, "hoverinfo": "text",
        }
        for name, color, pattern, values, hover in groups
    ]  # fmt: skip
    return {
        "data": data,
        "layout": layout(
            110 + 26 * len(names),
            barmode="stack",
            showlegend=len(data) > 1,
            margin={"l": 10, "r": 16, "t": 36, "b": 48},
            yaxis={"tickvals": rows, "ticktext": names, "autorange": "reversed", "automargin": True, "zeroline": False},
            xaxis={"title": {"text": title}, "rangemode": "tozero", "zeroline": False},
        ),
    }


def bundle(part: BundlePart) -> Figure:
    """Chunk → module, by size."""
    tiles = [tile for chunk in part.chunks for tile in _tiles(chunk)]
    keys, parents, labels, values, colors, hover = ([tile[at] for tile in tiles] for at in range(6))
    tile = {
        "type": "treemap", "branchvalues": "total", "ids": keys, "parents": parents, "labels": labels, "values": values,
        "marker": {"colors": colors, "line": {"width": 1, "color": "#ffffff"}}, "textinfo": "label", "sort": True,
        "hovertext": hover, "hoverinfo": "text", "textfont": {"color": "#ffffff"}, "tiling": {"pad": 2},
        "pathbar": {"visible": False},
    }  # fmt: skip
    small = {"minsize": 9, "mode": "hide"}
    return {"data": [tile], "layout": layout(460, margin={"l": 0, "r": 0, "t": 4, "b": 4}, uniformtext=small)}


def _tiles(chunk: Chunk) -> Iterable[tuple[str, str, str, int, str, str]]:
    """(key, key of the parent, label, bytes, colour, hover text) of the chunk and of its modules."""
    color = "#a8480a" if chunk.first_load else "#1f64a0"
    modules = [module for module in chunk.modules if module[1] > 0]
    rest = sum(size for _, size in modules[TILES:])
    total = max(chunk.bytes, sum(size for _, size in modules))
    when = f"{'first load' if chunk.first_load else 'later'}, {kilobytes(chunk.bytes)}"
    yield chunk.file, "", f"{_end(chunk.file, 1)} ({when})", total, color, f"{plain(chunk.file, 120)}: {when}"
    for at, (name, size) in enumerate(modules[:TILES]):
        label = f"{plain(name, 120)}: {kilobytes(size)}"
        yield f"{chunk.file}\n{at}", chunk.file, _end(name, 2), size, color, label
    if rest:
        label = f"{len(modules) - TILES} smaller modules"
        yield f"{chunk.file}\nrest", chunk.file, label, rest, color, f"{label}: {kilobytes(rest)}"


def _end(path: str, parts: int) -> str:
    return plain("/".join(path.rstrip("/").split("/")[-parts:]), 40)
