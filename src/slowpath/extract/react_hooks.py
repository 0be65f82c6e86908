"""useMemo and useCallback calls that do no work: what a file alone can say, most safe reasons first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec
from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.extract.react_owners import Owner, call_at, callee_name, owner
from slowpath.extract.react_plain import plain, primitive, returned
from slowpath.extract.react_uses import Cover, Use, covered, is_function, uses
from slowpath.extract.react_values import cheap
from slowpath.extract.scopes import FUNCTIONS, Binding, Scopes, source_of
from slowpath.model.react import HookValue, Passed

CALL = re.compile(rb"\buse(?:Memo|Callback)\b\s*[(<]")
CONSTANTS = frozenset(["undefined", "NaN", "Infinity", "Math", "Boolean", "Number", "String"])
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


class _Verdict(NamedTuple):
    """Why a hook seems idle. `idle`: nothing that uses the value compares it."""

    reason: Reason
    passed: tuple[Passed, ...]
    cover: Cover
    idle: bool


def hook_values(scopes: Scopes, source: bytes) -> Iterator[HookValue]:
    """The hooks of a file that look idle."""
    for match in CALL.finditer(source):
        call = _call(scopes, match.start())
        found = _judge(call, scopes) if call is not None else None
        if call is not None and found is not None:
            span = (call.node.start_byte, call.node.end_byte)
            value = HookValue(call.hook, call.binding.name, call.owner.name, span, found.reason, found.passed)
            yield _with_plain(value, call, found, source)


def _with_plain(value: HookValue, call: _Call, found: _Verdict, source: bytes) -> HookValue:
    kept = plain(call.node, call.hook, call.callback, call.dependencies, source)
    if kept is None:
        return value
    same = found.cover != "none" if call.hook == "useCallback" else found.cover == "exact"
    same = same and (found.idle or primitive(returned(call.callback)))
    return msgspec.structs.replace(value, keep=kept.keep, wrapped=kept.wrapped, untyped=kept.untyped, same=same)


def _call(scopes: Scopes, at: int) -> _Call | None:
    node = call_at(scopes.root, at)
    if node is None or not _reacts(node, scopes):
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


def _reacts(call: Node, scopes: Scopes) -> bool:
    """Not a function of the project's own that goes by the hook's name."""
    callee = call.child_by_field_name("function")
    binding = scopes.lookup(text(callee), callee) if callee is not None and callee.type == "identifier" else None
    if binding is None:
        return True
    if binding.kind == "import":
        return not source_of(binding.node).startswith(".")
    return binding.kind == "variable" and (binding.value is None or not is_function(binding.value))


def _judge(call: _Call, scopes: Scopes) -> _Verdict | None:
    cover = _cover(call, scopes)
    found = uses(call.binding, scopes)
    idle = not {use.kind for use in found} - LOCAL_KINDS
    if call.hook == "useMemo":
        body = call.callback.child_by_field_name("body")
        if body is None or cover == "none" or not cheap(body, containers=True) or _reads_outside(body, scopes):
            return None
        if cheap(body, containers=False):
            return _Verdict("cheap", (), cover, idle)
    if not found:
        return _Verdict("unused", (), cover, True)
    if not idle:
        return None
    reason, passed = _local(found)
    return _Verdict(reason, passed, cover, True)


def _local(found: list[Use]) -> tuple[Reason, tuple[Passed, ...]]:
    passed = tuple(sorted({(use.tag, use.attribute) for use in found if use.kind == "prop"}))
    if passed:
        return "passed", passed
    return ("host" if any(use.kind == "host" for use in found) else "called"), ()


def _cover(call: _Call, scopes: Scopes) -> Cover:
    """A memo with too few dependencies keeps an old value on purpose."""
    if call.dependencies is None:
        return "exact" if call.hook == "useMemo" else "none"
    return covered(call.callback, call.dependencies, call.owner.function, scopes)


def _reads_outside(body: Node, scopes: Scopes) -> bool:
    """Does it read a global, a module's `let` or a ref, which a memo may freeze on purpose?"""
    stack = [body]
    while stack:
        node = stack.pop()
        if node.type in FUNCTIONS:
            continue
        if node.type == "member_expression" and text(node.child_by_field_name("property")) == "current":
            return True
        if node.type in ("identifier", "shorthand_property_identifier") and text(node) not in CONSTANTS:
            binding = scopes.lookup(text(node), node)
            if binding is None or (binding.scope.type == "program" and not binding.constant):
                return True
        stack.extend(node.named_children)
    return False
