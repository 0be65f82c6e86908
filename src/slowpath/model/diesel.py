"""Facts about `table!` declarations and the columns that queries compare, join and order by."""

from __future__ import annotations

import msgspec


class DieselFacts(msgspec.Struct, array_like=True):
    """One Rust file's part."""
