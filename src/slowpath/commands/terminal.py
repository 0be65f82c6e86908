"""What commands write: to the terminal, to files, and a line of progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import click

from slowpath.commands.exits import fail
from slowpath.report.style import clean


def color(terminal: bool) -> bool:
    """https://no-color.org, and FORCE_COLOR for those who pipe into a pager."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or terminal


def progress(*, quiet: bool = False) -> tuple[Callable[[str], None], Callable[[], None]]:
    """A line on stderr that names the stage, on a terminal only; and what wipes it out."""
    if quiet or os.environ.get("PRE_COMMIT") or not sys.stderr.isatty():
        return lambda stage: None, lambda: None
    return (
        lambda stage: print(f"\r\x1b[K{stage} …", end="", file=sys.stderr, flush=True),
        lambda: print("\r\x1b[K", end="", file=sys.stderr, flush=True),
    )


def write(path: Path | None, text: str) -> None:
    """To the file, or to stdout."""
    if path is None:
        click.echo(text.encode("utf-8", "replace"), nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}")


def warn(line: str) -> None:
    """One line on stderr."""
    click.echo(clean(f"slowpath: {line}"), err=True)
