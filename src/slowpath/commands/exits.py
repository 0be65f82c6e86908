"""Exit codes, and how commands end."""

from __future__ import annotations

import sys
from typing import NoReturn

import click

from slowpath.report.style import clean

FINDINGS = GATE = 1
USAGE, INTERNAL, INCONCLUSIVE = 2, 3, 4
INTERRUPTED = 130
"""As shells say it."""


def fail(message: str, code: int = USAGE) -> NoReturn:
    """One line on stderr, and the end."""
    click.echo(clean(f"slowpath: {message}"), err=True)
    sys.exit(code)


def needs_extra(module: str) -> NoReturn:
    """For a package of the extra `runtime` that is not installed."""
    fail(f"{module} is not installed: pip install 'slowpath[runtime]'")
