from __future__ import annotations

from slowpath.model.facts import Facts


class SqlFacts(Facts, array_like=True):
    """Facts of a migration."""
