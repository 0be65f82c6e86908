"""Which declaration a name in a JavaScript or TypeScript tree means, and where a declaration is used.

Block scopes, parameters, loops and catch clauses are known; hoisted `var` and `with` are not. Names in type positions
are no uses. Everything is looked up on demand: a file of which nothing is asked costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import text

FUNCTIONS = frozenset(
    ["arrow_function", "function_expression", "function_declaration", "method_definition", "generator_function"]
)
LOOPS = frozenset(["for_in_statement", "for_statement"])
SCOPES = FUNCTIONS | LOOPS | {"statement_block", "program", "catch_clause", "switch_body", "class_body"}
WORD = frozenset(bytes([each]) for each in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$")
VALUES = frozenset(["identifier", "shorthand_property_identifier"])
TYPE_PARENTS = frozenset(["type_query", "nested_type_identifier", "export_specifier", "import_specifier"])
BINDING_PARENTS = frozenset(
    ["required_parameter", "optional_parameter", "rest_pattern", "array_pattern", "pair_pattern", "labeled_statement"]
)

BindingKind = Literal["import", "parameter", "variable", "function", "class"]


class Binding(NamedTuple):
    """A declared name. `node` is the identifier; `owner` the declarator, function or class around it."""

    name: str
    kind: BindingKind
    node: Node
    owner: Node
    scope: Node
    """The node of the scope that the name belongs to."""
    whole: bool
    """Declared under its own name, not taken out of an object or array."""
    constant: bool
    """Declared by `const`, `function`, `class` or `import`."""

    @property
    def value(self) -> Node | None:
        """The initialiser of a variable; of a destructured one, the object that it is taken from."""
        return self.owner.child_by_field_name("value") if self.kind == "variable" else None


def source_of(name: Node) -> str:
    """The module that an imported name comes from."""
    current: Node | None = name
    while current is not None and current.type != "import_statement":
        current = current.parent
    return text(current.child_by_field_name("source")).strip("'\"") if current is not None else ""


class Scopes:
    """The scopes of one tree."""

    def __init__(self, root: Node, source: bytes) -> None:
        self.root = root
        self.source = source
        self._known: dict[int, dict[str, Binding]] = {}

    def lookup(self, name: str, at: Node) -> Binding | None:
        """The declaration that `name` means where `at` stands; None for globals."""
        scope = at.parent
        while scope is not None:
            if scope.type in SCOPES:
                found = self.names(scope).get(name)
                if found is not None:
                    return found
            scope = scope.parent
        return None

    def names(self, scope: Node) -> dict[str, Binding]:
        """What a scope node itself declares."""
        known = self._known.get(scope.id)
        if known is None:
            known = {}
            for binding in _declared(scope):
                known.setdefault(binding.name, binding)
            self._known[scope.id] = known
        return known

    def uses(self, binding: Binding) -> list[Node]:
        """The identifiers that mean the declaration, in source order, itself left out."""
        scope = binding.scope
        found = []
        for at in occurrences(self.source, binding.name, scope.start_byte, scope.end_byte):
            node = self.root.descendant_for_byte_range(at, at + len(binding.name.encode()))
            if node is None or node.type not in VALUES or node.id == binding.node.id:
                continue
            parent = node.parent
            if parent is None or parent.type in TYPE_PARENTS or parent.type == "jsx_closing_element":
                continue
            meant = self.lookup(binding.name, node)
            if meant is not None and meant.node.id == binding.node.id and not _is_binding(node, parent):
                found.append(node)
        return found


def occurrences(source: bytes, name: str, start: int, end: int) -> Iterator[int]:
    """Byte offsets where a word stands, whatever it means there."""
    word = name.encode()
    at = source.find(word, start, end) if word else -1
    while at >= 0:
        after = at + len(word)
        if source[at - 1 : at] not in WORD and source[after : after + 1] not in WORD:
            yield at
        at = source.find(word, after, end)


def _is_binding(node: Node, parent: Node) -> bool:
    if parent.type in BINDING_PARENTS:
        return True
    return parent.type in ("variable_declarator", "function_declaration") and parent.child_by_field_name("name") == node


def _declared(scope: Node) -> Iterator[Binding]:
    if scope.type in FUNCTIONS:
        yield from _parameters(scope)
    elif scope.type == "catch_clause":
        yield from _pattern(scope.child_by_field_name("parameter"), "parameter", scope, scope, True)
    elif scope.type == "for_in_statement":
        yield from _pattern(scope.child_by_field_name("left"), "parameter", scope, scope, True)
    elif scope.type == "for_statement":
        initializer = scope.child_by_field_name("initializer")
        if initializer is not None:
            yield from _statement(initializer, scope)
    elif scope.type == "switch_body":
        for case in scope.named_children:
            for child in case.named_children:
                yield from _statement(child, scope)
    elif scope.type in ("statement_block", "program"):
        for child in scope.named_children:
            yield from _statement(child, scope)


def _parameters(function: Node) -> Iterator[Binding]:
    single = function.child_by_field_name("parameter")
    if single is not None:
        yield from _pattern(single, "parameter", function, function, True)
    parameters = function.child_by_field_name("parameters")
    for child in parameters.named_children if parameters is not None else ():
        yield from _pattern(child.child_by_field_name("pattern") or child, "parameter", function, function, True)
    name = function.child_by_field_name("name") if function.type == "function_expression" else None
    if name is not None:
        yield Binding(text(name), "function", name, function, function, True, True)


def _statement(node: Node, scope: Node) -> Iterator[Binding]:
    if node.type == "export_statement":
        declaration = node.child_by_field_name("declaration")
        if declaration is not None:
            yield from _statement(declaration, scope)
    elif node.type in ("lexical_declaration", "variable_declaration"):
        constant = node.child_count > 0 and text(node.children[0]) == "const"
        for declarator in node.named_children:
            if declarator.type == "variable_declarator":
                name = declarator.child_by_field_name("name")
                yield from _pattern(name, "variable", declarator, scope, constant)
    elif node.type in ("function_declaration", "generator_function_declaration", "class_declaration"):
        name = node.child_by_field_name("name")
        if name is not None:
            kind: BindingKind = "class" if node.type == "class_declaration" else "function"
            yield Binding(text(name), kind, name, node, scope, True, True)
    elif node.type == "import_statement":
        yield from _imported(node, scope)


def _imported(statement: Node, scope: Node) -> Iterator[Binding]:
    stack = list(statement.named_children)
    while stack:
        node = stack.pop()
        if node.type == "import_specifier":
            name = node.child_by_field_name("alias") or node.child_by_field_name("name")
            if name is not None:
                yield Binding(text(name), "import", name, node, scope, True, True)
        elif node.type == "identifier":
            yield Binding(text(node), "import", node, statement, scope, True, True)
        elif node.type in ("import_clause", "named_imports", "namespace_import"):
            stack.extend(node.named_children)


def _pattern(node: Node | None, kind: BindingKind, owner: Node, scope: Node, constant: bool) -> Iterator[Binding]:
    """The names that a (possibly destructuring) pattern declares."""
    if node is None:
        return
    if node.type == "identifier":
        yield Binding(text(node), kind, node, owner, scope, True, constant)
        return
    stack = [node]
    while stack:
        part = stack.pop()
        if part.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield Binding(text(part), kind, part, owner, scope, False, constant)
        elif part.type in ("object_assignment_pattern", "assignment_pattern"):
            left = part.child_by_field_name("left")
            if left is not None:
                stack.append(left)
        elif part.type == "pair_pattern":
            value = part.child_by_field_name("value")
            if value is not None:
                stack.append(value)
        elif part.type in ("object_pattern", "array_pattern", "rest_pattern"):
            stack.extend(part.named_children)
