"""Facts about lock guards that may live across an await."""

from __future__ import annotations

import msgspec


class GuardFacts(msgspec.Struct, array_like=True):
    """One Rust file's part."""
