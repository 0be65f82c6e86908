"""How a name is declared, seen from a place in the tree: by looking up through the blocks around it."""

from __future__ import annotations

from tree_sitter import Node

from slowpath.extract.await_patterns import names
from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import text, walk

DECLARED = ("function_declaration", "class_declaration", "enum_declaration")


def fixed(name: str, where: Node) -> bool:
    """The name is a constant, a parameter or an import, or one of the language's own."""
    kind, _ = declared(name, where)
    return kind != "let" if kind else name[:1].isupper()


def declared(name: str, where: Node) -> tuple[str, str]:
    """How a name is declared, and the type of the node that declares it; nothing for a global."""
    at: Node | None = where
    while at is not None:
        above = at.parent
        if at.type in FUNCTIONS:
            parameters = at.child_by_field_name("parameters") or at.child_by_field_name("parameter")
            if name in names(parameters):
                return "parameter", at.type
        if at.type in ("statement_block", "program", "switch_case"):
            kind = _declared(at, name)
            if kind:
                return kind, at.type
        if at.type == "for_in_statement" and name in names(at.child_by_field_name("left")):
            return "const", at.type
        at = above
    return "", ""


def _declared(block: Node, name: str) -> str:
    for child in block.named_children:
        node = child.child_by_field_name("declaration") or child if child.type == "export_statement" else child
        if node.type in ("lexical_declaration", "variable_declaration"):
            if any(name in names(each.child_by_field_name("name")) for each in node.named_children):
                return "const" if node.children[0].type == "const" else "let"
        elif node.type == "import_statement":
            if name in _imported(node):
                return "import"
        elif node.type in DECLARED and text(node.child_by_field_name("name")) == name:
            return "function"
    return ""


def _imported(node: Node) -> set[str]:
    return {text(at) for at in walk(node) if at.type == "identifier"}
