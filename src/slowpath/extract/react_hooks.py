"""useMemo and useCallback calls that do no work: what a file alone can say, most safe reasons first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.extract.react_owners import Owner, callee_name, owner
from slowpath.extract.react_uses import Use, is_function, reads_only, uses
from slowpath.extract.react_values import cheap
from slowpath.extract.scopes import Binding, Scopes
from slowpath.model.react import HookValue, Passed

CALL = re.compile(rb"\buse(?:Memo|Callback)\b\s*[(<]")
LOCAL_KINDS = frozenset(["host", "prop", "call", "read"])

Reason = Literal["cheap", "unused", "called", "host", "passed"]


class _Call(NamedTuple):
    """A hook call, taken apart."""

    node: Node
    hook: Literal["useMemo", "useCallback"]
    callback: Node
    dependencies: Node | None
    binding: Binding
    owner: Owner


def hook_values(scopes: Scopes, source: bytes) -> Iterator[HookValue]:
    """The hooks of a file that look idle."""
    for match in CALL.finditer(source):
        call = _call(scopes, match.start())
        found = _judge(call, scopes) if call is not None else None
        if call is not None and found is not None:
            reason, passed = found
            span = (call.node.start_byte, call.node.end_byte)
            yield HookValue(call.hook, call.binding.name, call.owner.name, span, reason, passed)


def _call(scopes: Scopes, at: int) -> _Call | None:
    node = scopes.root.descendant_for_byte_range(at, at + 1)
    while node is not None and node.type in ("identifier", "property_identifier", "member_expression"):
        node = node.parent
    if node is None or node.type != "call_expression":
        return None
    hook: Literal["useMemo", "useCallback"] = "useMemo" if callee_name(node) == "useMemo" else "useCallback"
    arguments = node.child_by_field_name("arguments")
    given = [child for child in arguments.named_children if child.type != "comment"] if arguments is not None else []
    declarator = node.parent
    while declarator is not None and declarator.type in ("as_expression", "satisfies_expression"):
        declarator = declarator.parent
    name = declarator.child_by_field_name("name") if declarator and declarator.type == "variable_declarator" else None
    around = owner(node)
    if not given or not is_function(given[0]) or name is None or name.type != "identifier" or around is None:
        return None
    binding = scopes.lookup(text(name), name)
    if binding is None or binding.node.id != name.id:
        return None
    return _Call(node, hook, given[0], given[1] if len(given) > 1 else None, binding, around)


def _judge(call: _Call, scopes: Scopes) -> tuple[Reason, tuple[Passed, ...]] | None:
    body = call.callback.child_by_field_name("body")
    if call.hook == "useMemo":
        if body is None or not cheap(body, containers=True) or not _covered(call, scopes):
            return None
        if cheap(body, containers=False):
            return "cheap", ()
    found = uses(call.binding, scopes)
    if not found:
        return "unused", ()
    if {use.kind for use in found} - LOCAL_KINDS:
        return None
    return _local(found)


def _local(found: list[Use]) -> tuple[Reason, tuple[Passed, ...]] | None:
    passed = tuple(sorted({(use.tag, use.attribute) for use in found if use.kind == "prop"}))
    if passed:
        return "passed", passed
    return ("host" if any(use.kind == "host" for use in found) else "called"), ()


def _covered(call: _Call, scopes: Scopes) -> bool:
    """Are all inputs in the dependency array? A memo with fewer keeps an old value on purpose."""
    if call.dependencies is None:
        return True
    names = {text(node) for node in _identifiers(call.dependencies)}
    return reads_only(call.callback, names, call.owner.function, scopes)


def _identifiers(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        part = stack.pop()
        if part.type == "identifier":
            yield part
        stack.extend(part.named_children)
