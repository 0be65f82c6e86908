"""JSX call sites of components and context providers, with the values that every render makes anew."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from tree_sitter import Node

from slowpath.extract.parsing import first, text, walk
from slowpath.extract.react_keep import kept
from slowpath.extract.react_owners import TRANSPARENT, Owner
from slowpath.extract.react_reasons import reasons
from slowpath.extract.react_values import Made, made_anew
from slowpath.extract.scopes import Scopes
from slowpath.model.react import Fresh, ProviderSite, Site

TAG = re.compile(rb"<([A-Z][\w$]*(?:\.[A-Za-z_$][\w$]*)*)")
CONSTANT = frozenset(
    "object array pair property_identifier string string_fragment escape_sequence number true false null".split()
)
ELEMENTS = frozenset(["jsx_opening_element", "jsx_self_closing_element"])


def elements(scopes: Scopes, source: bytes) -> Iterator[tuple[str, Node]]:
    """The file's component tags, with their opening elements."""
    for match in TAG.finditer(source):
        node = scopes.root.descendant_for_byte_range(match.start() + 1, match.start() + 2)
        while node is not None and node.type in ("identifier", "property_identifier", "member_expression"):
            node = node.parent
        if node is not None and node.type in ELEMENTS and node.start_byte == match.start():
            yield match[1].decode(), node


def handed_over(element: Node) -> bool:
    """Is the element an argument of a call, as in `openDialog(<Help />)`? Nobody knows how often that runs."""
    node = element.parent
    while node is not None and (node.type in TRANSPARENT or node.type.startswith("jsx_")):
        node = node.parent
    return node is not None and node.type == "arguments"


def site(tag: str, element: Node, around: Owner, scopes: Scopes) -> Site:
    """One tag that is rendered."""
    name = element.child_by_field_name("name") or element
    fresh = [*_attributes(element, around, scopes), *_children(element, around, scopes)]
    return Site(tag, (name.start_byte, name.end_byte), around.name, tuple(fresh), around.looped)


def _attributes(element: Node, around: Owner, scopes: Scopes) -> Iterator[Fresh]:
    for attribute in element.named_children:
        if attribute.type == "jsx_attribute":
            made = made_anew(value_of(attribute), around.function, scopes)
            name = text(first(attribute))
            if made is not None and name not in ("key", "ref"):
                fresh = _fresh(name, made, attribute)
                value = value_of(attribute)
                if value is not None and value.type in ("object", "array") and _of_literals(value):
                    place = (value.start_byte, value.end_byte)
                    fresh = msgspec.structs.replace(fresh, constant=text(value), value=place, home=_home(value))
                yield fresh


def _of_literals(value: Node) -> bool:
    """Does it hold nothing but literals?"""
    return all(node.type in CONSTANT for node in walk(value))


def _home(node: Node) -> int:
    """The start of the top-level statement around a node, its comments included."""
    while node.parent is not None and node.parent.type != "program":
        node = node.parent
    before = node.prev_sibling
    while before is not None and before.type == "comment" and before.end_point[0] >= node.start_point[0] - 1:
        above = before.prev_sibling
        if above is not None and above.end_point[0] == before.start_point[0]:
            break
        node, before = before, above
    return node.start_byte


def _fresh(name: str, made: Made, node: Node) -> Fresh:
    return Fresh(name, made.kind, (node.start_byte, node.end_byte), made.local, made.sometimes)


def value_of(attribute: Node) -> Node | None:
    """The expression or literal that an attribute gets."""
    value = attribute.named_child(1) if attribute.named_child_count > 1 else None
    if value is not None and value.type == "jsx_expression":
        return first(value)
    return value


def _children(element: Node, around: Owner, scopes: Scopes) -> Iterator[Fresh]:
    """Elements and functions between the tags; React puts two or more children into a new array."""
    parent = element.parent
    if element.type != "jsx_opening_element" or parent is None:
        return
    shown = [child for child in parent.named_children if _is_child(child)]
    if len(shown) > 1:
        yield Fresh("children", "children", (shown[0].start_byte, shown[0].end_byte))
    elif shown:
        inner = first(shown[0]) if shown[0].type == "jsx_expression" else shown[0]
        made = made_anew(inner, around.function, scopes)
        if made is not None:
            yield _fresh("children", made._replace(kind="children"), shown[0])


def _is_child(node: Node) -> bool:
    if node.type == "jsx_text":
        return bool(text(node).strip())
    if node.type == "jsx_expression":
        return any(child.type != "comment" for child in node.named_children)
    return node.type in ("jsx_element", "jsx_self_closing_element", "jsx_fragment")


def provider(tag: str, element: Node, around: Owner, scopes: Scopes) -> ProviderSite | None:
    """A tag that may be a context's provider, if its `value` is made anew."""
    bare = not tag.endswith(".Provider")
    for attribute in element.named_children:
        if attribute.type != "jsx_attribute" or text(first(attribute)) != "value":
            continue
        value = value_of(attribute)
        made = made_anew(value, around.function, scopes)
        if made is None or value is None or made.kind == "element":
            return None
        context = tag if bare else tag.removesuffix(".Provider")
        fresh = _fresh("value", made, attribute)
        keep = kept(value, made.local, around.function, scopes)
        why = reasons(value, around.function, scopes)
        return ProviderSite(context, around.name, fresh, bare, why.held, not why.some, _shown_inside(element), keep)
    return None


def _shown_inside(element: Node) -> tuple[str, ...]:
    """The component tags between a provider's tags, if all that stands there is written in place.

    Nothing where something made elsewhere is shown: `{children}`, a variable, a call.
    """
    found: set[str] = set()
    stack = list(element.parent.named_children[1:-1]) if element.parent is not None else []
    while stack:
        node = stack.pop()
        if node.type == "jsx_expression":
            inner = [child for child in node.named_children if child.type != "comment"]
            given = node.parent is not None and node.parent.type == "jsx_attribute"
            if not given and any(not _in_place(child) for child in inner):
                return ()
        elif node.type in ELEMENTS:
            found.add(text(node.child_by_field_name("name")))
        stack.extend(node.named_children)
    return tuple(sorted(tag for tag in found if tag[:1].isupper()))


def _in_place(node: Node) -> bool:
    """Made here and now, as far as can be seen: no variable or prop that may hold an element."""
    if node.type == "binary_expression":
        return _in_place(node.child_by_field_name("right") or node)
    if node.type in TRANSPARENT:
        return _in_place(first(node) or node)
    if node.type == "ternary_expression":
        branches = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        return all(branch is None or _in_place(branch) for branch in branches)
    return node.type != "identifier" and "children" not in text(node).lower()
