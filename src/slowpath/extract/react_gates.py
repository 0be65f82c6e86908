"""Hook calls with the parameters that they read, and the components that a parent shows only once its data came."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_components import STATIC_HOOKS, hook_calls
from slowpath.extract.react_owners import callee_name
from slowpath.extract.react_sites import value_of
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.react import Gate, GatedChild, HookCall

Elements = list[tuple[str, Node]]
FAILURE = frozenset(["error", "isError"])
CHOICES = frozenset(["binary_expression", "ternary_expression"])
BUILT_IN = STATIC_HOOKS | {"useState", "useReducer", "useContext", "use", "useTransition", "useDeferredValue"}


def calls_of(name: str, function: Node, scopes: Scopes) -> Iterator[HookCall]:
    """The hook calls of a component or hook that get arguments."""
    parameters = {key for key, binding in scopes.names(function).items() if binding.kind == "parameter"}
    for call in hook_calls(function):
        arguments = call.child_by_field_name("arguments")
        callee = callee_name(call)
        if callee not in BUILT_IN and arguments is not None and arguments.named_child_count:
            read = tuple(sorted(parameters & names(arguments)))
            yield HookCall(name, callee, (call.start_byte, call.end_byte), read, _taken(call, scopes))


def _taken(call: Node, scopes: Scopes) -> bool:
    binding = scopes.lookup(callee_name(call), call)
    return binding is not None and binding.kind == "variable" and not binding.whole


def gates(name: str, function: Node, shown: Elements, scopes: Scopes) -> Iterator[Gate]:
    """Hook calls of a component whose result decides whether children are shown."""
    inside = [(tag, node) for tag, node in shown if function.start_byte <= node.start_byte < function.end_byte]
    for call in hook_calls(function) if inside else ():
        declarator = call.parent
        if callee_name(call) in BUILT_IN or declarator is None or declarator.type != "variable_declarator":
            continue
        bound = _bound(declarator, scopes) - FAILURE
        tainted = _tainted(bound, call, function, scopes)
        guard = _early_return(bound, call, function)
        waiting = (_child(tag, node, tainted) for tag, node in inside if _waits(node, bound, guard, function))
        children = tuple(child for child in waiting if child is not None)
        if children:
            yield Gate(name, callee_name(call), (call.start_byte, call.end_byte), children)


def names(node: Node) -> set[str]:
    """Every name that an expression reads."""
    found: set[str] = set()
    stack = [node]
    while stack:
        part = stack.pop()
        if part.type in ("identifier", "shorthand_property_identifier"):
            found.add(text(part))
        stack.extend(part.named_children)
    return found


def _bound(declarator: Node, scopes: Scopes) -> set[str]:
    known = scopes.names(declarator.parent.parent) if declarator.parent and declarator.parent.parent else {}
    return {name for name, binding in known.items() if binding.owner.id == declarator.id}


def _tainted(bound: set[str], call: Node, function: Node, scopes: Scopes) -> set[str]:
    """Names of the function's body that rest on the call's result."""
    tainted = set(bound)
    body = function.child_by_field_name("body")
    for name, binding in (scopes.names(body) if body is not None else {}).items():
        value = binding.value
        if value is not None and value.start_byte > call.start_byte and names(value) & tainted:
            tainted.add(name)
    return tainted


def _early_return(bound: set[str], call: Node, function: Node) -> int:
    """Where the code behind `if (!data) return ..` starts; 0 without such a guard."""
    body = function.child_by_field_name("body")
    for statement in body.named_children if body is not None else ():
        if statement.type == "if_statement" and statement.start_byte > call.start_byte:
            condition = statement.child_by_field_name("condition")
            then = statement.child_by_field_name("consequence")
            last = then.named_children[-1] if then is not None and then.named_child_count else None
            leaves = then is not None and "return_statement" in (then.type, last.type if last is not None else "")
            if condition is not None and leaves and names(condition) & bound:
                return statement.end_byte
    return 0


def _waits(element: Node, bound: set[str], guard: int, function: Node) -> bool:
    """Is the element shown once the data came, on no other condition and in no callback?"""
    behind = bool(guard) and element.start_byte >= guard
    current, parent = element, element.parent
    while parent is not None and parent.id != function.id:
        if parent.type in FUNCTIONS:
            return False
        if parent.type in CHOICES:
            gate = parent.child_by_field_name("left") or parent.child_by_field_name("condition")
            if gate is None or gate.id == current.id or behind or not names(gate) & bound:
                return False
            if gate.type not in ("identifier", "member_expression", "unary_expression"):
                return False
            behind = True
        current, parent = parent, parent.parent
    return behind


def _child(tag: str, element: Node, tainted: set[str]) -> GatedChild | None:
    """The element with its attributes; None where a spread hides them, or no name outside the data is handed over."""
    steady: list[str] = []
    tied: list[str] = []
    for attribute in element.named_children:
        if attribute.type == "jsx_expression":
            return None
        value = value_of(attribute) if attribute.type == "jsx_attribute" else None
        read = names(value) if value is not None else set()
        if read:
            (tied if read & tainted else steady).append(text(first(attribute)))
    span = (element.start_byte, element.end_byte)
    return GatedChild(tag, span, tuple(steady), tuple(tied)) if steady else None
