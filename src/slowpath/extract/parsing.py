"""tree-sitter parsers, one per grammar and process. Parsing never raises."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module

from tree_sitter import Language, Node, Parser, Tree

from slowpath.extract.repair import repaired
from slowpath.model.finding import Span

GRAMMARS = {
    "rust": ("tree_sitter_rust", "language"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "toml": ("tree_sitter_toml", "language"),
}
WEB = frozenset(["typescript", "tsx"])
ROUNDS = 8
"""How often one repair may bring the next trouble to light."""

MAX_DEPTH = 500
"""The deepest of 4,000 files of products has 88 levels."""
STEP = 4096


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
    tree = _parser(name).parse(source)
    return _mended(name, source, tree) if name in WEB and tree.root_node.has_error else tree


def _mended(name: str, source: bytes, tree: Tree) -> Tree:
    """The tree of the repaired text, as long as that leaves less unread."""
    for _ in range(ROUNDS):
        spans = broken(tree)
        text = repaired(source, spans)
        if text == source:
            break
        other = _parser(name).parse(text)
        if sum(end - start for start, end in broken(other)) >= sum(end - start for start, end in spans):
            break
        source, tree = text, other
    return tree


def parse_part(name: str, source: bytes) -> Tree:
    """The syntax tree of a piece of a file; the file's own tree stays at hand."""
    return _parser(name).parse(source)


def too_deep(tree: Tree, source: bytes) -> bool:
    """Is something nested deeper than people nest? To climb out of it takes time that grows with the square.

    Looked for at some places only: where thousands of levels are, they take thousands of bytes.
    """
    cursor = tree.walk()
    for at in range(STEP // 2, len(source), STEP):
        cursor.reset(tree.root_node)
        depth = 0
        while cursor.goto_first_child_for_byte(at) is not None:
            depth += 1
        if depth > MAX_DEPTH:
            return True
    return False


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


def indent(node: Node) -> str:
    """The white space that begins a node's line."""
    line, above = node.start_byte - node.start_point[1], node
    while above.start_byte > line and above.parent is not None:
        above = above.parent
    before = (above.text or b"")[max(0, line - above.start_byte) : node.start_byte - above.start_byte].decode()
    return before[: len(before) - len(before.lstrip())]


def walk(root: Node) -> Iterator[Node]:
    """A node and all below it that have names in the grammar; of siblings the last first."""
    stack = [root]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.named_children)


def first(node: Node) -> Node | None:
    """The first named child, if there is one."""
    return node.named_children[0] if node.named_child_count else None
