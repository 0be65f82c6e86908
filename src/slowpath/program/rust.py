"""The rust view of a program."""

from __future__ import annotations


class RustProgram:
    """To be linked."""
