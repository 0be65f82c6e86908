"""tree-sitter parsers, one per grammar and process. Parsing never raises."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser, Tree

from slowpath.model.finding import Span

GRAMMARS = {
    "rust": ("tree_sitter_rust", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "toml": ("tree_sitter_toml", "language"),
}


@cache
def grammar(name: str) -> Language:
    """The compiled grammar of a key of `GRAMMARS`."""
    module, function = GRAMMARS[name]
    return Language(getattr(import_module(module), function)())


@cache
def _parser(name: str) -> Parser:
    return Parser(grammar(name))


@lru_cache(maxsize=1)
def parse(name: str, source: bytes) -> Tree:
    """The syntax tree of a source text in the given grammar; asked again for the same text, the same tree."""
    return _parser(name).parse(source)


def parse_part(name: str, source: bytes) -> Tree:
    """The syntax tree of a piece of a file; the file's own tree stays at hand."""
    return _parser(name).parse(source)


def broken(tree: Tree) -> list[Span]:
    """The outermost ERROR nodes of a tree."""
    if not tree.root_node.has_error:
        return []
    spans: list[Span] = []
    stack = [tree.root_node]
    while stack:
        node = stack.pop()
        if node.is_error:
            spans.append((node.start_byte, node.end_byte))
        elif node.has_error:
            stack.extend(reversed(node.children))
    return spans


def text(node: Node | None) -> str:
    """The source text of a node, or nothing."""
    return node.text.decode() if node is not None and node.text is not None else ""


def first(node: Node) -> Node | None:
    """The first named child, if there is one."""
    return node.named_children[0] if node.named_child_count else None
