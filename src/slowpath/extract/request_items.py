"""Components that a `.map` callback renders, with the attributes that rest on its element."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_sites import ELEMENTS
from slowpath.extract.request_places import Places
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.requests import ItemSite

MAP = re.compile(rb"\.map\(\s*+(?:\(?[^()=]{0,200}\)?\s*=>|function)")
TAG = re.compile(rb"<([A-Z][\w$]*(?:\.[A-Z][\w$]*)*)(?=[\s/>])")
LOCAL = re.compile(r"\b(?:const|let)\s+([\w$]+|\{[^{}=]*\}|\[[^\[\]=]*\])\s*=")
WORD = re.compile(r"(?<![.\w$])[A-Za-z_$][\w$]*")
MAX_TAGS = 12
MAX_TEXT = 20_000


def item_sites(scopes: Scopes, places: Places, source: bytes) -> Iterator[ItemSite]:
    """The file's sites, outer callbacks first."""
    seen: set[int] = set()
    for match in MAP.finditer(source):
        node = scopes.root.descendant_for_byte_range(match.end() - 1, match.end())
        while node is not None and node.type not in FUNCTIONS:
            node = node.parent if node.start_byte > match.start() else None
        body = node.child_by_field_name("body") if node is not None else None
        if node is None or body is None or body.end_byte - body.start_byte > MAX_TEXT:
            continue
        if TAG.search(source, body.start_byte, body.end_byte) is None:
            continue
        place = places.of(body)
        if place.loops:
            names = _names(set(places.loops[place.loops[0]].item), body)
            yield from _tags(scopes, body, names, place.sender, place.loops[0], seen, source)


def _names(item: set[str], body: Node) -> set[str]:
    """The element's names, and those of variables made in the callback."""
    if body.type == "statement_block":
        item |= {word for found in LOCAL.findall(text(body)) for word in WORD.findall(found)}
    return item


def _tags(
    scopes: Scopes, body: Node, names: set[str], sender: int, loop: int, seen: set[int], source: bytes
) -> Iterator[ItemSite]:
    for count, match in enumerate(TAG.finditer(source, body.start_byte, body.end_byte)):
        if match.start() in seen or count > MAX_TAGS:
            continue
        seen.add(match.start())
        element = scopes.root.descendant_for_byte_range(match.start(), match.start() + 1)
        while element is not None and element.type not in ELEMENTS:
            element = element.parent if element.start_byte == match.start() else None
        if element is None or _held_back(element, body):
            continue
        given = tuple(_given(element, names))
        if given:
            yield ItemSite(match[1].decode(), (match.start() + 1, match.end()), sender, loop, given)


def _held_back(element: Node, body: Node) -> bool:
    """Shown on a condition, or handed to another component as one of its attributes."""
    at = element.parent if element.id != body.id else None
    while at is not None and at.id != body.id:
        if at.type in ("ternary_expression", "binary_expression", "if_statement", "jsx_attribute", *FUNCTIONS):
            return True
        at = at.parent
    return False


def _given(element: Node, names: set[str]) -> Iterator[str]:
    for attribute in element.named_children:
        if attribute.type == "jsx_expression" and names & set(WORD.findall(text(attribute))):
            yield "..."
        elif attribute.type == "jsx_attribute":
            name = text(first(attribute))
            value = attribute.named_child(1) if attribute.named_child_count > 1 else None
            plain = name not in ("key", "ref") and not re.match(r"on[A-Z]", name)
            if plain and value is not None and names & set(WORD.findall(text(value))):
                yield name
