"""Facts → CargoProgram."""

from __future__ import annotations

from slowpath.program import Program
from slowpath.program.cargo import CargoProgram


def link(program: Program) -> CargoProgram:
    """The cargo view of a program."""
    return CargoProgram()
