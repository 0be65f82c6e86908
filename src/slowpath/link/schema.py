"""Facts → SchemaProgram."""

from __future__ import annotations

from slowpath.program import Program
from slowpath.program.schema import SchemaProgram


def link(program: Program) -> SchemaProgram:
    """The schema view of a program."""
    return SchemaProgram()
