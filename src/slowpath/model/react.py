"""Facts about components, memo wrappers, hooks, contexts and JSX call sites."""

from __future__ import annotations

import msgspec


class ReactFacts(msgspec.Struct, array_like=True):
    """One file's part."""
