"""One Rust tree in, DieselFacts out: `table!` declarations and the columns that queries compare, join and order by."""

from __future__ import annotations

from tree_sitter import Tree

from slowpath.model.diesel import DieselFacts


def extract(tree: Tree, source: bytes) -> DieselFacts:
    """The facts of one file."""
    return DieselFacts()
