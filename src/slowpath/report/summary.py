"""A report as Markdown for a comment on a pull request or the summary of a job: short first, paths folded away.

What the project says stays text: no markup, mention, reference or picture grows out of it. A comment holds 65,536
characters, so what matters least is left out, and said to be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from slowpath.model.finding import SEVERITIES, Finding
from slowpath.model.report import Report
from slowpath.report import markdown, text
from slowpath.report.document import Code, told
from slowpath.report.shared import at, details, file_of, page, ranked

MAX_CHARACTERS = 64_000
DETAILED = 30
"""Findings with their path; the others are told in a line."""
FOLDED = 12
"""Rows of the table of rules that are seen at once."""
MAX_TROUBLES = 10
MAX_TEXT = 500
CALLS = re.compile(r"([@#])(?=\w)|\b(GH)-(?=\d)")
"""What GitHub makes a mention or a reference of, even where the sign is escaped."""


def render(report: Report) -> str:
    """Counts, a table of rules, and the findings that matter most, first."""
    head = "\n".join(_head(report)) + "\n"
    foot = "\n".join(_troubles(report)) + "\n" if report.troubles else ""
    left = MAX_CHARACTERS - _length(head) - _length(foot)
    blocks = []
    found = [one.finding for one in ranked(report)]
    for number, finding in enumerate(found):
        block = "\n".join(_block(finding, report, number < DETAILED)) + "\n"
        left -= _length(block)
        if left < 0:
            break
        blocks.append(block)
    cut = len(found) - len(blocks)
    more = f"\n**{cut} more findings are left out here, those that matter least.**\n" if cut else ""
    return head + "".join(blocks) + more + foot


def _head(report: Report) -> Iterator[str]:
    yield from ("## slowpath", "", inert(text.summary(report)))
    if report.findings:
        yield from _rules(report)
        yield from ("", "Dearest first, as measured:" if report.measured else "Those that matter most first:")


def _rules(report: Report) -> Iterator[str]:
    counts = Counter((finding.rule, finding.severity) for finding in report.findings)
    rows = sorted(counts.items(), key=lambda row: (-SEVERITIES.index(row[0][1]), -row[1], row[0]))
    folded = len(rows) > FOLDED
    if folded:
        yield from ("", f"<details><summary>By rule, {len(rows)} rows</summary>")
    yield from ("", "| Rule | Severity | Findings |", "| --- | --- | ---: |")
    yield from (f"| {_linked(rule, report)} | {severity} | {count} |" for (rule, severity), count in rows)
    if folded:
        yield from ("", "</details>")


def _linked(rule: str, report: Report) -> str:
    name, address = markdown.inline((Code(rule),), in_table=True), page(report.rules[rule])
    return f"[{name}]({address})" if address else name


def _block(finding: Finding, report: Report, detailed: bool) -> Iterator[str]:
    where = markdown.inline((Code(report.prefix + at(finding.place, report)),))
    yield from ("", f"**{finding.severity}** {_linked(finding.rule, report)} {where}  ", inert(finding.message))
    lines = details(finding, report)
    if lines and detailed:
        count = len(finding.flow)
        title = f"Path of {count} step{'' if count == 1 else 's'}, and what to do" if count else "What to do"
        yield from ("", f"<details><summary>{title}</summary>", "")
        yield from (f"- {inert(line)}" for line in lines)
        yield from ("", "</details>")


def _troubles(report: Report) -> Iterator[str]:
    count = len(report.troubles)
    yield from ("", f"<details><summary>{count} problem{'' if count == 1 else 's'} reading files</summary>", "")
    for trouble in report.troubles[:MAX_TROUBLES]:
        path = file_of(trouble, report)[:MAX_TEXT]
        where = markdown.inline((Code(f"{path}:{trouble.line}" if trouble.line else path),))
        yield f"- {where}: {inert(trouble.message[:MAX_TEXT])}"
    if count > MAX_TROUBLES:
        yield f"- and {count - MAX_TROUBLES} more"
    yield from ("", "</details>")


def inert(message: str) -> str:
    """A message in one line, its `code` as code."""
    parts = (CALLS.sub("\\1\\2\u200b", part) if isinstance(part, str) else part for part in told(message))
    return markdown.inline(tuple(parts))


def _length(written: str) -> int:
    """As GitHub counts: UTF-16 units at worst."""
    return len(written.encode("utf-16-le", "surrogatepass")) // 2
