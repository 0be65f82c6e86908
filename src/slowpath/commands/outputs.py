"""Where the reports of one scan go: to stdout or a file, and in other formats into files beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from slowpath.commands import terminal
from slowpath.report import formats

if TYPE_CHECKING:
    from slowpath.model.report import Report


class Output(NamedTuple):
    """A format and the file that it goes into."""

    style: str
    path: Path


def parsed(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[Output, ...]:
    """Each `FORMAT=FILE`. Raises click's BadParameter."""
    found = []
    for value in values:
        style, _, path = value.partition("=")
        if style not in formats.FORMATS or not path:
            known = ", ".join(formats.FORMATS)
            raise click.BadParameter(f"{value!r} is not FORMAT=FILE, with one of the formats {known}")
        found.append(Output(style, Path(path)))
    return tuple(found)


def write(outputs: tuple[Output, ...], report: Report, category: str) -> None:
    """Every report into its file."""
    for style, path in outputs:
        terminal.write(path, formats.rendered(report, style, category=category))
