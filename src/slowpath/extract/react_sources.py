"""What the values in a component or hook rest on: props, and the answers of hooks."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_components import STATIC_HOOKS
from slowpath.extract.react_effects import effects
from slowpath.extract.react_owners import HOOK, TRANSPARENT, callee_name
from slowpath.extract.scopes import Binding, Scopes
from slowpath.model.react import PICKED, REST, Sources

NOTHING = Sources()
WORD = re.compile(rb"[A-Za-z_$][\w$]*")
EMPTY = frozenset(["", "null", "undefined", "false", '""', "''"])


class Values:
    """The names that one function's parameters and body declare."""

    def __init__(self, function: Node, scopes: Scopes) -> None:
        self._known: dict[str, Sources] = {}
        self._wholes: set[str] = set()
        self._answers: dict[int, Sources] = {}
        self._parts: dict[str, str] = {}
        self._meant: dict[str, Node] = {}
        self._fields: set[str] = set()
        self._hooks: dict[str, str] = {}
        self.effects = list(effects(function, scopes))
        for name, binding in scopes.names(function).items():
            self._parameter(name, binding)
        body = function.child_by_field_name("body")
        for name, binding in (scopes.names(body) if body is not None else {}).items():
            self._variable(name, binding)

    def of(self, node: Node | None) -> Sources:
        """What an expression rests on."""
        if node is None or not any(word.decode() in self._known for word in WORD.findall(node.text or b"")):
            return NOTHING
        found: set[Sources] = set()
        stack = [node]
        while stack:
            part = stack.pop()
            if part.type in ("identifier", "shorthand_property_identifier"):
                found.add(self._known.get(text(part), NOTHING))
            elif part.type == "member_expression" and text(part.child_by_field_name("object")) in self._wholes:
                found.add(Sources((text(part.child_by_field_name("property")),)))
            else:
                stack.extend(part.named_children)
        return union(*found)

    def part(self, name: str) -> str | None:
        """Of a name that a hook's answer has: which part of it, `data`; nothing where it is all of it."""
        return self._parts.get(name)

    def meant(self, name: str) -> Node | None:
        """What a variable stands for that is no hook's answer."""
        return self._meant.get(name)

    def field(self, name: str) -> bool:
        """Is a name taken out of a value that is no hook's answer?"""
        return name in self._fields

    def hook(self, name: str) -> str:
        """Of a name that stands for a hook's whole answer: the hook."""
        return self._hooks.get(name, "")

    def _parameter(self, name: str, binding: Binding) -> None:
        parent = binding.node.parent
        if binding.whole and binding.kind == "parameter":
            self._wholes.add(name)
        unclear = binding.whole or (parent is not None and parent.type == "rest_pattern")
        self._known[name] = Sources((REST if unclear else _key(binding.node),))

    def _variable(self, name: str, binding: Binding) -> None:
        value = binding.owner.child_by_field_name("body") if binding.kind == "function" else binding.value
        if value is None:
            return
        if not binding.whole and text(value) in self._wholes:
            self._known[name] = Sources((_key(binding.node),))
            return
        if callee_name(_bare(value)) == "useState" and not binding.whole:
            self._state(name, binding, value)
            return
        if _asks(value):
            self._parts[name] = "" if binding.whole else _key(binding.node)
            if binding.whole:
                self._hooks[name] = callee_name(_bare(value))
        elif binding.whole and binding.constant and binding.kind == "variable":
            self._meant[name] = value
        elif not binding.whole:
            self._fields.add(name)
        known = self._answers.get(binding.owner.id)
        if known is None:
            known = self._answers[binding.owner.id] = self._answer(value)
        if known != NOTHING:
            self._known[name] = known

    def _answer(self, value: Node) -> Sources:
        if not _asks(value):
            return self.of(value)
        value = _bare(value)
        return union(self.of(value.child_by_field_name("arguments")), Sources((), (value.start_byte,)))

    def _state(self, name: str, binding: Binding, value: Node) -> None:
        """State rests on the effect that fills it, on a choice where it starts empty, or on what it starts with."""
        pattern = binding.owner.child_by_field_name("name")
        names = [text(part) for part in pattern.named_children] if pattern is not None else []
        if name in names[1:]:
            return
        filling = [effect.call for effect in self.effects if names[1:] and names[1] in effect.sets]
        arguments = _bare(value).child_by_field_name("arguments")
        initial = first(arguments) if arguments is not None else None
        if filling:
            known = Sources((), (filling[0].start_byte,))
        else:
            known = Sources((), (PICKED,)) if text(initial) in EMPTY else self.of(initial)
        if known != NOTHING:
            self._known[name] = known


def _bare(value: Node) -> Node:
    while value.type in (*TRANSPARENT, "await_expression") and value.named_child_count:
        value = value.named_children[0]
    return value


def _asks(value: Node) -> bool:
    """Is a value what a hook gave, apart from those that keep what they are given?"""
    value = _bare(value)
    callee = callee_name(value) if value.type == "call_expression" else ""
    return bool(HOOK.match(callee)) and callee not in STATIC_HOOKS


def union(*several: Sources) -> Sources:
    """All that several values rest on."""
    props = {name for sources in several for name in sources.props}
    calls = {call for sources in several for call in sources.calls}
    return Sources(tuple(sorted(props)), tuple(sorted(calls)))


def _key(identifier: Node) -> str:
    """The property that a pattern takes a name from: `id` of `{ id: orderId = 1 }`."""
    node = identifier.parent
    while node is not None and node.type in ("assignment_pattern", "object_assignment_pattern"):
        node = node.parent
    key = node.child_by_field_name("key") if node is not None and node.type == "pair_pattern" else None
    return text(key) if key is not None else text(identifier)
