"""What a call is given, in a form that can be compared between calls and carried over to the caller's own names.

In: an operand of a function. Out: a tree of calls whose leaves are literals, constants, and names with the fields read
from them; None where it holds something that is not known, that may change, or that is new each time.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.code import MAX_SQL, STATEMENT
from slowpath.program.connections import Connections
from slowpath.program.rust import Function, RustProgram, TypeItem

MAX_DEPTH = 14
MAX_TEXT = 59
"""Longer texts are cut in facts, those of statements later, so they may differ."""
RESULT = re.compile(r"#(\d+)([^#]*)$")
SAME = frozenset(
    "clone as_str as_ref as_deref to_string to_owned into unwrap deref borrow as_slice to_vec copied cloned".split()
)
"""Methods that give the same value again."""
CHANGES = re.compile(r"(^|_)(now|random|rand|uuid|new_v4|new|gen|generate|next|recv|pop|default|elapsed|today)(_|$)")
CONNECTION = "@"


class Name(NamedTuple):
    """A parameter, or a binding that is made at byte `at`, and the fields read from it."""

    name: str
    fields: str
    at: int = -1


class Made(NamedTuple):
    """A call with what it is called on and given; or, under the name `.x`, a field of what is made."""

    name: str
    parts: tuple[Tree, ...]


Tree = str | Name | Made


class Canonical:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.connections = program.shared(Connections)
        self._calls: dict[tuple[int, int], Tree | None] = {}
        self._trees: dict[tuple[int, str, int, int], Tree | None] = {}

    def forget(self, functions: set[int], files: set[str]) -> None:
        """What is known of functions whose bodies changed, in these files."""
        self._calls = {key: tree for key, tree in self._calls.items() if key[0] not in functions}
        self._trees = {key: tree for key, tree in self._trees.items() if key[0] not in functions}

    def call(self, function: Function, number: int) -> Tree | None:
        """A call with all that goes into it."""
        key = (id(function), number)
        if key not in self._calls:
            self._calls[key] = self._call(function, number, 0)
        return self._calls[key]

    def tree(self, function: Function, operand: str, at: int, scope: int) -> Tree | None:
        """An operand."""
        key = (id(function), operand, at, scope)
        if key not in self._trees:
            self._trees[key] = self._tree(function, operand, at, scope, 0)
        return self._trees[key]

    def _call(self, function: Function, number: int, depth: int) -> Tree | None:
        call = function.fact.calls[number]
        if CHANGES.search(call.name.rsplit("::", 1)[-1]) and depth:
            return None
        parts: list[Tree] = []
        for index, operand in enumerate((call.receiver, *call.args)):
            if operand == "-":
                continue
            part = self._tree(function, operand, call.start, call.scope, depth + 1)
            if self.connections.is_connection(function, operand, call.start, call.scope):
                part = (
                    part if part is not None and self._is_own(function, operand, call.start, call.scope) else CONNECTION
                )
            if part is None:
                return None
            if index == 0 and call.name in SAME and not call.args:
                return part
            parts.append(part)
        return Made(call.name, tuple(parts))

    def _is_own(self, function: Function, operand: str, at: int, scope: int) -> bool:
        """Whether a connection is a value of the workspace, which may hold more than that."""
        kind = self.program.type_of(function, operand, at, scope)
        return kind is not None and isinstance(kind.head, TypeItem)

    def _tree(self, function: Function, operand: str, at: int, scope: int, depth: int) -> Tree | None:
        operand = operand.replace("?", "").replace("*", "")
        if depth > MAX_DEPTH or not operand:
            return None
        result = RESULT.match(operand)
        if result is not None:
            made = self._call(function, int(result[1]), depth)
            return made if made is None or not result[2] else Made(result[2], (made,))
        if operand[0] == '"':
            return operand if len(operand) <= (MAX_SQL if STATEMENT.match(operand[1:]) else MAX_TEXT) else None
        if not (operand[0].isalpha() or operand[0] == "_") or "[" in operand or operand.endswith("}"):
            return None
        base, _, fields = operand.partition(".")
        if operand == "L" or operand.startswith("L."):
            return None
        if "::" in base or base.isupper():
            return operand
        return self._named(function, base, fields, at, scope, depth)

    def _named(self, function: Function, base: str, fields: str, at: int, scope: int, depth: int) -> Tree | None:
        if base in function.fact.mutable or base.startswith("_"):
            return None
        local = self.program.resolver.binding(function, base, at, scope)
        if local is None:
            given = dict(function.fact.params).get(base)
            changing = given is None or given.startswith("&mut") or (base == "self" and function.fact.mut_self)
            return None if changing else Name(base, fields)
        if local.init[:1].isalpha() and "[" not in local.init:
            known = self._tree(function, local.init, local.at - 1, local.scope, depth + 1)
            return None if known is None else field_of(known, fields)
        return Name(base, fields, local.at)


def field_of(tree: Tree, fields: str) -> Tree:
    """A field of what a tree stands for."""
    if not fields:
        return tree
    if isinstance(tree, Name):
        return tree._replace(fields=f"{tree.fields}.{fields}" if tree.fields else fields)
    return Made(f".{fields}", (tree,))


def carried(tree: Tree, given: dict[str, Tree | None]) -> Tree | None:
    """A tree of a callee in its caller's terms: parameters become what they are given. None where that is not known."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, Name):
        known = given.get(tree.name) if tree.at < 0 else None
        return field_of(known, tree.fields) if known is not None else None
    parts = [carried(part, given) for part in tree.parts]
    known_parts = tuple(part for part in parts if part is not None)
    return Made(tree.name, known_parts) if len(known_parts) == len(parts) else None
