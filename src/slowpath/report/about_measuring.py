"""How it was measured, what the parts remark, and what is still open."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import Evidence, Header, Remark
from slowpath.model.report import Report
from slowpath.report.amounts import NONE, cut, moment, ms, number, percent, plural, seconds
from slowpath.report.document import Block, Code, Inline, Link, Paragraph, Section, Strong, Table, Text, missing, told
from slowpath.report.knee import curve
from slowpath.report.ranking import Ranked

COMMANDS = {
    "load": "slowpath measure load SCRIPT -o load.json",
    "resources": "slowpath measure resources -o resources.json --app NAME --postgres NAME",
    "queries": "slowpath measure queries --log FILE -o queries.json",
    "schema": "slowpath measure schema -o schema.json --database-env NAME",
    "bundle": "slowpath measure bundle FOLDER -o bundle.json",
}
METHOD = (
    "A step is good where both 95 % intervals lie within the limits, bad where one lies beyond, else undecided. "
    "Intervals of p95 are by order statistics, of error rates by Wilson; samples of one run depend on each other, "
    "so true intervals are wider. Users are concurrent: each waits for its answer before it asks again."
)
OPEN = {
    "ambiguous": "Several statements or routes fit these findings; which one it is, is not settled.",
    "not-exercised": "The load script never went there: nothing is known of these, good or bad.",
    "contradicted": "The running system says that these do not happen as the source reads.",
}


def parts(evidence: Evidence) -> dict[str, Header | None]:
    return {
        "load": evidence.load,
        "resources": evidence.resources,
        "queries": evidence.queries,
        "schema": evidence.database,
        "bundle": evidence.bundle,
    }


def remarks(report: Report, evidence: Evidence) -> Section:
    """Those of the parts, of the join, and what kept the scan from reading the source."""
    known = [("join", remark) for remark in evidence.remarks]
    known += [(name, remark) for name, part in parts(evidence).items() if part for remark in part.remarks]
    known += [("scan", Remark("warning", trouble.path, trouble.message, trouble.line)) for trouble in report.troubles]
    order = ("error", "warning", "note")
    known.sort(key=lambda pair: order.index(pair[1].level))
    block: Block = Paragraph(("No part remarks anything.",))
    if known:
        rows = tuple(_remark(name, remark) for name, remark in known)
        block = Table("Worst first", ("Level", "Part", "About", "What", "Instead"), rows)
    return Section("remarks", "Remarks", (block,))


def _remark(name: str, remark: Remark) -> tuple[Text, ...]:
    level: Inline = remark.level if remark.level == "note" else Strong(remark.level)
    about = f"{remark.about}:{remark.line}" if remark.line else remark.about
    return (
        (level,),
        (name,),
        (Code(cut(about, 100)),) if about else (NONE,),
        told(remark.message),
        (Code(remark.instead),) if remark.instead else (NONE,),
    )


def measured(evidence: Evidence) -> Section:
    return Section("how", "How it was measured", tuple(_measured(evidence)))


def _measured(evidence: Evidence) -> Iterator[Block]:
    known = {name: part for name, part in parts(evidence).items() if part}
    rows = tuple(
        (
            (name,),
            (Code(part.commit[:12]) if part.commit else NONE,),
            (moment(part.started),),
            (seconds(part.finished - part.started) if part.finished > part.started else NONE,),
            (", ".join(f"{tool} {version}" for tool, version in sorted(part.tools.items())) or NONE,),
            (number(part.clock_offset) if part.clock_offset else "0",),
            (_samples(name, evidence),),
            ("yes" if part.complete else Strong("no"),),
        )
        for name, part in known.items()
    )
    if rows:
        head = ("Part", "Commit", "Began", "Took", "Tools", "Clock ahead, s", "Samples", "Complete")
        yield Table("Parts", head, rows, frozenset({3, 5}))
    for name, part in parts(evidence).items():
        if part is None:
            yield missing(name, COMMANDS[name])
    load = evidence.load
    if load:
        script, target = load.script or "not recorded", load.target or "not recorded"
        limits = f"p95 {ms(load.limits.p95_ms)}, errors {percent(load.limits.error_rate)}"
        yield Paragraph(("Script: ", Code(script), "; target: ", Code(target), f"; {limits}."))
    yield Paragraph((METHOD,))


def _samples(name: str, evidence: Evidence) -> str:
    if name == "load" and evidence.load:
        steps = curve(evidence.load)
        return f"{plural(sum(step.figures.requests for step in steps), 'request')} in {plural(len(steps), 'step')}"
    if name == "resources" and evidence.resources:
        most = max((len(series.times) for series in evidence.resources.series), default=0)
        return f"{len(evidence.resources.series)} series of at most {plural(most, 'sample')}"
    if name == "queries" and evidence.queries:
        calls = sum(statement.calls for statement in evidence.queries.statements)
        return f"{plural(calls, 'call')} from {', '.join(evidence.queries.sources) or 'no source'}"
    if name == "schema" and evidence.database:
        return f"{', '.join(evidence.database.compared) or 'nothing'} compared"
    return plural(len(evidence.bundle.chunks), "chunk") if evidence.bundle else ""


def still_open(evidence: Evidence, found: list[Ranked]) -> Section:
    return Section("open", "What is open", tuple(_open(evidence, found)))


def _open(evidence: Evidence, found: list[Ranked]) -> Iterator[Block]:
    nothing = True
    for status, why in OPEN.items():
        own = [one for one in found if one.status == status]
        if own:
            nothing = False
            rows = tuple(
                (
                    (f"{one.number}",),
                    (Code(one.finding.rule),),
                    (Link(one.finding.place.path, one.line),),
                    told(one.measured.summary) if one.measured else (NONE,),
                    (", ".join(one.measured.statements) or NONE if one.measured else NONE,),
                )
                for one in own
            )
            yield Paragraph((why,))
            yield Table(
                f"{status.replace('-', ' ').capitalize()} ({len(own)})",
                ("Rank", "Rule", "Where", "What is known", "Statements"),
                rows,
                frozenset({0}),
            )
    unmeasured = sum(one.status == "not measured" for one in found)
    if unmeasured:
        nothing = False
        yield Paragraph((f"Of {plural(unmeasured, 'finding')} the evidence says nothing, for or against.",))
    if nothing:
        yield Paragraph(("Nothing.",))
