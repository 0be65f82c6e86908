from __future__ import annotations

from slowpath.model.facts import Facts


class TomlFacts(Facts, array_like=True):
    """Facts of a Cargo.toml, Cargo.lock, diesel.toml or metadata.toml."""
