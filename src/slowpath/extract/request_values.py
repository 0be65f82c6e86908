"""What a string expression is put together from: literal text, names, and holes."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.await_calls import TRANSPARENT, first, unwrap
from slowpath.extract.parsing import text
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.requests import Argument, Part, Template

MAX_DEPTH = 6
MAX_PARTS = 24
MAX_TEXT = 300
DOTTED = re.compile(r"[\w$]+(?:\??\.[\w$#]+)*$")
SAME = frozenset(["encodeURIComponent", "encodeURI", "String", "Number"])
"""Functions whose result stands for what they are given."""
KEPT = frozenset(["toString", "trim", "href", "toLowerCase", "replace"])
"""Methods that leave a URL's path as it is."""
HOLE: Template = (Part("hole"),)
URL = re.compile(r"/|https?:")
OPTIONS = frozenset("url method baseURL baseUrl prefixUrl prefix path endpoint uri".split())
OPTION = re.compile(rb"\b(?:url|method|baseURL|baseUrl|prefix|prefixUrl|path|endpoint|uri)\b|\.\.\.")


class Values:
    """Evaluates expressions of one file."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes

    def argument(self, node: Node) -> Argument:
        """One argument of a call."""
        inner = unwrap(node) or node
        if inner.type == "object":
            return Argument(options=self.options(inner))
        if inner.type in FUNCTIONS:
            return Argument(function=True)
        return Argument(self.template(inner))

    @staticmethod
    def plain(name: str) -> Template:
        """A name that nobody looks up."""
        return (Part("name", name),)

    def options(self, node: Node) -> tuple[tuple[str, Template], ...]:
        """The options of an object that say where a request goes."""
        found: list[tuple[str, Template]] = []
        if not OPTION.search(node.text or b""):
            return ()
        for pair in node.named_children:
            if pair.type == "pair":
                key = text(pair.child_by_field_name("key")).strip("'\"")
                value = pair.child_by_field_name("value")
                if key in OPTIONS and value is not None:
                    found.append((key, self.template(value)))
            elif pair.type == "shorthand_property_identifier" and text(pair) in OPTIONS:
                found.append((text(pair), self.template(pair)))
            elif pair.type == "spread_element":
                found.append(("...", self.template(first(pair))))
        return tuple(found)

    def template(self, node: Node | None, depth: int = 0) -> Template:
        """The parts of a value."""
        if node is None or depth > MAX_DEPTH:
            return HOLE
        return joined(self._parts(node, depth))

    def _parts(self, node: Node, depth: int) -> Template:
        kind = node.type
        if kind == "string":
            return (Part("text", text(node)[1:-1][:MAX_TEXT]),)
        if kind == "template_string":
            return self._pieces(node, depth)
        if kind in ("identifier", "shorthand_property_identifier"):
            return self._name(node, depth)
        if kind in TRANSPARENT:
            return self.template(first(node), depth + 1)
        if kind == "member_expression":
            return self._member(node, depth)
        if kind == "binary_expression":
            return self._binary(node, depth)
        if kind == "ternary_expression":
            sides = [self.template(node.child_by_field_name(f), depth + 1) for f in ("consequence", "alternative")]
            return next((side for side in sides if leads(side)), HOLE)
        if kind in ("call_expression", "new_expression"):
            return self._call(node, depth)
        return HOLE

    def _pieces(self, node: Node, depth: int) -> Template:
        parts: list[Part] = []
        for child in node.named_children[:MAX_PARTS]:
            if child.type == "string_fragment":
                parts.append(Part("text", text(child)[:MAX_TEXT]))
            elif child.type == "template_substitution":
                inner = self.template(first(child), depth + 1)
                # a condition inside a path chooses a query string or a segment
                parts.extend(inner if len(parts) + len(inner) <= MAX_PARTS else HOLE)
        return tuple(parts) or (Part("text"),)

    def _name(self, node: Node, depth: int) -> Template:
        name = text(node)
        binding = self.scopes.lookup(name, node)
        if binding is None or binding.kind in ("import", "parameter"):
            return (Part("name", name),)
        value = binding.value
        if value is None or not binding.constant:
            return HOLE if binding.kind == "variable" else (Part("name", name),)
        if not binding.whole:
            source = text(value)
            return (Part("hole", source if DOTTED.match(source) else ""),)
        if value.type in FUNCTIONS:
            return (Part("name", name),)
        return self.template(value, depth + 1)

    def _member(self, node: Node, depth: int) -> Template:
        holder = node.child_by_field_name("object")
        if text(node.child_by_field_name("property")) in KEPT:
            return self.template(holder, depth + 1)
        dotted = text(node).replace("?.", ".").replace("!", "")
        if not DOTTED.match(dotted):
            return HOLE
        root = holder
        while root is not None and root.type in ("member_expression", "non_null_expression"):
            root = root.child_by_field_name("object") or first(root)
        if root is not None and root.type == "identifier":
            binding = self.scopes.lookup(text(root), root)
            if binding is not None and binding.kind == "variable" and binding.scope.type != "program":
                source = text(binding.value)
                return (Part("hole", source if DOTTED.match(source) else ""),)
        return (Part("name", dotted),)

    def _binary(self, node: Node, depth: int) -> Template:
        operator = text(node.child_by_field_name("operator"))
        left, right = (self.template(node.child_by_field_name(side), depth + 1) for side in ("left", "right"))
        if operator == "+":
            return (*left, *right)[:MAX_PARTS]
        if operator in ("||", "??"):
            return right if leads(right) else left
        return HOLE

    def _call(self, node: Node, depth: int) -> Template:
        callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        given = first(arguments) if arguments is not None else None
        name = text(callee) if callee is not None else ""
        if callee is not None and callee.type == "member_expression":
            method = text(callee.child_by_field_name("property"))
            if method in KEPT:
                return self.template(callee.child_by_field_name("object"), depth + 1)
        if given is not None:
            inner = self.template(given, depth + 1)
            if name in SAME or name == "URL" or leads(inner):
                return inner
        return (Part("name", f"{name}()"),) if DOTTED.match(name) else HOLE


def leads(template: Template) -> bool:
    """Does a value begin like a URL, or with a base that a path follows?"""
    if not template:
        return False
    head = template[0]
    if head.kind == "text":
        return bool(URL.match(head.text))
    return len(template) > 1 and template[1].kind == "text" and template[1].text.startswith("/")


def joined(parts: Template) -> Template:
    """Neighbouring texts as one."""
    found: list[Part] = []
    for part in parts[:MAX_PARTS]:
        if part.kind == "text" and found and found[-1].kind == "text":
            found[-1] = Part("text", found[-1].text + part.text)
        else:
            found.append(part)
    return tuple(found)
