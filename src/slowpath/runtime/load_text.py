"""A load part as text, and the line that shows how far a measurement is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from slowpath.model.evidence import Figures, LoadPart, LoadStep, Remark
from slowpath.runtime.load_plan import Moment
from slowpath.runtime.load_search import users

SLOWEST = 10
MARKS = {"good": "good", "bad": "BAD", "undecided": "?"}


class Display:
    """On a terminal one line, rewritten each second; elsewhere one line for each level."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()

    def show(self, moment: Moment) -> None:
        if moment.step is not None:
            self.clear()
            print(_step(moment.step), file=self._stream, flush=True)
        elif self._terminal:
            line = f"{moment.phase:8}{users(moment.vus):>12}  "
            if moment.hold:
                line += f"{moment.elapsed:3.0f} of {moment.hold:.0f} s  {moment.rps:6.0f} req/s  "
                line += f"p95 {_ms(moment.p95)}  {moment.errors:.1%} failed"
            print(f"\r\x1b[K{line}", end="", file=self._stream, flush=True)

    def clear(self) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=self._stream, flush=True)


def told(part: LoadPart) -> str:
    """The whole part for a reader."""
    lines = [remarked(part.remarks).rstrip()] if part.remarks else []
    if not part.steps:
        return "\n".join(lines) + "\n"
    lines += ["", f"{part.script} against {part.target or 'nothing'}", ""]
    lines += [
        f"{'':8}{'users':>7}{'req/s':>9}{'p50':>9}{'p95':>9}{'  95 % interval':18}{'p99':>9}{'failed':>9}  verdict"
    ]
    lines += [_row(step) for step in part.steps]
    for block in (list(_point(part)), list(_slowest(part))):
        lines += ["", *block] if block else []
    return "\n".join(lines).lstrip("\n") + "\n"


def remarked(remarks: Iterable[Remark]) -> str:
    """One line for each remark, what to do instead below it."""
    lines = []
    for remark in remarks:
        place = f"{remark.about}:{remark.line}" if remark.line else remark.about
        lines.append(f"{remark.level}: {place}: {remark.message}")
        if remark.instead:
            lines.append(f"  instead: {remark.instead}")
    return "\n".join(lines) + "\n" if lines else ""


def _point(part: LoadPart) -> Iterator[str]:
    point = part.breaking_point
    if point is None:
        return
    if point.last_good is not None and point.first_bad is not None:
        yield f"Breaking point: between {point.last_good} and {point.first_bad} concurrent users: {point.reason}"
    elif point.first_bad is not None:
        yield f"Breaking point: below {users(point.first_bad)}: {point.reason}"
    elif point.last_good is not None:
        yield f"No breaking point: {users(point.last_good)} are served; {point.reason}"
    else:
        yield f"Inconclusive: {point.reason}"
    if point.rps is not None:
        yield f"{point.rps:.1f} requests/s with {users(point.last_good or 0)}"
    if not point.confirmed and (point.last_good, point.first_bad) != (None, None):
        yield "Not confirmed: a second run did not agree, or was not made"


def _slowest(part: LoadPart) -> Iterator[str]:
    """Of the last bad step, else of the last one; of all that were driven alone."""
    held = [step for step in part.steps if step.phase != "smoke"] or list(part.steps)
    steps = [step for step in held if step.verdict == "bad"] or held
    chosen = [step for step in steps if step.phase == "isolate"] or steps[-1:]
    routes = sorted((route for step in chosen for route in step.routes), key=lambda route: -(route.figures.p95 or 0.0))
    if routes:
        yield "Slowest routes:"
    for route in routes[:SLOWEST]:
        figures = route.figures
        numbers = f"{_ms(figures.p95):>10}{figures.rps:9.1f} req/s{_failed(figures):>9} failed"
        yield f"  {route.method:7}{route.path[:60]:60}{numbers}"


def _row(step: LoadStep) -> str:
    figures = step.figures
    low, high = figures.p95_interval
    interval = f"{_ms(low)} – {_ms(high)}" if figures.requests else "-"
    times = f"{_ms(figures.p50):>9}{_ms(figures.p95):>9}  {interval:16}{_ms(figures.p99):>9}"
    numbers = f"{figures.rps:9.1f}{times}{_failed(figures):>9}"
    what = step.route or MARKS[step.verdict]
    return f"{step.phase:8}{step.vus:7}{numbers}  {what}"


def _step(step: LoadStep) -> str:
    name = f" {step.route}" if step.route else ""
    told = f"{step.verdict}: {step.reason}"
    if step.phase in ("smoke", "isolate") and step.verdict != "bad":  # too short to be judged
        told = f"{step.figures.requests} requests, p95 {_ms(step.figures.p95)}, {_failed(step.figures)} failed"
    return f"{step.phase:8}{users(step.vus):>12}{name}  {step.figures.rps:.1f} req/s  {told}"


def _failed(figures: Figures) -> str:
    return f"{figures.error_rate:.2%}" if figures.requests else "-"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
