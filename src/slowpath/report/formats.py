"""The formats of a scan by name, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slowpath.model.report import Report

FORMATS: dict[str, str] = {
    "full": "text:full",
    "concise": "text:concise",
    "json": "json:render",
    "json-lines": "json_lines:render",
    "sarif": "sarif:render",
    "github": "github:render",
    "gitlab": "gitlab:render",
    "junit": "junit:render",
    "rdjson": "rdjson:render",
    "markdown": "summary:render",
}
"""Name → module below `slowpath.report`, and its function from a report to text."""
FOR_PEOPLE = ("full", "concise")
WITH_TEXT = (*FOR_PEOPLE, "github")
"""These may be coloured, and leave what could not be read to stderr."""


def rendered(report: Report, name: str, color: bool = False, category: str = "") -> str:
    """The report in that format. `category` is SARIF's."""
    module, _, function = FORMATS[name].partition(":")
    render = getattr(import_module(f"slowpath.report.{module}"), function)
    if name in WITH_TEXT:
        text: str = render(report, color)
    else:
        text = render(report, category) if name == "sarif" else render(report)
    return text
