"""Facts about awaits, what they need of each other, and the loops that they stand in."""

from __future__ import annotations

import msgspec


class AwaitFacts(msgspec.Struct, array_like=True):
    """One file's part."""
