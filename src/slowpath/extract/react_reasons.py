"""What can make a context provider's component render again, and whether its value holds it."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text, walk
from slowpath.extract.react_components import CALLBACK_PROP, LATER_HOOKS, STATIC_HOOKS, hook_calls
from slowpath.extract.react_owners import callee_name, calls
from slowpath.extract.scopes import FUNCTIONS, VALUES, Binding, Scopes

STATES = frozenset(["useState", "useReducer"])
LATER = LATER_HOOKS | {"useCallback"}


class Reasons(NamedTuple):
    """`some`: a hook may ask for another render. `held`: the value rests on the answers of all that may."""

    some: bool
    held: bool


def reasons(value: Node, function: Node, scopes: Scopes) -> Reasons:
    """The hooks of a component, seen from a value that it makes."""
    body = function.child_by_field_name("body")
    local = scopes.names(body) if body is not None else {}
    asking = [call for call in hook_calls(function) if _asks(call, function, local, scopes)]
    held = _rests_on(value, local) if asking else set()
    return Reasons(bool(asking), all(any(b.name in held for b in _answer(call, local)) for call in asking))


def _asks(call: Node, function: Node, local: dict[str, Binding], scopes: Scopes) -> bool:
    """May a hook ask for a render that shows? Not one whose answer nobody takes, or only what runs later."""
    taker = _taker(call)
    if callee_name(call) in STATIC_HOOKS or taker is None:
        return False
    answer = _answer(call, local)
    later = _is_key if _pair(taker) is not None else _runs_later
    used = [use for binding in answer for use in scopes.uses(binding)]
    return not used or not all(later(use, function) for use in used)


def _taker(call: Node) -> Node | None:
    """What a call's answer ends in: a declaration, or any other place but a statement of its own."""
    node = call.parent
    while node is not None and node.type != "variable_declarator":
        if node.type.endswith(("statement", "statement_block")):
            return None if node.type == "expression_statement" else node
        node = node.parent
    return node


def _pair(taker: Node) -> Node | None:
    pattern = taker.child_by_field_name("name")
    return pattern if pattern is not None and pattern.type == "array_pattern" else None


def _answer(call: Node, local: dict[str, Binding]) -> list[Binding]:
    """The names that a hook's answer gets: the state of a pair, and of an object what is no setter."""
    taker = _taker(call)
    found = [binding for binding in local.values() if taker is not None and binding.owner.id == taker.id]
    pair = _pair(taker) if taker is not None else None
    if pair is None:
        return [binding for binding in found if not CALLBACK_PROP.match(binding.name)] or found
    state = first(pair) if pair.child_count > 1 and pair.children[1].type != "," else None
    return [b for b in found if state is not None and state.start_byte <= b.node.start_byte < state.end_byte]


def _rests_on(value: Node, local: dict[str, Binding]) -> set[str]:
    """The local names that a value is made of, through other variables, functions and what hooks are given."""
    held: set[str] = set()
    stack = [value]
    while stack:
        node = stack.pop()
        if node.type not in VALUES:
            stack.extend(node.named_children)
            continue
        binding = local.get(text(node))
        if binding is None or binding.name in held:
            continue
        held.add(binding.name)
        made = binding.owner.child_by_field_name("body") if binding.kind == "function" else binding.value
        if made is not None and not (made.type == "call_expression" and callee_name(made) in STATES):
            stack.append(made)
    return held


def _is_key(use: Node, function: Node) -> bool:
    """A key that changes makes all below its tag anew, whoever reads the context there."""
    attribute = use.parent.parent if use.parent is not None and use.parent.type == "jsx_expression" else None
    return attribute is not None and attribute.type == "jsx_attribute" and text(first(attribute)) == "key"


def _runs_later(use: Node, function: Node) -> bool:
    """In an effect, a handler or another function that shows nothing, or whole among the dependencies of one."""
    node = use.parent
    if node is not None and node.type == "array" and _serves(use, node):
        return True
    while node is not None and node != function:
        if node.type in FUNCTIONS:
            call = calls(node)
            shows = b"/>" in (node.text or b"") or b"</" in (node.text or b"")
            return not shows and (call is None or callee_name(call) in LATER)
        node = node.parent
    return False


def _serves(use: Node, dependencies: Node) -> bool:
    """Is a dependency one that the callback works with? Another is there to make it run, so it changes."""
    call = calls(dependencies)
    callback = first(dependencies.parent) if call is not None and dependencies.parent is not None else None
    if call is None or callback is None or callee_name(call) not in LATER:
        return False
    return any(node.type in VALUES and node.text == use.text for node in walk(callback))
