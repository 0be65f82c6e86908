"""The web view of a program."""

from __future__ import annotations


class WebProgram:
    """To be linked."""
