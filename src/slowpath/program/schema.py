"""The schema view of a program."""

from __future__ import annotations


class SchemaProgram:
    """To be linked."""
