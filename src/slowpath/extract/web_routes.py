"""Routes of a client-side router, as one tree writes them: `<Route path element>` and objects of route tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.finding import Span
from slowpath.model.modules import Route

ROUTER = re.compile(rb"react-router|@tanstack/(?:react|solid|vue)?-?router|wouter|RouteObject|<\w*Route\b")
SITE = re.compile(rb"<(\w*Route|Redirect)\b|\b([eE]lement|[cC]omponent)['\"]?\s*:")
ELEMENT = ("element", "component", "Component", "render")
REDIRECT = re.compile(r"<(?:Navigate|Redirect)\b[^>]{0,200}?\bto=\{?['\"]([^'\"\n]*)['\"]")
MAX_NAMES = 8
MAX_SITES = 1000
"""More is no route table that a person wrote."""


def extract(root: Node, source: bytes) -> list[Route]:
    """The routes in source order."""
    if not ROUTER.search(source):
        return []
    found: dict[int, Route] = {}
    for match in islice(SITE.finditer(source), MAX_SITES):
        group = 1 if match[1] else 2
        node = root.descendant_for_byte_range(match.start(group), match.end(group))
        parent = node.parent if node is not None else None
        if parent is None:
            continue
        route = _tag(parent) if match[1] else _entry(parent)
        if route is not None:
            found.setdefault(route.span[0], route)
    return list(found.values())


def _tag(opening: Node) -> Route | None:
    if opening.type not in ("jsx_opening_element", "jsx_self_closing_element"):
        return None
    attributes = {}
    for child in opening.named_children:
        if child.type == "jsx_attribute":
            parts = child.named_children
            attributes[text(parts[0])] = parts[1] if len(parts) > 1 else None
    if "from" in attributes and "to" in attributes:
        return Route(_path(attributes["from"]), (), _span(opening), _path(attributes["to"]))
    values = [attributes[key] for key in ELEMENT if attributes.get(key) is not None]
    if "path" not in attributes and "index" not in attributes:
        return None
    names = [name for value in values if value is not None for name in _components(value)]
    if not names and opening.type == "jsx_opening_element" and opening.parent is not None:
        inside = [c for c in opening.parent.named_children if c.type in ("jsx_element", "jsx_self_closing_element")]
        names = [name for child in inside for name in _components(child) if not name.endswith("Route")]
    path = _path(attributes.get("path"))
    return Route(path, _few(names), _span(opening), _redirect(values), _holds_routes(opening)) if names else None


def _entry(pair: Node) -> Route | None:
    if pair.type != "pair" or pair.parent is None:
        return None
    keys = {
        text(entry.child_by_field_name("key")): entry for entry in pair.parent.named_children if entry.type == "pair"
    }
    if not {"path", "index", "children", "getParentRoute"} & keys.keys():
        return None
    value = pair.child_by_field_name("value")
    names = list(_components(value)) if value is not None else []
    path = keys.get("path")
    place = _path(path.child_by_field_name("value")) if path is not None else ""
    return Route(place, _few(names), _span(pair), _redirect([value]), "children" in keys) if names else None


def _holds_routes(opening: Node) -> bool:
    element = opening.parent
    if opening.type == "jsx_self_closing_element" or element is None:
        return False
    inside = (c.child_by_field_name("open_tag") if c.type == "jsx_element" else c for c in element.named_children)
    return any(
        tag is not None and tag.type.startswith("jsx_") and text(tag.child_by_field_name("name")).endswith("Route")
        for tag in inside
    )


def _span(node: Node) -> Span:
    return (node.start_byte, node.end_byte)


def _redirect(values: Sequence[Node | None]) -> str:
    found = (REDIRECT.search(text(value)) for value in values if value is not None)
    return next((match[1] for match in found if match), "")


def _path(value: Node | None) -> str:
    return text(value).strip("{}'\"` ") if value is not None else ""


def _few(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:MAX_NAMES]


def _components(value: Node) -> Iterator[str]:
    """Capitalised names that an element or an expression mentions, in source order."""
    stack = [value]
    while stack:
        node = stack.pop()
        if node.type == "jsx_closing_element":
            continue
        if node.type in ("identifier", "shorthand_property_identifier") and text(node)[:1].isupper():
            yield text(node)
        stack += reversed(node.named_children)
