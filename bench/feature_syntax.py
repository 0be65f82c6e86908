"""What the Rust grammar's nodes say: names, paths of `use`, attributes, the rules of macros."""

from __future__ import annotations

import re
from collections.abc import Iterator

import tree_sitter_rust
from feature_gates import ALWAYS, Gate, both, cfg_attributes, parse
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))
USE_TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|(?:r#)?(\w+|::|[{},*])", re.S)


def items_below(node: Node) -> Iterator[Node]:
    """The items of a file and of the modules in it."""
    for child in node.children:
        yield child
        if child.type == "mod_item" and (body := child.child_by_field_name("body")):
            yield from items_below(body)


def with_attributes(node: Node) -> Iterator[tuple[Node, list[str]]]:
    """Each item of a body with the attributes that stand before it."""
    attributes: list[str] = []
    for child in node.named_children:
        if child.type == "attribute_item":
            attributes.append(text_of(child))
        elif child.type not in ("line_comment", "block_comment"):
            inner = child.named_children[0] if child.type == "expression_statement" and child.named_children else child
            own = [text_of(part) for part in inner.named_children if part.type == "attribute_item"]
            yield inner, [*attributes, *own]
            attributes = []


def gate_of(attributes: list[str]) -> Gate:
    gate = ALWAYS
    for attribute in attributes:
        if "cfg" in attribute:
            for predicate in cfg_attributes(attribute):
                gate = both(gate, parse(predicate))
    return gate


def text_of(node: Node | None) -> str:
    return ((node and node.text) or b"").decode(errors="replace")


def name_of(node: Node) -> str:
    name = node.child_by_field_name("name")
    return text_of(name).removeprefix("r#") if name else ""


def is_public(node: Node) -> bool:
    return any(child.type == "visibility_modifier" and text_of(child) == "pub" for child in node.children)


def type_path(node: Node) -> tuple[str, ...]:
    """`a::B<C>` → (a, B); references and the like by what they hold."""
    if node.type == "generic_type" and (inner := node.child_by_field_name("type")):
        return type_path(inner)
    if node.type == "reference_type" and (inner := node.child_by_field_name("type")):
        return type_path(inner)
    return tuple(part.strip().removeprefix("r#") for part in re.sub(r"<.*", "", text_of(node), flags=re.S).split("::"))


def given_types(node: Node) -> Iterator[tuple[str, ...]]:
    """The types that stand in the angle brackets of a type, in a tuple, a slice."""
    for child in node.named_children:
        if child.type in ("type_identifier", "scoped_type_identifier", "generic_type") and node.type != "generic_type":
            yield type_path(child)
        yield from given_types(child)


def use_paths(node: Node) -> list[tuple[tuple[str, ...], str]]:
    """The paths that a `use` or `extern crate` names, and the name each gets here."""
    if node.type == "extern_crate_declaration":
        alias = node.child_by_field_name("alias")
        return [((name_of(node),), text_of(alias) if alias else name_of(node))]
    argument = node.child_by_field_name("argument")
    if argument is None:
        return []
    tokens = [found.group(1) for found in USE_TOKEN.finditer(text_of(argument)) if found.group(1)]
    return list(use_tree(tokens, ()))


def use_tree(tokens: list[str], prefix: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    path = prefix
    while tokens:
        token = tokens.pop(0)
        if token == "{":
            while tokens and tokens[0] != "}":
                yield from use_tree(tokens, path)
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


def rules(node: Node) -> list[tuple[str, str]]:
    """The (pattern, body) of each rule of a macro."""
    sides = [(rule.child_by_field_name("left"), rule.child_by_field_name("right")) for rule in node.children]
    return [(text_of(left), text_of(right)) for left, right in sides if left and right]


def transparent_rule(node: Node) -> tuple[str, str] | None:
    """The first rule of a macro that takes items, or tokens as they are, and puts them out again: (pattern, body)."""
    for left, right in rules(node):
        taken = re.findall(r"\$(\w+)\s*:\s*(?:item|tt)\b", left)
        words = re.findall(r"\$(\w+)\s*:", left)
        if taken and len(words) <= 2 and any(f"${name}" in right for name in taken):
            return left, right
    return None
