"""The cargo view of a program."""

from __future__ import annotations


class CargoProgram:
    """To be linked."""
