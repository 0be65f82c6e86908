"""The macros that stand in an item's place in a crate, and what their calls come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import feature_macros
from feature_gates import ALWAYS, Gate, balanced, both, cfg_attributes, opposite, parse
from feature_syntax import PARSER, name_of, rules, text_of, transparent_rule
from tree_sitter import Node

DEPTH = 12
LONGEST = 2_000_000
"""Bytes that a macro may become."""


@dataclass
class Macro:
    """An own macro that hands its items through under a gate; `inner`: the gate comes with the call, as `#![..]`;
    `exports`: it puts `#[macro_export]` on them."""

    gate: Gate
    inner: bool
    exports: bool


class Macros:
    """A crate's own macros, as far as they have been read."""

    def __init__(self) -> None:
        self.transparent: dict[str, Macro] = {}
        self.templates: dict[str, list[tuple[str, str]]] = {}
        self._bodies: dict[str, tuple[str, str] | None] = {}
        self._rules: dict[str, feature_macros.Rules] = {}
        self._expanding = 0

    def define_all(self, nodes: list[Node]) -> None:
        """Takes all definitions of a crate, wherever they stand."""
        self._bodies |= {name_of(node): transparent_rule(node) for node in nodes}
        for node in nodes:
            self.define(node)

    def define(self, node: Node) -> None:
        """Takes a macro's definition; the last before a call is the one that counts."""
        name, rule = name_of(node), transparent_rule(node)
        self._bodies[name] = rule
        self._rules.pop(name, None)
        if rule:
            gate = macro_gate(name, self._bodies)
            self.transparent[name] = Macro(gate, "#!" in rule[0], "#[macro_export]" in rule[1])
            self.templates.pop(name, None)
        else:
            self.templates[name] = rules(node)
            self.transparent.pop(name, None)

    def called(self, node: Node) -> Macro | None:
        """The macro of a call that hands its items through."""
        return self.transparent.get(text_of(node.child_by_field_name("macro")).split("::")[-1])

    def bodies(self, node: Node, wrap: bytes = b"") -> Iterator[tuple[Node, Gate, int]]:
        """What a macro called in an item's place hands through, read as source: (tree, gate, lines above)."""
        name_node = node.child_by_field_name("macro")
        tree = next((child for child in node.children if child.type == "token_tree"), None)
        if name_node is None or tree is None:
            return
        name = text_of(name_node).split("::")[-1]
        if name == "cfg_if":
            yield from cfg_if(tree, wrap)
            return
        if name in self.templates:
            yield from self._expanded(name, tree, wrap)
            return
        text, macro = tree.text or b"", self.transparent.get(name)
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
        known = self._rules.setdefault(name, feature_macros.rules(self.templates[name]))
        text = known.call(text_of(tree)[1:-1]).encode()
        self._expanding += 1
        if text and len(text) < LONGEST:
            yield PARSER.parse(wrap + b"{" + text + b"}" if wrap else text).root_node, ALWAYS, tree.start_point[0]
        self._expanding -= 1


def cfg_if(tree: Node, wrap: bytes) -> Iterator[tuple[Node, Gate, int]]:
    """`if #[cfg(..)] { .. } else if .. else { .. }`."""
    gate, before = ALWAYS, ALWAYS
    for child in tree.children:
        text = text_of(child)
        if child.type == "token_tree" and text.startswith("["):
            predicates = list(cfg_attributes(f"#{text}"))
            gate = parse(predicates[0]) if predicates else ALWAYS
        elif child.type == "token_tree" and text.startswith("{"):
            inner = (child.text or b"")[1:-1]
            source = PARSER.parse(wrap + b"{" + inner + b"}" if wrap else inner).root_node
            yield source, both(before, gate), child.start_point[0]
            before, gate = both(before, opposite(gate)), ALWAYS


def macro_gate(name: str, bodies: dict[str, tuple[str, str] | None], depth: int = 0) -> Gate:
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
            gate = both(gate, macro_gate(called, bodies, depth + 1))
    return gate
