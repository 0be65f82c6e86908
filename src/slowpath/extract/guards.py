"""One Rust tree in, GuardFacts out: lock guards that may live across an await."""

from __future__ import annotations

from tree_sitter import Tree

from slowpath.model.guards import GuardFacts


def extract(tree: Tree, source: bytes) -> GuardFacts:
    """The facts of one file."""
    return GuardFacts()
