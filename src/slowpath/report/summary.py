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
from slowpath.report.shared import at, details, page, ranked

MAX_CHARACTERS = 60_000
MAX_TROUBLES = 10
CALLS = re.compile(r"([@#])(?=\w)|\b(GH)-(?=\d)")
"""What GitHub makes a mention or a reference of, even where the sign is escaped."""


def render(report: Report) -> str:
    """Counts, a table of rules, and the findings that matter most, first."""
    head = "\n".join(_head(report)) + "\n"
    foot = "\n".join(_troubles(report)) + "\n" if report.troubles else ""
    left = MAX_CHARACTERS - _length(head) - _length(foot)
    blocks = []
    found = [one.finding for one in ranked(report)]
    for finding in found:
        block = "\n".join(_block(finding, report)) + "\n"
        left -= _length(block)
        if left < 0:
            break
        blocks.append(block)
    cut = len(found) - len(blocks)
    more = f"\n**{cut} more findings are left out here, those that matter least.**\n" if cut else ""
    return head + "".join(blocks) + more + foot


def _head(report: Report) -> Iterator[str]:
    yield from ("## slowpath", "", inert(text.summary(report)))
    counts = Counter((finding.rule, finding.severity) for finding in report.findings)
    if not counts:
        return
    yield from ("", "| Rule | Severity | Findings |", "| --- | --- | ---: |")
    for (rule, severity), count in sorted(
        counts.items(), key=lambda item: (-SEVERITIES.index(item[0][1]), -item[1], item[0])
    ):
        yield f"| {_linked(rule, report)} | {severity} | {count} |"
    measured = "Dearest first, as measured" if report.measured else "Those that matter most first"
    yield from ("", f"{measured}:")


def _linked(rule: str, report: Report) -> str:
    name, address = markdown.inline((Code(rule),), in_table=True), page(report.rules[rule])
    return f"[{name}]({address})" if address else name


def _block(finding: Finding, report: Report) -> Iterator[str]:
    where = markdown.inline((Code(report.prefix + at(finding.place, report)),))
    yield from ("", f"**{finding.severity}** {_linked(finding.rule, report)} {where}  ", inert(finding.message))
    lines = details(finding, report)
    if lines:
        count = len(finding.flow)
        title = f"Path of {count} step{'' if count == 1 else 's'}, and what to do" if count else "What to do"
        yield from ("", f"<details><summary>{title}</summary>", "")
        yield from (f"- {inert(line)}" for line in lines)
        yield from ("", "</details>")


def _troubles(report: Report) -> Iterator[str]:
    count = len(report.troubles)
    yield from ("", f"<details><summary>{count} problem{'' if count == 1 else 's'} reading files</summary>", "")
    for trouble in report.troubles[:MAX_TROUBLES]:
        where = markdown.inline((Code(f"{trouble.path}:{trouble.line}" if trouble.line else trouble.path),))
        yield f"- {where}: {inert(trouble.message)}"
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
