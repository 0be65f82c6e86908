"""Facts about the names, paths, macros and attributes that a file mentions, as Cargo rules need them."""

from __future__ import annotations

import msgspec


class MentionFacts(msgspec.Struct, array_like=True):
    """One Rust file's part."""
