"""One JavaScript or TypeScript tree in, AwaitFacts out: awaits, what they need of each other, and the loops that they stand in."""

from __future__ import annotations

from tree_sitter import Tree

from slowpath.model.awaits import AwaitFacts


def extract(tree: Tree, source: bytes) -> AwaitFacts:
    """The facts of one file."""
    return AwaitFacts()
