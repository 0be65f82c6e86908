"""What a hover over a finding says: why, the path that proves it, and the page of its rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.server.analyst import View

SHOWN_ROUTES = 6
QUERY = re.compile(r"^```query\n.*?^```$", re.M | re.S)
"""How a page finds, which is for those who write pages."""
MARKS = re.compile(r"([\\\[\]*_<>])")


def hover(view: View, findings: Iterable[Finding], *, links: bool) -> str:
    """Markdown; without `links` the places stand in the text."""
    return "\n\n---\n\n".join("\n\n".join(_told(view, finding, links)) for finding in findings)


def _told(view: View, finding: Finding, links: bool) -> Iterator[str]:
    assert view.report is not None
    yield f"**{finding.rule}** ({finding.severity}, {finding.confidence} confidence)"
    yield finding.message
    if finding.flow:
        yield "\n".join(
            [
                "Path:",
                "",
                *(f"{number}. {_step(view, step, links)}" for number, step in enumerate(finding.flow, 1)),
            ]
        )
    if finding.related:
        yield "\n".join(["Also:", "", *(f"- {_step(view, step, links)}" for step in finding.related)])
    if finding.routes:
        more = len(finding.routes) - SHOWN_ROUTES
        yield (
            "Routes: "
            + ", ".join(f"`{each}`" for each in finding.routes[:SHOWN_ROUTES])
            + (f" and {more} more" if more > 0 else "")
        )
    rule = view.report.rules.get(finding.rule)
    if rule is not None:
        yield from _page(rule)


def _step(view: View, step: Step, links: bool) -> str:
    assert view.report is not None
    path = step.place.path
    line = view.report.sources.line(path, step.place.span[0])
    where = MARKS.sub(r"\\\1", f"{path}:{line}")
    return f"{f'[{where}]({view.uri(path)}#L{line})' if links else where}: {step.message}"


def _page(rule: Rule) -> Iterator[str]:
    yield f"### {rule.title}"
    yield rule.why
    for title, text in (("Instead", rule.instead), ("Limits", rule.limits)):
        told = QUERY.sub("", text).strip()
        if told:
            yield f"#### {title}\n\n{told}"
