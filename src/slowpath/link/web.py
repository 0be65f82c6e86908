"""Facts → WebProgram."""

from __future__ import annotations

from slowpath.program import Program
from slowpath.program.web import WebProgram


def link(program: Program) -> WebProgram:
    """The web view of a program."""
    return WebProgram()
