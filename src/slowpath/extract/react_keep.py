"""How a context's value can be kept with useMemo: where its dependencies are certain, and a hook may stand."""

from __future__ import annotations

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_uses import CHAIN, never_changes, path_of
from slowpath.extract.react_values import made_anew
from slowpath.extract.scopes import FUNCTIONS, Scopes, source_of
from slowpath.model.finding import Span

Replaced = tuple[Span, str]


def kept(value: Node, local: str, component: Node, scopes: Scopes) -> tuple[Replaced, ...]:
    """The edits; none where a part is made anew as well, or where the component may return before."""
    binding = scopes.lookup(local, value) if local else None
    made = binding.value if binding is not None else value
    hook = _hook(scopes)
    body = component.child_by_field_name("body")
    if made is None or made.type != "object" or hook is None or body is None or body.type != "statement_block":
        return ()
    dependencies = _dependencies(made, component, scopes)
    statement = _statement(made, body)
    if dependencies is None or statement is None or _returns_before(statement, body):
        return ()
    call = f"{hook[0]}(() => ({text(made)}), [{', '.join(dependencies)}])"
    if binding is not None:
        return (*hook[1], ((made.start_byte, made.end_byte), call))
    if statement.type != "return_statement":
        return ()
    name = next((name for name in ("value", "contextValue") if scopes.lookup(name, made) is None), "")
    line = scopes.source.rfind(b"\n", 0, statement.start_byte) + 1
    indent = scopes.source[line : statement.start_byte].decode("utf-8", "replace")
    if indent.strip():
        return ()
    at = (statement.start_byte, statement.start_byte)
    place = ((made.start_byte, made.end_byte), name)
    return (*hook[1], (at, f"const {name} = {call};\n{indent}"), place) if name else ()


def _dependencies(made: Node, component: Node, scopes: Scopes) -> list[str] | None:
    """What an object of names and paths rests on; None where it holds anything else."""
    found: list[str] = []
    for part in made.named_children:
        if part.type == "comment":
            continue
        value = part if part.type == "shorthand_property_identifier" else part.child_by_field_name("value")
        path = path_of(value) if value is not None and part.type in ("pair", "shorthand_property_identifier") else ()
        if value is None or not path:
            return None
        root = value
        while root.type in CHAIN:
            root = first(root) or root
        binding = scopes.lookup(path[0], root)
        inside = binding is not None and component.start_byte <= binding.node.start_byte < component.end_byte
        if binding is None or (not binding.constant and binding.kind != "parameter"):
            return None
        if not inside or never_changes(binding):
            continue
        if binding.whole and (binding.kind == "function" or made_anew(binding.value, component, scopes) is not None):
            return None
        if text(value) not in found:
            found.append(text(value))
    return found or None


def _statement(node: Node, body: Node) -> Node | None:
    """The statement of a component's body that holds a node, reached with no branch, loop or function between."""
    parent = node.parent
    while parent is not None and parent != body:
        if parent.type in FUNCTIONS or parent.type in ("ternary_expression", "binary_expression"):
            return None
        node, parent = parent, parent.parent
    kinds = ("return_statement", "lexical_declaration")
    return node if parent is not None and node.type in kinds else None


def _returns_before(statement: Node, body: Node) -> bool:
    stack = [child for child in body.named_children if child.start_byte < statement.start_byte]
    while stack:
        node = stack.pop()
        if node.type in ("return_statement", "throw_statement"):
            return True
        if node.type not in FUNCTIONS:
            stack.extend(node.named_children)
    return False


def _hook(scopes: Scopes) -> tuple[str, list[Replaced]] | None:
    """How useMemo is called in the file, with the edit that imports it."""
    names = scopes.names(scopes.root)
    if "useMemo" in names:
        owner = names["useMemo"].owner
        stays = ((owner.start_byte, owner.end_byte), text(owner))  # or a fix of another rule would take it away
        return ("useMemo", [stays]) if names["useMemo"].kind == "import" else None
    for binding in names.values():
        if binding.kind == "import" and source_of(binding.node) == "react":
            if binding.owner.type == "import_specifier" and binding.owner.parent is not None:
                at = binding.owner.start_byte
                statement = binding.owner.parent.parent and binding.owner.parent.parent.parent
                if statement is not None and not text(statement).startswith("import type"):
                    return "useMemo", [((at, at), "useMemo, ")]
            elif binding.name == "React":
                return "React.useMemo", []
    return None
