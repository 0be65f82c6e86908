"""A crate's modules and items from its source, each with the features under which it is compiled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import feature_macros
import tree_sitter_rust
from feature_gates import ALWAYS, NEVER, Gate, balanced, both, cfg_attributes, opposite, parse
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))
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
USE_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|(?:r#)?(\w+|::|[{},*])", re.S)
PROC_MACRO = re.compile(r"#\[proc_macro(?:_derive\((\w+)|_attribute)?")
DEPTH = 12
LONGEST = 2_000_000
"""Bytes that a macro may become."""
HIDDEN = re.compile(r"#\s*\[\s*doc\s*\(\s*hidden\s*\)")
DERIVE = re.compile(r"\bderive\s*\(([^)]*)\)")


@dataclass(eq=False)
class Item:
    """`gate` holds the gates of the modules around it. `path`: what a `use` names, its last part `*` for all."""

    name: str
    kind: str
    gate: Gate
    public: bool
    place: str
    module: Module | None = None
    path: tuple[str, ...] = ()
    members: list[Item] = field(default_factory=list)
    receiver: bool = False


@dataclass(eq=False)
class Impl:
    """`impl trait for type`; the trait is empty for an inherent one. `given`: the types in their angle brackets."""

    trait: tuple[str, ...]
    type: tuple[str, ...]
    given: list[tuple[str, ...]]
    gate: Gate
    place: str
    members: list[Item]
    module: Module


@dataclass(eq=False)
class Module:
    """`directory`: where the files of its child modules stand."""

    parent: Module | None
    gate: Gate
    directory: Path
    items: list[Item] = field(default_factory=list)
    index: dict[str, list[Item]] = field(default_factory=dict)

    def named(self, name: str) -> list[Item]:
        """The items of this name; to be asked only when all have been read."""
        if not self.index:
            for item in self.items:
                self.index.setdefault(item.name, []).append(item)
        return self.index.get(name, [])


@dataclass
class _Macro:
    """An own macro that hands its items through under a gate; `inner`: the gate comes with the call, as `#![..]`;
    `exports`: it puts `#[macro_export]` on them."""

    gate: Gate
    inner: bool
    exports: bool


class Source:
    """The modules of one crate, read from its `[lib]`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifest: dict[str, Any] = tomllib.loads((directory / "Cargo.toml").read_text())
        self.macros: dict[str, _Macro] = {}
        self.templates: dict[str, list[tuple[str, str]]] = {}
        self._rules: dict[str, feature_macros.Rules] = {}
        self._bodies: dict[str, tuple[str, str] | None] = {}
        self._expanding = 0
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
                nodes += [
                    node for node in _items_below(PARSER.parse(text).root_node) if node.type == "macro_definition"
                ]
        self._bodies |= {_name(node): _transparent_rule(node) for node in nodes}
        for node in nodes:
            self._define(node)

    def _define(self, node: Node) -> None:
        """Takes a macro's definition; the last before a call is the one that counts."""
        name, rule = _name(node), _transparent_rule(node)
        self._bodies[name] = rule
        self._rules.pop(name, None)
        if rule:
            gate = _macro_gate(name, self._bodies)
            self.macros[name] = _Macro(gate, "#!" in rule[0], "#[macro_export]" in rule[1])
            self.templates.pop(name, None)
        else:
            self.templates[name] = _rules(node)
            self.macros.pop(name, None)

    def _tree(self, path: Path) -> Node:
        if path not in self._trees:
            self._trees[path] = PARSER.parse(path.read_bytes()).root_node
        return self._trees[path]

    def _read_file(self, path: Path, module: Module, depth: int) -> None:
        if path.is_file() and depth < 20:
            node = self._tree(path)
            inner = [_text(child) for child in node.children if child.type == "inner_attribute_item"]
            module.gate = both(module.gate, _gate_of(inner))
            self._read_items(node, module, ALWAYS, (path, 0), depth)

    def _read_items(self, node: Node, module: Module, gate: Gate, at: tuple[Path, int], depth: int) -> None:
        """The items of a module's body, of a macro call's braces."""
        for child, attributes in _with_attributes(node):
            own = both(gate, _gate_of(attributes))
            if both(module.gate, own) == NEVER:
                continue
            place = f"{at[0].relative_to(self.directory)}:{at[1] + child.start_point[0] + 1}"
            if child.type == "impl_item":
                self._read_impl(child, module, both(module.gate, own), at, place)
            elif child.type == "macro_invocation":
                self._read_call(child, module, own, at, depth)
            elif child.type in KINDS:
                if child.type == "macro_definition":
                    self._define(child)
                self._read_item(child, attributes, module, both(module.gate, own), at, place, depth)

    def _read_call(self, node: Node, module: Module, gate: Gate, at: tuple[Path, int], depth: int) -> None:
        """The items that a macro hands through."""
        before = len(module.items)
        macro = self.macros.get(_text(node.child_by_field_name("macro")).split("::")[-1])
        for body, inside, line in self._call_bodies(node):
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
        kind, public = KINDS[node.type], _is_public(node) and not hidden
        if kind == "use":
            for path, alias in _use_paths(node):
                module.items.append(Item(alias, "use", gate, public, place, path=path))
            return
        item = Item(_name(node), kind, gate, public, place)
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
            given = [path for part in (trait, target) if part for path in _given_types(part)] if trait else []
            path = _type_path(trait) if trait else ()
            self.impls.append(Impl(path, _type_path(target), given, gate, place, members, module))

    def _members(self, body: Node, gate: Gate, at: tuple[Path, int]) -> Iterator[Item]:
        """Methods, constants, variants and fields in a body."""
        for child, attributes in _with_attributes(body):
            own = both(gate, _gate_of(attributes))
            if own == NEVER or any(HIDDEN.match(attribute) for attribute in attributes):
                continue
            if child.type == "macro_invocation":
                for inner, inside, line in self._call_bodies(child, b"impl X "):
                    for wrapped in inner.children:
                        if inner_body := wrapped.child_by_field_name("body"):
                            yield from self._members(inner_body, both(own, inside), (at[0], at[1] + line))
            elif child.type in KINDS and KINDS[child.type] not in ("macro", "use", "mod"):
                place = f"{at[0].relative_to(self.directory)}:{at[1] + child.start_point[0] + 1}"
                parameters = child.child_by_field_name("parameters")
                receiver = bool(parameters and any(part.type == "self_parameter" for part in parameters.children))
                yield Item(_name(child), KINDS[child.type], own, _is_public(child), place, receiver=receiver)

    def _call_bodies(self, node: Node, wrap: bytes = b"") -> Iterator[tuple[Node, Gate, int]]:
        """What a macro called in an item's place hands through, read as source: (tree, gate, lines above)."""
        name_node = node.child_by_field_name("macro")
        tree = next((child for child in node.children if child.type == "token_tree"), None)
        if name_node is None or tree is None:
            return
        name = _text(name_node).split("::")[-1]
        if name == "cfg_if":
            yield from _cfg_if(tree, wrap)
            return
        if name in self.templates:
            yield from self._expanded(name, tree, wrap)
            return
        text, macro = tree.text or b"", self.macros.get(name)
        gate, inner = macro.gate if macro else ALWAYS, text[1:-1]
        if macro and macro.inner and (found := re.match(rb"\s*#!\s*\[", inner)):
            given = balanced(inner.decode(errors="replace"), len(inner[: found.end()].decode(errors="replace")))
            gate = both(gate, parse(re.sub(r"^\s*cfg\s*\((.*)\)\s*$", r"\1", given, flags=re.S)))
            inner = b" " * found.end() + inner[found.end() :].replace(given.encode() + b"]", b"", 1)
        source = PARSER.parse(wrap + b"{" + inner + b"}" if wrap else inner).root_node
        if macro or not source.has_error:
            yield source, gate, tree.start_point[0]

    def _expanded(self, name: str, tree: Node, wrap: bytes) -> Iterator[tuple[Node, Gate, int]]:
        """What an own macro makes of its arguments; all of it stands where the call stands."""
        if self._expanding >= DEPTH:
            return
        rules = self._rules.setdefault(name, feature_macros.rules(self.templates[name]))
        text = rules.call(_text(tree)[1:-1]).encode()
        self._expanding += 1
        if text and len(text) < LONGEST:
            yield PARSER.parse(wrap + b"{" + text + b"}" if wrap else text).root_node, ALWAYS, tree.start_point[0]
        self._expanding -= 1


def _cfg_if(tree: Node, wrap: bytes) -> Iterator[tuple[Node, Gate, int]]:
    """`if #[cfg(..)] { .. } else if .. else { .. }`."""
    gate, before = ALWAYS, ALWAYS
    for child in tree.children:
        text = _text(child)
        if child.type == "token_tree" and text.startswith("["):
            predicates = list(cfg_attributes(f"#{text}"))
            gate = parse(predicates[0]) if predicates else ALWAYS
        elif child.type == "token_tree" and text.startswith("{"):
            inner = (child.text or b"")[1:-1]
            source = PARSER.parse(wrap + b"{" + inner + b"}" if wrap else inner).root_node
            yield source, both(before, gate), child.start_point[0]
            before, gate = both(before, opposite(gate)), ALWAYS


def _items_below(node: Node) -> Iterator[Node]:
    """The items of a file and of the modules in it."""
    for child in node.children:
        yield child
        if child.type == "mod_item" and (body := child.child_by_field_name("body")):
            yield from _items_below(body)


def _rules(node: Node) -> list[tuple[str, str]]:
    """The (pattern, body) of each rule of a macro."""
    sides = [(rule.child_by_field_name("left"), rule.child_by_field_name("right")) for rule in node.children]
    return [(_text(left), _text(right)) for left, right in sides if left and right]


def _transparent_rule(node: Node) -> tuple[str, str] | None:
    """The first rule of a macro that takes items, or tokens as they are, and puts them out again: (pattern, body)."""
    for left, right in _rules(node):
        taken = re.findall(r"\$(\w+)\s*:\s*(?:item|tt)\b", left)
        words = re.findall(r"\$(\w+)\s*:", left)
        if taken and len(words) <= 2 and any(f"${name}" in right for name in taken):
            return left, right
    return None


def _macro_gate(name: str, bodies: dict[str, tuple[str, str] | None], depth: int = 0) -> Gate:
    """The `cfg`s of a macro's body, and those of the own macros that it calls."""
    rule = bodies.get(name)
    if rule is None or depth > 5:
        return ALWAYS
    gate = ALWAYS
    for predicate in cfg_attributes(rule[1]):
        if "$" not in predicate:
            gate = both(gate, parse(predicate))
    for called in re.findall(r"(\w+)!\s*[{(]", rule[1]):
        if called != name:
            gate = both(gate, _macro_gate(called, bodies, depth + 1))
    return gate


def _with_attributes(node: Node) -> Iterator[tuple[Node, list[str]]]:
    """Each item of a body with the attributes that stand before it."""
    attributes: list[str] = []
    for child in node.named_children:
        if child.type == "attribute_item":
            attributes.append(_text(child))
        elif child.type not in ("line_comment", "block_comment"):
            inner = child.named_children[0] if child.type == "expression_statement" and child.named_children else child
            own = [_text(part) for part in inner.named_children if part.type == "attribute_item"]
            yield inner, [*attributes, *own]
            attributes = []


def _gate_of(attributes: list[str]) -> Gate:
    gate = ALWAYS
    for attribute in attributes:
        if "cfg" in attribute:
            for predicate in cfg_attributes(attribute):
                gate = both(gate, parse(predicate))
    return gate


def _text(node: Node | None) -> str:
    return ((node and node.text) or b"").decode(errors="replace")


def _name(node: Node) -> str:
    name = node.child_by_field_name("name")
    return _text(name).removeprefix("r#") if name else ""


def _is_public(node: Node) -> bool:
    return any(child.type == "visibility_modifier" and _text(child) == "pub" for child in node.children)


def _type_path(node: Node) -> tuple[str, ...]:
    """`a::B<C>` → (a, B); references and the like by what they hold."""
    if node.type == "generic_type" and (inner := node.child_by_field_name("type")):
        return _type_path(inner)
    if node.type == "reference_type" and (inner := node.child_by_field_name("type")):
        return _type_path(inner)
    return tuple(part.strip().removeprefix("r#") for part in re.sub(r"<.*", "", _text(node), flags=re.S).split("::"))


def _given_types(node: Node) -> Iterator[tuple[str, ...]]:
    """The types that stand in the angle brackets of a type, in a tuple, a slice."""
    for child in node.named_children:
        if child.type in ("type_identifier", "scoped_type_identifier", "generic_type") and node.type != "generic_type":
            yield _type_path(child)
        yield from _given_types(child)


def _use_paths(node: Node) -> list[tuple[tuple[str, ...], str]]:
    """The paths that a `use` or `extern crate` names, and the name each gets here."""
    if node.type == "extern_crate_declaration":
        alias = node.child_by_field_name("alias")
        return [((_name(node),), _text(alias) if alias else _name(node))]
    argument = node.child_by_field_name("argument")
    if argument is None:
        return []
    tokens = [found.group(1) for found in USE_TOKEN.finditer(_text(argument)) if found.group(1)]
    return list(_use_tree(tokens, ()))


def _use_tree(tokens: list[str], prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    path = prefix
    while tokens:
        token = tokens.pop(0)
        if token == "{":
            while tokens and tokens[0] != "}":
                yield from _use_tree(tokens, path)
                if tokens and tokens[0] == ",":
                    tokens.pop(0)
            if tokens:
                tokens.pop(0)
            return
        if token == "::":
            continue
        path = (*path, token)
        if not tokens or tokens[0] in ",}":
            break
        if tokens[0] == "as":
            alias = tokens[1] if len(tokens) > 1 else ""
            del tokens[:2]
            yield (path[:-1] if path[-1] == "self" and len(path) > 1 else path), alias
            return
    if path and path[-1] == "self" and len(path) > 1:
        path = path[:-1]
    if path:
        yield path, path[-1]


@cache
def load(directory: Path) -> Source:
    """The crate in this directory."""
    return Source(directory)
