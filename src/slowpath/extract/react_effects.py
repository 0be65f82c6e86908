"""Effects that wait for something: with the functions of the component that they call, and the state that they set."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.react_components import hook_calls
from slowpath.extract.react_owners import callee_name
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.finding import Span
from slowpath.model.react import EFFECTS

WAITS = re.compile(rb"\bawait\b|\.then\s*\(")
SETTER = re.compile(rb"\bset[A-Z]\w*(?=\s*\()")
CALLED = re.compile(rb"\b[a-z]\w*(?=\s*\()")
CACHE = re.compile(rb"(?<![-\"'])(?:[cC]ache(?!\w*\s*:)|localStorage|sessionStorage|[mM]emoiz|in[fF]light)")
BRANCHES = frozenset(["if_statement", "ternary_expression", "switch_statement"])
MAX_NODES = 400


class Effect(NamedTuple):
    """A call of an effect hook; `parts` are its callback and the local functions that it calls."""

    call: Node
    parts: tuple[Node, ...]

    @property
    def sets(self) -> set[str]:
        """The state setters that it calls."""
        return {name.decode() for part in self.parts for name in SETTER.findall(part.text or b"")}

    @property
    def guarded(self) -> bool:
        """May it decide not to ask?"""
        return any(_guarded(part) for part in self.parts)


def effects(function: Node, scopes: Scopes) -> Iterator[Effect]:
    """The effects of a component or hook that wait for something."""
    source = function.text or b""
    if not any(hook.encode() in source for hook in EFFECTS) or not WAITS.search(source):
        return
    body = function.child_by_field_name("body")
    local = scopes.names(body) if body is not None else {}
    for call in hook_calls(function):
        if callee_name(call) not in EFFECTS:
            continue
        arguments = call.child_by_field_name("arguments")
        callback = (
            next((node for node in arguments.named_children if node.type in FUNCTIONS), None) if arguments else None
        )
        if callback is None:
            continue
        parts = [callback]
        for name in dict.fromkeys(CALLED.findall(callback.text or b"")):
            binding = local.get(name.decode())
            if binding is None:
                continue
            part = binding.owner if binding.kind == "function" else binding.value
            if part is not None and (part.type in FUNCTIONS or callee_name(part) == "useCallback"):
                parts.append(part)
        if any(WAITS.search(part.text or b"") for part in parts):
            yield Effect(call, tuple(parts))


def remembering(root: Node, source: bytes) -> list[Span]:
    """Functions that look into a cache or a storage; `cache: "no-store"` is an option of fetch."""
    found: set[Span] = set()
    if not any(word in source for word in (b"ache", b"Storage", b"emoiz", b"light")):
        return []
    for match in CACHE.finditer(source):
        node = root.descendant_for_byte_range(match.start(), match.end())
        while node is not None and node.type not in FUNCTIONS:
            node = node.parent
        if node is not None:
            found.add((node.start_byte, node.end_byte))
    return sorted(found)


def _guarded(part: Node) -> bool:
    """Does a wait stand in a branch, or behind an `if (..) return`?"""
    stack = [(part, False)]
    for _ in range(MAX_NODES):
        if not stack:
            return False
        node, branch = stack.pop()
        text = node.text or b""
        if not WAITS.search(text):
            continue
        if branch and node.type not in FUNCTIONS:
            return True
        inside = node.type in BRANCHES or (node.type == "binary_expression" and b"&&" in text)
        if node.type == "statement_block":
            for child in node.named_children:
                if child.type == "if_statement" and re.search(rb"\breturn\b", child.text or b""):
                    return True
                if WAITS.search(child.text or b""):
                    break
        stack.extend((child, branch or inside) for child in node.named_children)
    return True
