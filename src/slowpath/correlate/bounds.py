"""Figures of a file that anybody may have written: none is below nothing, nor so large that sums overflow."""

from __future__ import annotations

MOST = 1e12
"""Milliseconds, rows, calls: more than any measurement has."""


def sane(figure: float) -> float:
    """The figure, within bounds."""
    return min(max(figure, 0.0), MOST)
