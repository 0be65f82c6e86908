"""One JavaScript or TypeScript tree in, ModuleFacts out: imports, exports, re-exports and dynamic imports.

Only top-level statements are walked. What lies deeper is found in the bytes first and then looked up in the tree.
"""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node, Tree

from slowpath.extract import dynamic_imports, import_uses, react_compiler, web_routes
from slowpath.extract.parsing import text
from slowpath.model.finding import Span
from slowpath.model.modules import DeclarationKind, Declared, Export, Import, ImportedName, ModuleFacts, Use

KINDS: dict[str, DeclarationKind] = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "function_signature": "function",
    "class_declaration": "class",
    "abstract_class_declaration": "class",
    "enum_declaration": "variable",
    "internal_module": "variable",
    "interface_declaration": "type",
    "type_alias_declaration": "type",
}
VARIABLES = ("lexical_declaration", "variable_declaration")
TYPES = ("interface_declaration", "type_alias_declaration", "ambient_declaration")
ERASED = (*TYPES, "comment", "import_statement")
UNDIVIDED = "react"
"""Imported nearly everywhere, and whole whatever is used of it."""
INERT = ("comment", "empty_statement", "ambient_declaration", "hash_bang_line")


def extract(tree: Tree, source: bytes) -> ModuleFacts:
    """The facts of one file."""
    facts = ModuleFacts(lines=source.count(b"\n") + 1)
    imports: list[Node] = []
    facts.code = dense(source)
    for node in tree.root_node.named_children:
        kind = node.type
        if kind in ERASED or (kind == "export_statement" and _leaves_nothing(node)):
            facts.code -= dense(source[node.start_byte : node.end_byte])
        if kind == "import_statement":
            imports.append(node)
        elif kind == "export_statement":
            _export(node, facts)
        elif kind in KINDS or kind in VARIABLES:
            facts.declared += _declared(node)
        elif kind == "expression_statement":
            _statement(node, facts)
        elif kind not in INERT:
            facts.effects = True
    uses = import_uses.Uses(tree.root_node, source, [(node.start_byte, node.end_byte) for node in imports])
    facts.imports = [_import(node, uses) for node in imports]
    facts.dynamic = dynamic_imports.extract(tree.root_node, source)
    facts.dynamic += dynamic_imports.globs(tree.root_node, source)
    facts.dynamic += dynamic_imports.route_files(tree.root_node, source)
    facts.routes = web_routes.extract(tree.root_node, source)
    facts.compiler = react_compiler.compiler(tree.root_node, source)
    return facts


def _span(node: Node) -> Span:
    return (node.start_byte, node.end_byte)


def dense(source: bytes) -> int:
    """Bytes that are not white space."""
    return len(b"".join(source.split()))


def _leaves_nothing(export: Node) -> bool:
    declaration = export.child_by_field_name("declaration")
    return export.child_by_field_name("source") is not None or (declaration is not None and declaration.type in TYPES)


def literal(node: Node | None) -> str:
    """The value of a string without escapes, or nothing."""
    return text(node)[1:-1] if node is not None and node.type == "string" else ""


def _import(node: Node, uses: import_uses.Uses) -> Import:
    clause = next((c for c in node.named_children if c.type in ("import_clause", "import_require_clause")), None)
    source = node.child_by_field_name("source") or (clause.child_by_field_name("source") if clause else None)
    specifier = literal(source)
    if clause is None:
        return Import(specifier, _span(node))
    type_only = any(child.type in ("type", "typeof") for child in node.children)
    names = []
    for imported, local, typed in _names(clause):
        package = specifier[:1] not in (".", "#", "~")
        use: Use = "type" if type_only or typed else uses.of(local, handlers=package)
        whole = package and use != "type" and imported in ("*", "default") and specifier != UNDIVIDED
        members, in_types = uses.members(local) if whole else (None, False)
        names.append(ImportedName(imported, local, use, members, in_types))
    return Import(specifier, _span(node), tuple(names), type_only)


def _names(clause: Node) -> Iterator[tuple[str, str, bool]]:
    """(imported, local, marked as a type)"""
    if clause.type == "import_require_clause":
        yield "default", text(clause.named_children[0]), False
        return
    for child in clause.named_children:
        if child.type == "identifier":
            yield "default", text(child), False
        elif child.type == "namespace_import":
            yield "*", text(child.named_children[-1]), False
        elif child.type == "named_imports":
            for entry in child.named_children:
                if entry.type == "import_specifier":
                    yield (*_renamed(entry), _marked(entry))


def _renamed(specifier: Node) -> tuple[str, str]:
    name = specifier.child_by_field_name("name")
    alias = specifier.child_by_field_name("alias")
    return text(name).strip("'\""), text(alias or name).strip("'\"")


def _marked(specifier: Node) -> bool:
    return any(child.type in ("type", "typeof") for child in specifier.children[:1])


def _export(node: Node, facts: ModuleFacts) -> None:
    declaration = node.child_by_field_name("declaration")
    words = [child.type for child in node.children if not child.is_named]
    if "default" in words:
        _default(node, declaration, facts)
    elif declaration is not None:
        own = _declared(declaration)
        facts.declared += own
        facts.exports += [Export(d.name, d.name, d.span, "", d.kind == "type") for d in own]
    elif "=" in words:
        facts.exports.append(Export("default", text(node.named_children[-1]), _span(node)))
    else:
        facts.exports += _reexports(node, "type" in words)


def _default(node: Node, declaration: Node | None, facts: ModuleFacts) -> None:
    own = _declared(declaration) if declaration is not None else []
    value = node.child_by_field_name("value")
    if own:
        facts.declared += own
        facts.exports.append(Export("default", own[0].name, own[0].span, "", own[0].kind == "type"))
    elif value is not None and value.type == "identifier":
        facts.exports.append(Export("default", text(value), _span(node)))
    else:
        kind: DeclarationKind = "function" if value is not None and "function" in value.type else "variable"
        facts.declared.append(Declared("default", kind, _span(value or node)))
        facts.exports.append(Export("default", "default", _span(node)))


def _reexports(node: Node, type_only: bool) -> Iterator[Export]:
    specifier = literal(node.child_by_field_name("source"))
    clause = next((c for c in node.named_children if c.type in ("export_clause", "namespace_export")), None)
    if clause is None:
        if specifier:
            yield Export("*", "*", _span(node), specifier, type_only)
    elif clause.type == "namespace_export":
        yield Export(text(clause.named_children[-1]).strip("'\""), "*", _span(node), specifier, type_only)
    else:
        for entry in clause.named_children:
            if entry.type == "export_specifier":
                local, name = _renamed(entry)
                yield Export(name, local, _span(entry), specifier, type_only or _marked(entry))


def _declared(node: Node) -> list[Declared]:
    kind = KINDS.get(node.type)
    if kind is not None:
        name = text(node.child_by_field_name("name"))
        return [Declared(name, kind, _span(node))] if name else []
    return [
        Declared(name, "variable", _span(entry))
        for entry in node.named_children
        if entry.type == "variable_declarator"
        for name in _bound(entry.child_by_field_name("name"))
    ]


def _bound(pattern: Node | None) -> Iterator[str]:
    stack = [pattern] if pattern is not None else []
    while stack:
        node = stack.pop()
        if node.type in ("identifier", "shorthand_property_identifier_pattern"):
            yield text(node)
        elif node.type == "pair_pattern":
            stack += [value for value in [node.child_by_field_name("value")] if value is not None]
        elif node.type in ("assignment_pattern", "object_assignment_pattern"):
            stack += [left for left in [node.child_by_field_name("left")] if left is not None]
        else:
            stack += reversed(node.named_children)


def _statement(node: Node, facts: ModuleFacts) -> None:
    """Directives, CommonJS exports, names for debugging; anything else is an effect of loading the file."""
    inner = node.named_children[0] if node.named_children else None
    if inner is None:
        return
    if inner.type == "string":
        if not facts.directive and literal(inner) in ("use client", "use server") and not facts.declared:
            facts.directive = literal(inner)
    elif inner.type == "internal_module":
        facts.declared += _declared(inner)
    elif inner.type == "assignment_expression":
        target = text(inner.child_by_field_name("left"))
        if target == "module.exports":
            value = inner.child_by_field_name("right")
            local = text(value) if value is not None and value.type == "identifier" else "default"
            if local == "default":
                facts.declared.append(Declared("default", "variable", _span(inner)))
            facts.exports.append(Export("default", local, _span(node)))
        elif target.startswith("exports.") or target.startswith("module.exports."):
            name = target.rpartition(".")[2]
            facts.declared.append(Declared(name, "variable", _span(inner)))
            facts.exports.append(Export(name, name, _span(node)))
        elif not target.endswith(".displayName"):
            facts.effects = True
    else:
        facts.effects = True
