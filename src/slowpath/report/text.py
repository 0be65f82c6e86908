"""Findings as people read them in a terminal: frame, path, other sites, help. `concise` is one line each.

Scanned text is shown as text.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

from slowpath.model.finding import STATUSES, Finding, Measured, Place, Saving, Severity, Step, Trouble, impact
from slowpath.model.report import Report
from slowpath.model.source import Sources
from slowpath.report.style import PLAIN, Style, begun, clean

WIDTH = 160
"""Longer source lines are cut around the place."""
SHOWN_RELATED = 4
SHOWN_FLOW = 12
SHOWN_ROUTES = 4
SHOWN_CRATES = 4
MANY = 50
"""More findings than one reads through: what they are is told at the end."""
MAX_ALIKE = 10
"""Lines about one kind of trouble; a grammar's gap can stand in many files of a project."""


def full(report: Report, color: bool = False) -> str:
    """Every finding with its code, its path and what to do, then a summary."""
    style = Style(color)
    blocks = ["\n".join(_block(finding, report, style)) for finding in ordered(report)]
    rules = ["\n".join(by_rule(report))] if len(blocks) > MANY else []
    return "\n\n".join([*blocks, *rules, summary(report, style)]) + "\n"


def concise(report: Report, color: bool = False) -> str:
    """One line a finding, then a summary."""
    style = Style(color)
    lines = [
        f"{_where(finding.place, report.sources, style)}: {_label(finding.severity, finding.rule, style)} "
        f"{clean(finding.message)}{_measured_in_short(finding)}"
        for finding in ordered(report)
    ]
    return "\n".join([*lines, summary(report, style)]) + "\n"


def ordered(report: Report) -> list[Finding]:
    """The report's order, which is by path; with evidence by what a finding costs, most first, and then by path."""
    return sorted(report.findings, key=impact) if report.measured else list(report.findings)


def troubles(report: Report) -> list[str]:
    """What could not be read or done, one line each; of many files with the same trouble the first few."""
    seen = Counter(trouble.message for trouble in report.troubles)
    shown: Counter[str] = Counter()
    lines = []
    for trouble in report.troubles:
        shown[trouble.message] += 1
        if shown[trouble.message] <= MAX_ALIKE:
            lines.append(_trouble(trouble))
    more = [(message, count - MAX_ALIKE) for message, count in seen.items() if count > MAX_ALIKE]
    return lines + [f"{count} more files (--format json lists them): {clean(message)}" for message, count in more]


def by_rule(report: Report) -> list[str]:
    """How many findings each rule has, most first."""
    counts = Counter(finding.rule for finding in report.findings)
    return [f"{count:6}  {rule}" for rule, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def _block(finding: Finding, report: Report, style: Style) -> Iterator[str]:
    sources = report.sources
    yield f"{_label(finding.severity, finding.rule, style)} {style('bold', clean(finding.message))}"
    line = sources.line(finding.place.path, finding.place.span[0])
    gutter = " " * len(str(line))
    yield f"{gutter}{style('blue', '-->')} {_where(finding.place, sources, style)}" + _inside(finding, style)
    yield from _frame(finding.place, sources, style)
    if finding.flow:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'path:')}"
        yield from _steps(finding.flow, SHOWN_FLOW, sources, style, numbered=True)
    if finding.related:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'also:')}"
        yield from _steps(finding.related, SHOWN_RELATED, sources, style, numbered=False)
    if finding.routes:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'routes:')} {_routes(finding.routes)}"
    if finding.saves:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'saves:')} {_saves(finding.saves)}"
    if finding.measured:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'measured:')} {clean(_measured(finding.measured))}"
        if finding.measured.status == "confirmed":
            told = {step.message for step in finding.flow}
            lines = [line for line in finding.measured.path if line not in told]
            yield from (f"     {number}. {clean(line[:WIDTH])}" for number, line in enumerate(lines, 1))
    if finding.fix:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'fix:')} {clean(finding.fix.title)}"
    help_text = advice(report.rules[finding.rule].instead)
    if help_text:
        yield f"{gutter} {style('blue', '=')} {style('bold', 'help:')} {help_text}"


def _measured(known: Measured) -> str:
    return f"{known.status.replace('-', ' ')}: {known.summary}"


def _measured_in_short(finding: Finding) -> str:
    return f" [{clean(_measured(finding.measured))}]" if finding.measured else ""


def _routes(routes: tuple[str, ...]) -> str:
    more = f" (+ {len(routes) - SHOWN_ROUTES} more)" if len(routes) > SHOWN_ROUTES else ""
    return clean(", ".join(routes[:SHOWN_ROUTES])) + more


def _saves(saving: Saving) -> str:
    names = [name for name, _ in saving.crates]
    more = ["…"] if len(names) > SHOWN_CRATES else []
    count = ("" if saving.exact else "up to ") + plural(len(names), "crate")
    lines = f"; {saving.lines:,} lines" if saving.lines is not None else ""
    keep = " except in builds of tests" if saving.tests_keep else ""
    return f"{count} ({clean(', '.join([*names[:SHOWN_CRATES], *more]))}{lines}){keep}"


def _inside(finding: Finding, style: Style) -> str:
    return style("dim", f" in {clean(finding.function)}") if finding.function else ""


def _frame(place: Place, sources: Sources, style: Style) -> Iterator[str]:
    line = sources.line(place.path, place.span[0])
    text, first, last = _cut(place, line, sources)
    caret = " " * _columns(text[:first]) + style("warning", "^" * max(1, _columns(text[first:last])))
    bar = style("blue", "|")
    gutter = " " * len(str(line))
    yield f"{gutter} {bar}"
    yield f"{style('blue', str(line))} {bar} {clean(text)}"
    yield f"{gutter} {bar} {caret}"


def _cut(place: Place, line: int, sources: Sources) -> tuple[str, int, int]:
    """The line as shown, and the part of it (as code-point offsets) that the place covers."""
    text = sources.line_text(place.path, line)
    first = sources.position(place.path, place.span[0]).column - 1
    end = sources.position(place.path, place.span[1])
    last = min(end.column - 1, len(text)) if end.line == line else len(text.rstrip())
    start = len(text) - len(text.lstrip()) if first < WIDTH else first - 40
    shown = text[start : start + WIDTH].rstrip()
    text = ("…" if start and text[:start].strip() else "") + shown + ("…" if len(text.rstrip()) > start + WIDTH else "")
    shift = start - (1 if text.startswith("…") and start else 0)
    return "    " + text.replace("\t", " "), first - shift + 4, min(last - shift, len(text)) + 4


def _columns(text: str) -> int:
    """Terminal cells of a text."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _steps(steps: tuple[Step, ...], shown: int, sources: Sources, style: Style, *, numbered: bool) -> Iterator[str]:
    for number, step in enumerate(steps[:shown], 1):
        sign = f"{number}." if numbered else "-"
        line = sources.line(step.place.path, step.place.span[0])
        code = sources.line_text(step.place.path, line).strip()
        yield f"     {sign} {_named(step.place.path, style)}:{line}: {clean(step.message)}"
        if code:
            yield f"        {style('dim', begun(code[:100]) + ('…' if len(code) > 100 else ''))}"
    if len(steps) > shown:
        yield f"     + {len(steps) - shown} more"


def _where(place: Place, sources: Sources, style: Style) -> str:
    at = sources.position(place.path, place.span[0])
    return f"{_named(place.path, style)}:{at.line}:{at.column}"


def _named(path: str, style: Style) -> str:
    return style("bold", begun(path))


def _label(severity: Severity, rule: str, style: Style) -> str:
    return style(severity, f"{severity}[{rule}]")


def advice(instead: str) -> str:
    """The first sentences of a page's Instead: its first paragraph, cut at a sentence after 200 characters."""
    paragraph = " ".join(instead.split("\n\n")[0].split("```")[0].split())
    if len(paragraph) <= 240:
        return paragraph
    end = paragraph.find(". ", 120)
    return paragraph[: end + 1] if end >= 0 else paragraph


def _trouble(trouble: Trouble) -> str:
    line = f":{trouble.line}" if trouble.line else ""
    return f"{clean(trouble.path)}{line}: {clean(trouble.message)}"


def summary(report: Report, style: Style = PLAIN) -> str:
    """Counts in one line."""
    stats = report.stats
    scanned = f"{plural(stats.files, 'file')} scanned" + (f" in {stats.seconds:.2f} s" if stats.seconds else "")
    trouble = f", {plural(len(report.troubles), 'problem')} reading them" if report.troubles else ""
    known = f"; {plural(report.known, 'known finding')} not shown" if report.known else ""
    if not report.findings:
        return f"No {'new ' if known else ''}slow paths found; {scanned}{known}{trouble}."
    counts = Counter(finding.severity for finding in report.findings)
    split = ", ".join(f"{counts[name]} {name}" for name in ("error", "warning", "note") if counts[name])
    files = len({finding.place.path for finding in report.findings})
    found = style("bold", plural(len(report.findings), "finding"))
    statuses = Counter(finding.measured.status for finding in report.findings if finding.measured)
    told = ", ".join(f"{statuses[status]} {status.replace('-', ' ')}" for status in STATUSES if statuses[status])
    trouble = (f"; measured: {told}" if told else "") + known + trouble
    return f"{found} ({split}) in {plural(files, 'file')}; {scanned}{trouble}."


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
