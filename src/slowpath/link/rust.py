"""Facts → RustProgram."""

from __future__ import annotations

from slowpath.program import Program
from slowpath.program.rust import RustProgram


def link(program: Program) -> RustProgram:
    """The rust view of a program."""
    return RustProgram()
