"""The baseline: what the system holds today, step by step and route by route."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import Evidence, Figures, LoadPart, LoadStep, RouteFigures
from slowpath.report import charts
from slowpath.report.amounts import NONE, cut, ms, number, percent, plural, seconds, sentence, within
from slowpath.report.document import Block, Chart, Code, Paragraph, Section, Strong, Table, Text, missing, told
from slowpath.report.knee import at_knee, beyond, curve, undecided, void

LOAD = "slowpath measure load SCRIPT -o load.json"
FIGURES = ("Requests", "Requests/s", "p50", "p95 (95 %)", "p99", "Errors (95 %)", "429")
ROUTES = 25
TOO_FEW = "A question mark stands where the samples are too few for a bound."


def held(evidence: Evidence) -> Text:
    """The breaking point in a sentence or two."""
    load = evidence.load
    point = load.breaking_point if load else None
    if load is None or point is None:
        return (
            "How many users the system holds is not known: ",
            "no load was measured. " if load is None else "the load test found no breaking point. ",
        )
    knee = at_knee(load)
    figures = f" ({number(knee.figures.rps)} requests/s, p95 {ms(knee.figures.p95)})" if knee else ""
    limits = f"limits: p95 {ms(load.limits.p95_ms)}, errors {percent(load.limits.error_rate)}"
    good, bad = point.last_good, point.first_bad
    if good is None:
        said = f"No number of users is certain to be held ({limits})."
        rest = f"{plural(bad, 'user')} already break it." if bad is not None else ""
    elif bad is None:
        said = f"The system holds {plural(good, 'concurrent user')}{figures}, the most that were tried."
        rest = f"The breaking point lies above ({limits})."
    else:
        said = f"The system holds {plural(good, 'concurrent user')}{figures} and breaks at {bad:,}."
        rest = f"({limits[0].upper()}{limits[1:]}.)"
    doubts = [
        "" if point.confirmed or bad is None else "A second run did not confirm it.",
        "The load generator was itself the limit: the system may hold more." if void(evidence) else "",
    ]
    return (Strong(said), " ", *told(" ".join(filter(None, [rest, sentence(point.reason), *doubts]))), " ")


def baseline(evidence: Evidence) -> Section:
    return Section("baseline", "Baseline", tuple(_baseline(evidence.load)))


def _baseline(load: LoadPart | None) -> Iterator[Block]:
    if load is None or not load.steps:
        yield missing("users, throughput, latency and errors", LOAD)
        return
    yield from _knee(load)
    steps = curve(load)
    if steps:
        yield Chart(
            "load", "Throughput and latency against concurrent users.", _said(load), charts.load_over_users(load)
        )
        yield _steps(steps)
        yield Paragraph((TOO_FEW,))
    open_ones = undecided(load)
    if open_ones:
        levels = ", ".join(f"{users:,}" for users in open_ones)
        yield Paragraph(
            (
                Strong("Undecided: "),
                f"at {levels} users the interval straddles a limit: neither good nor bad. Hold longer (",
                Code("--hold 120"),
                ") to decide.",
            ),
            "warning",
        )
    yield from _held_long(load)
    yield from _absent(load)


def _knee(load: LoadPart) -> Iterator[Block]:
    step = at_knee(load)
    if step is None:
        said = ": there is no baseline within the limits, only what was seen beyond or beside them."
        yield Paragraph((Strong("No step is certain to be good"), said), "warning")
        step = beyond(load) or next(reversed(curve(load)), None)
    if step is None:
        return
    routes = sorted(step.routes, key=_spent, reverse=True)
    rows: list[tuple[Text, ...]] = [(("all requests",), *_figures(step.figures))]
    rows += [((Code(cut(f"{own.method} {own.path}", 100)),), *_figures(own.figures)) for own in routes[:ROUTES]]
    which = {"good": "last good", "bad": "first bad", "undecided": "undecided"}[step.verdict]
    window = f"{plural(step.vus, 'concurrent user')}, {seconds(step.figures.seconds)} judged"
    yield Table(f"The {which} step: {window}", ("Route", *FIGURES), tuple(rows), frozenset(range(1, 8)))
    rest = routes[ROUTES:]
    if rest:
        count = plural(sum(route.figures.requests for route in rest), "request")
        yield Paragraph((f"The routes that took most of the time come first; {len(rest)} more had {count} together.",))


def _spent(route: RouteFigures) -> tuple[float, str, str]:
    """Time of all its requests, or as good as that."""
    mean = route.figures.mean if route.figures.mean is not None else route.figures.p50
    return route.figures.requests * (mean or 0.0), route.path, route.method


def _figures(figures: Figures) -> tuple[Text, ...]:
    """As in FIGURES."""
    return (
        (f"{figures.requests:,}",),
        (number(figures.rps),),
        (ms(figures.p50),),
        (within(ms(figures.p95), figures.p95_interval),),
        (ms(figures.p99),),
        (within(percent(figures.error_rate), figures.error_interval, 100) if figures.requests else NONE,),
        (f"{figures.limited:,}",),
    )


def _steps(steps: list[LoadStep]) -> Table:
    rows = tuple(
        (
            (f"{step.vus:,}",),
            (step.phase,),
            (Strong(step.verdict) if step.verdict != "good" else step.verdict,),
            *_figures(step.figures),
            told(step.reason),
        )
        for step in steps
    )
    return Table("Every step", ("Users", "Phase", "Verdict", *FIGURES, "Why"), rows, frozenset({0, *range(3, 10)}))


def _said(load: LoadPart) -> str:
    """The chart in words."""
    steps, point = curve(load), load.breaking_point
    first, last = steps[0], steps[-1]
    if first.vus == last.vus:
        return f"With {plural(first.vus, 'user')}: {number(first.figures.rps)} requests/s, p95 {ms(first.figures.p95)}."
    text = (
        f"From {first.vus:,} to {plural(last.vus, 'user')} throughput goes from {number(first.figures.rps)} to "
        f"{number(last.figures.rps)} requests/s and p95 from {ms(first.figures.p95)} to {ms(last.figures.p95)}."
    )
    if point and point.first_bad is not None:
        text += f" The breaking point lies between {point.last_good or 0:,} and {point.first_bad:,} users."
    marks = "Circles are good steps, crosses bad ones, hollow diamonds undecided; bars are the 95 % interval of p95."
    return f"{text} {marks}"


def _held_long(load: LoadPart) -> Iterator[Block]:
    for step in load.steps:
        if step.phase == "soak":
            level = f"{plural(step.vus, 'user')} for {seconds(step.figures.seconds)}"
            figures = f"p95 {ms(step.figures.p95)}, errors {percent(step.figures.error_rate)}"
            yield Paragraph((Strong("Soak: "), f"{level}: {figures}, {step.verdict}. ", *told(step.reason)))


def _absent(load: LoadPart) -> Iterator[Block]:
    """What this load test leaves open, and why."""
    if load.breaking_point is None:
        yield missing("the breaking point: the load test ended before it was found", LOAD)
    elif load.breaking_point.first_bad is None:
        yield missing("where the system breaks: all that was tried held", f"{LOAD} --max-vus N")
    if not load.isolated:
        yield missing("what each route alone asks of the database", f"{LOAD} --isolate --database-env NAME")
    if not any(step.phase == "soak" for step in load.steps):
        yield missing("whether memory grows under constant load", f"{LOAD} --soak 600 --vus N")
    if not load.complete:
        yield Paragraph(
            (Strong("Incomplete: "), "the load test was interrupted; the remarks say how far it came."), "warning"
        )
