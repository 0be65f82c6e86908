"""Findings by impact: what to do first, what takes longer, and each with its path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from slowpath.correlate.traffic import alone, share_of
from slowpath.model.evidence import Evidence
from slowpath.model.finding import Step
from slowpath.model.report import Report
from slowpath.report import charts
from slowpath.report.amounts import NONE, cut, ms, number, percent, plural
from slowpath.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Heading,
    Inline,
    Jump,
    Link,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
    missing,
    told,
)
from slowpath.report.ranking import EFFORTS, STATUSES, Ranked, limiter_of, of_effort
from slowpath.report.success import saved
from slowpath.report.text import advice

JOIN = "slowpath measure join load.json queries.json … -o evidence.json"
SHOWN = 25
"""Findings with their path; the table has all of them."""
SHOWN_STEPS = 12
FENCED = re.compile(r"```\w*\n(.*?)^```", re.M | re.S)


def first_thing(evidence: Evidence, found: list[Ranked]) -> Text:
    """The first thing to do and what it should bring. Of what is known to cost, an hour's work before longer work."""
    felt = [one for one in found if one.relieves or (one.measured and one.measured.share)]
    worth = of_effort(felt, "hour") or of_effort(felt, "day", "design") or of_effort(found, *EFFORTS)
    if not worth:
        where = Jump("what is open", "open")
        return ("No finding is confirmed to cost, so there is no first thing to do; ", where, " says what to measure.")
    one, dearest = worth[0], next(iter(of_effort(felt, *EFFORTS)), worth[0])
    first = (Strong("Do first: "), *told(one.finding.message), " (", *_labelled(one), "). ", _brings(one, evidence))
    if dearest.number == one.number or dearest.status != "confirmed":
        return first
    second = (Code(dearest.finding.rule), " (", *_labelled(dearest), "). ", _brings(dearest, evidence))
    return (*first, " Dearest of all, but more work: ", *second)


def _labelled(one: Ranked) -> Text:
    return (Link(one.finding.place.path, one.line), f"; effort: {EFFORTS[one.effort]}")


def _brings(one: Ranked, evidence: Evidence) -> str:
    """An upper bound of the throughput is said of the knee alone: one user waits for nobody."""
    measured = one.measured
    if one.status != "confirmed" or measured is None:
        return "What it brings is not measured; its rule is one that relieves what limits the system."
    parts = (
        [f"{ms(measured.ms_per_request)} of each {measured.route or 'request'}"]
        if measured.ms_per_request is not None
        else []
    )
    parts += [f"{percent(measured.share)} {share_of(evidence.load)}"] if measured.share is not None else []
    if not parts:
        return measured.summary
    many = measured.share and not alone(evidence.load)
    gain = f", so at most {number(1 / (1 - saved([one])))} times the throughput if nothing else limits" if many else ""
    return f"It should bring up to {' and '.join(parts)}{gain}."


def low_hanging(report: Report, evidence: Evidence, found: list[Ranked]) -> Section:
    mine = of_effort(found, "hour")
    return Section(
        "low-hanging", "Low-hanging fruit", tuple(_work(report, evidence, mine, "An hour's work each, dearest first"))
    )


def deep_work(report: Report, evidence: Evidence, found: list[Ranked]) -> Section:
    mine = of_effort(found, "day", "design")
    return Section(
        "deep-work",
        "Deep work",
        tuple(_work(report, evidence, mine, "Changes over several places, or of what callers see, dearest first")),
    )


def _work(report: Report, evidence: Evidence, mine: list[Ranked], caption: str) -> Iterator[Block]:
    if evidence.load is None and evidence.queries is None:
        yield missing("what any finding costs", JOIN)
    if not mine:
        yield Paragraph(("Nothing that is known to cost asks for work of this kind.",))
        return
    rows = [
        (
            (f"{one.number}",),
            (Link(one.finding.place.path, one.line), " ", *told(one.finding.message)),
            _impact(one),
            (EFFORTS[one.effort],),
            _instead(one, report),
        )
        for one in mine
    ]
    yield Table(caption, ("Rank", "Finding", "Impact", "Effort", "What to do"), tuple(rows), frozenset({0}))


def _impact(one: Ranked) -> Text:
    if one.measured is None:
        return ("not measured; may relieve the limiter",)
    return told(one.measured.summary)


def _instead(one: Ranked, report: Report) -> Text:
    if one.finding.fix:
        return told(one.finding.fix.title)
    instead = report.rules[one.finding.rule].instead
    code = FENCED.match(instead)
    return (Code(cut(code[1], 160)),) if code else told(advice(instead))


def findings(report: Report, evidence: Evidence, found: list[Ranked]) -> Section:
    return Section("findings", "Findings by impact", tuple(_findings(report, evidence, found)))


def _findings(report: Report, evidence: Evidence, found: list[Ranked]) -> Iterator[Block]:
    if not found:
        yield Paragraph((f"No slow paths were found in {plural(report.stats.files, 'file')}.",))
        return
    counts = Counter(one.status for one in found)
    tally = ", ".join(f"{counts[status]} {status}" for status in STATUSES if counts[status])
    yield Paragraph((f"{plural(len(found), 'finding')}: {tally}. ", *_order(evidence)))
    if any(one.measured and one.measured.share is not None for one in found):
        yield Chart(
            "impact", "Findings by impact.", _said(found, evidence), charts.findings(found, share_of(evidence.load))
        )
    head = ("Rank", "Rule", "Where", "Status", "ms/request", "Share", "Calls/request", "Route", "Effort")
    yield Table("All findings", head, tuple(_row(one) for one in found), frozenset({0, 4, 5, 6}))
    for one in found[:SHOWN]:
        yield from _detail(one, report)
    if len(found) > SHOWN:
        yield Paragraph((f"The paths of the other {len(found) - SHOWN} are shown by ", Code("slowpath scan"), "."))


def _order(evidence: Evidence) -> Text:
    known = limiter_of(evidence) != "inconclusive"
    relieves = "whether the rule relieves what limits the system, " if known else ""
    return (f"By status, then {relieves}share {share_of(evidence.load)}, and cost in the dearest route.",)


def _row(one: Ranked) -> tuple[Text, ...]:
    measured = one.measured
    return (
        (f"{one.number}",),
        (Code(one.finding.rule),),
        (Link(one.finding.place.path, one.line),),
        (one.status,),
        (number(measured.ms_per_request) if measured else NONE,),
        (percent(measured.share) if measured else NONE,),
        (number(measured.calls_per_request) if measured else NONE,),
        (Code(measured.route) if measured and measured.route else NONE,),
        (EFFORTS[one.effort],),
    )


def _detail(one: Ranked, report: Report) -> Iterator[Block]:
    finding = one.finding
    yield Heading((f"{one.number}. ", *told(finding.message)))
    inside: tuple[Inline, ...] = (" in ", Code(finding.function)) if finding.function else ()
    yield Paragraph(
        (
            Link(finding.place.path, one.line),
            *inside,
            " · ",
            Code(finding.rule),
            f", {finding.severity}, {finding.confidence} confidence · effort: {EFFORTS[one.effort]}",
        )
    )
    code = report.sources.line_text(finding.place.path, one.line).strip()
    if code:
        yield Paragraph((Code(cut(code, 160)),))
    if one.measured:
        yield Paragraph((Strong(f"{one.status.capitalize()}: "), *told(one.measured.summary)))
    if one.measured and one.measured.path:
        yield Bullets(tuple(told(step) for step in one.measured.path), numbered=True)
    elif finding.flow:
        yield Bullets(tuple(_step(step, report) for step in finding.flow[:SHOWN_STEPS]), numbered=True)
    action = _instead(one, report)
    if action:
        yield Paragraph((Strong("Do: "), *action))


def _step(step: Step, report: Report) -> Text:
    line = report.sources.line(step.place.path, step.place.span[0])
    return (Link(step.place.path, line), ": ", *told(step.message))


def _said(found: list[Ranked], evidence: Evidence) -> str:
    top = next(one for one in found if one.measured and one.measured.share is not None)
    share = top.measured.share if top.measured else None
    where = f"{top.finding.place.path}:{top.line}"
    return f"The first is {top.finding.rule} at {where} with {percent(share)} {share_of(evidence.load)}."
