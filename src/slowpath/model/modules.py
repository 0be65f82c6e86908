"""Facts about imports, exports, re-exports and dynamic imports."""

from __future__ import annotations

import msgspec


class ModuleFacts(msgspec.Struct, array_like=True):
    """One file's part."""
