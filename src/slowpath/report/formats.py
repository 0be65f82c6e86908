"""The formats of a scan by name, each imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from slowpath.model.report import Report

FORMATS: dict[str, str] = {
    "full": "text:full",
    "concise": "text:concise",
    "json": "json:render",
    "sarif": "sarif:render",
}
"""Name → module below `slowpath.report`, and its function from a report to text."""
FOR_PEOPLE = ("full", "concise")
"""These may be coloured, and leave what could not be read to stderr."""


def rendered(report: Report, name: str, color: bool = False) -> str:
    """The report in that format."""
    module, _, function = FORMATS[name].partition(":")
    render = getattr(import_module(f"slowpath.report.{module}"), function)
    text: str = render(report, color) if name in FOR_PEOPLE else render(report)
    return text
