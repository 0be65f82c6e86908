"""One JavaScript or TypeScript tree in, ReactFacts out: components, memo wrappers, hooks, contexts and JSX call sites."""

from __future__ import annotations

from tree_sitter import Tree

from slowpath.model.react import ReactFacts


def extract(tree: Tree, source: bytes) -> ReactFacts:
    """The facts of one file."""
    return ReactFacts()
