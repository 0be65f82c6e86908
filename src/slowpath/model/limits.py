"""Bounds that more than one room keeps, so that no pattern of a scanned project can hang a scan."""

from __future__ import annotations

MAX_STARS = 8
"""Stars in one .gitignore-style pattern: each multiplies the time that a long path can cost."""
