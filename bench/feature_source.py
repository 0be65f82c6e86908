"""A crate's modules and items from its source, each with the features under which it is compiled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from feature_calls import Macros
from feature_gates import ALWAYS, NEVER, Gate, balanced, both, parse
from feature_items import Impl, Item, Module
from feature_syntax import (
    PARSER,
    gate_of,
    given_types,
    is_public,
    items_below,
    name_of,
    text_of,
    type_path,
    use_paths,
    with_attributes,
)
from tree_sitter import Node

KINDS = {
    "function_item": "fn",
    "function_signature_item": "fn",
    "struct_item": "struct",
    "union_item": "struct",
    "enum_item": "enum",
    "trait_item": "trait",
    "type_item": "type",
    "associated_type": "type",
    "const_item": "const",
    "static_item": "static",
    "macro_definition": "macro",
    "mod_item": "mod",
    "use_declaration": "use",
    "extern_crate_declaration": "use",
    "enum_variant": "variant",
    "field_declaration": "field",
}
PROC_MACRO = re.compile(r"#\[proc_macro(?:_derive\((\w+)|_attribute)?")
HIDDEN = re.compile(r"#\s*\[\s*doc\s*\(\s*hidden\s*\)")
DERIVE = re.compile(r"\bderive\s*\(([^)]*)\)")


class Source:
    """The modules of one crate, read from its `[lib]`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifest: dict[str, Any] = tomllib.loads((directory / "Cargo.toml").read_text())
        self.macros = Macros()
        self.exported_macros: list[Item] = []
        self.impls: list[Impl] = []
        self._trees: dict[Path, Node] = {}
        root = directory / self.manifest.get("lib", {}).get("path", "src/lib.rs")
        self._read_macros(root.parent)
        self.root = Module(None, ALWAYS, root.parent)
        self._read_file(root, self.root, 0)
        self.root.items += self.exported_macros
        self._trees.clear()

    @property
    def features(self) -> dict[str, list[str]]:
        """All features, those that optional dependencies bring by themselves written out."""
        features: dict[str, list[str]] = {**self.manifest.get("features", {})}
        hidden = {value for values in features.values() for value in values}
        for name, dependency in self.dependencies.items():
            if dependency.get("optional") and f"dep:{name}" not in hidden:
                features.setdefault(name, [f"dep:{name}"])
        return features

    @property
    def dependencies(self) -> dict[str, dict[str, Any]]:
        """The normal dependencies of all platforms by their name in this crate."""
        tables = [self.manifest, *self.manifest.get("target", {}).values()]
        found: dict[str, dict[str, Any]] = {}
        for table in tables:
            for name, given in table.get("dependencies", {}).items():
                found.setdefault(name, given if isinstance(given, dict) else {"version": given})
        return found

    def words(self) -> set[str]:
        """All words of its source, comments and strings included."""
        files = (path.read_text(errors="replace") for path in self.directory.rglob("*.rs"))
        return {word for text in files for word in set(re.findall(r"\w+", text))}

    def _read_macros(self, directory: Path) -> None:
        nodes = []
        for path in sorted(directory.rglob("*.rs")):
            text = path.read_bytes()
            if b"macro_rules!" in text:
                nodes += [node for node in items_below(PARSER.parse(text).root_node) if node.type == "macro_definition"]
        self.macros.define_all(nodes)

    def _tree(self, path: Path) -> Node:
        if path not in self._trees:
            self._trees[path] = PARSER.parse(path.read_bytes()).root_node
        return self._trees[path]

    def _read_file(self, path: Path, module: Module, depth: int) -> None:
        if path.is_file() and depth < 20:
            node = self._tree(path)
            inner = [text_of(child) for child in node.children if child.type == "inner_attribute_item"]
            module.gate = both(module.gate, gate_of(inner))
            self._read_items(node, module, ALWAYS, (path, 0), depth)

    def _read_items(self, node: Node, module: Module, gate: Gate, at: tuple[Path, int], depth: int) -> None:
        """The items of a module's body, of a macro call's braces."""
        for child, attributes in with_attributes(node):
            own = both(gate, gate_of(attributes))
            if both(module.gate, own) == NEVER:
                continue
            place = f"{at[0].relative_to(self.directory)}:{at[1] + child.start_point[0] + 1}"
            if child.type == "impl_item":
                self._read_impl(child, module, both(module.gate, own), at, place)
            elif child.type == "macro_invocation":
                self._read_call(child, module, own, at, depth)
            elif child.type in KINDS:
                if child.type == "macro_definition":
                    self.macros.define(child)
                self._read_item(child, attributes, module, both(module.gate, own), at, place, depth)

    def _read_call(self, node: Node, module: Module, gate: Gate, at: tuple[Path, int], depth: int) -> None:
        """The items that a macro hands through."""
        before = len(module.items)
        macro = self.macros.called(node)
        for body, inside, line in self.macros.bodies(node):
            self._read_items(body, module, both(gate, inside), (at[0], at[1] + line), depth)
        for item in module.items[before:] if macro and macro.exports else []:
            if item.kind == "macro":
                self._export(item)

    def _export(self, item: Item) -> None:
        item.public = True
        self.exported_macros.append(item)

    def _read_item(
        self,
        node: Node,
        attributes: list[str],
        module: Module,
        gate: Gate,
        at: tuple[Path, int],
        place: str,
        depth: int,
    ) -> None:
        hidden = any(HIDDEN.match(attribute) for attribute in attributes)
        kind, public = KINDS[node.type], is_public(node) and not hidden
        if kind == "use":  # derives are re-exported out of the documentation's sight
            for path, alias in use_paths(node):
                public = is_public(node) and not (hidden and alias[:1] in "_*")
                module.items.append(Item(alias, "use", gate, public, place, path=path))
            return
        item = Item(name_of(node), kind, gate, public, place)
        module.items.append(item)
        if kind == "macro" and any("macro_export" in attribute for attribute in attributes) and not hidden:
            self._export(item)
        derived = [PROC_MACRO.match(attribute) for attribute in attributes]
        if any(derived):
            names = [found.group(1) for found in derived if found and found.group(1)]
            item.name, item.kind = (names or [item.name])[0], "macro"
        elif kind == "mod":
            self._read_module(node, attributes, item, module, at, depth)
        elif kind in ("enum", "trait", "struct"):
            body = node.child_by_field_name("body")
            item.members = list(self._members(body, gate, at)) if body else []
            self._read_conditional_derives(item, attributes, module, place)

    def _read_module(
        self, node: Node, attributes: list[str], item: Item, parent: Module, at: tuple[Path, int], depth: int
    ) -> None:
        path_attribute = re.search(r'#\[path\s*=\s*"([^"]+)"', " ".join(attributes))
        body = node.child_by_field_name("body")
        item.module = module = Module(parent, item.gate, parent.directory / item.name)
        if body:
            self._read_items(body, module, ALWAYS, at, depth + 1)
            return
        files = [parent.directory / f"{item.name}.rs", parent.directory / item.name / "mod.rs"]
        if path_attribute:
            files = [at[0].parent / path_attribute.group(1)]
            module.directory = files[0].parent
        for path in files:
            if path.is_file():
                self._read_file(path, module, depth + 1)
                item.gate = module.gate
                return

    def _read_conditional_derives(self, item: Item, attributes: list[str], module: Module, place: str) -> None:
        for attribute in attributes:
            if found := re.match(r"#\s*\[\s*cfg_attr\s*\(", attribute):
                inside = balanced(attribute, found.end())
                for derived in DERIVE.findall(inside):
                    gate = both(item.gate, parse(inside))
                    for trait in derived.replace(" ", "").split(","):
                        if trait:
                            path = tuple(trait.strip().split("::"))
                            self.impls.append(Impl(path, (item.name,), [], gate, place, [], module))

    def _read_impl(self, node: Node, module: Module, gate: Gate, at: tuple[Path, int], place: str) -> None:
        trait, body = node.child_by_field_name("trait"), node.child_by_field_name("body")
        target = node.child_by_field_name("type")
        members = list(self._members(body, gate, at)) if body and not trait else []
        if target:
            given = [path for part in (trait, target) if part for path in given_types(part)] if trait else []
            path = type_path(trait) if trait else ()
            self.impls.append(Impl(path, type_path(target), given, gate, place, members, module))

    def _members(self, body: Node, gate: Gate, at: tuple[Path, int]) -> Iterator[Item]:
        """Methods, constants, variants and fields in a body."""
        for child, attributes in with_attributes(body):
            own = both(gate, gate_of(attributes))
            if own == NEVER or any(HIDDEN.match(attribute) for attribute in attributes):
                continue
            if child.type == "macro_invocation":
                for inner, inside, line in self.macros.bodies(child, b"impl X "):
                    for wrapped in inner.children:
                        if inner_body := wrapped.child_by_field_name("body"):
                            yield from self._members(inner_body, both(own, inside), (at[0], at[1] + line))
            elif child.type in KINDS and KINDS[child.type] not in ("macro", "use", "mod"):
                place = f"{at[0].relative_to(self.directory)}:{at[1] + child.start_point[0] + 1}"
                parameters = child.child_by_field_name("parameters")
                receiver = bool(parameters and any(part.type == "self_parameter" for part in parameters.children))
                yield Item(name_of(child), KINDS[child.type], own, is_public(child), place, receiver=receiver)
