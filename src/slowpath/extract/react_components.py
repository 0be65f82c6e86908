"""Function components, and the memo() and observer() wrappers around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import COMPONENT, HOOK, bound_name, callee_name
from slowpath.extract.react_uses import is_function, uses
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.react import EFFECTS, Component, Memo, Passed

WRAPPED = re.compile(rb"\b(memo|observer)\b\s*[(<]")
LATER_HOOKS = EFFECTS | {"useInsertionEffect", "useImperativeHandle"}
STATIC_HOOKS = LATER_HOOKS | {"useMemo", "useCallback", "useRef", "useId"}
"""Hooks that never ask for another render."""
CALLBACK_PROP = re.compile(r"^(on|handle|set|toggle|render|get|format|is)[A-Z]")
TINY_NODES = 10
STATEMENT = re.compile(r"statement|clause|switch_(body|case|default)")


def functions(scopes: Scopes) -> dict[str, Node]:
    """The top-level functions that are components, by name."""
    found: dict[str, Node] = {}
    for name, binding in scopes.names(scopes.root).items():
        if COMPONENT.match(name) and binding.kind in ("function", "variable"):
            function = binding.owner if binding.kind == "function" else _inner(binding.value)
            if function is not None and function.type in FUNCTIONS:
                found[name] = function
    for statement in scopes.root.named_children:
        if statement.type == "export_statement":
            function = _inner(statement.child_by_field_name("value"))
            if function is not None:
                found["default"] = function
    return found


def hooks(scopes: Scopes) -> dict[str, Node]:
    """The top-level functions that are custom hooks, by name."""
    found: dict[str, Node] = {}
    for name, binding in scopes.names(scopes.root).items():
        function = binding.owner if binding.kind == "function" else binding.value
        if HOOK.match(name) and function is not None and function.type in FUNCTIONS:
            found[name] = function
    return found


def _inner(value: Node | None) -> Node | None:
    """The function written inside wrappers: `memo(forwardRef(() => ..))`."""
    while value is not None and not is_function(value):
        if value.type in ("as_expression", "satisfies_expression", "parenthesized_expression"):
            value = first(value)
        elif value.type == "call_expression" and callee_name(value) in ("memo", "forwardRef", "observer"):
            arguments = value.child_by_field_name("arguments")
            value = first(arguments) if arguments is not None else None
        else:
            return None
    return value


def components(scopes: Scopes, found: dict[str, Node]) -> Iterator[Component]:
    """What other files may ask about each component."""
    for name, function in found.items():
        label = function.child_by_field_name("name") or function
        yield Component(
            name,
            (label.start_byte, min(label.end_byte, label.start_byte + 80)),
            rerenders(function),
            tuple(_harmless(function, scopes)),
            _blank(function),
        )


def _blank(function: Node) -> bool:
    """Does it return null, or nothing, in all branches?"""
    body = function.child_by_field_name("body")
    if body is None or body.type != "statement_block":
        return text(body) == "null"
    stack = list(body.named_children)
    while stack:
        node = stack.pop()
        if node.type == "return_statement" and text(first(node)) not in ("", "null", "undefined", "false"):
            return False
        if node.type not in FUNCTIONS and STATEMENT.search(node.type):
            stack.extend(node.named_children)
    return True


def rerenders(function: Node) -> bool:
    """Does the component have a prop, or a hook that can ask for another render?"""
    return bool(_properties(function) - {"children"}) or any(
        callee_name(call) not in STATIC_HOOKS for call in hook_calls(function)
    )


def hook_calls(function: Node) -> Iterator[Node]:
    """Calls of hooks in the function's own body."""
    body = function.child_by_field_name("body")
    stack = [body] if body is not None else []
    while stack:
        node = stack.pop()
        if node.type == "call_expression" and HOOK.match(callee_name(node)):
            yield node
        elif node.type not in FUNCTIONS and not node.type.startswith("jsx_"):
            stack.extend(reversed(node.named_children))


def _parameter(function: Node) -> Node | None:
    parameters = function.child_by_field_name("parameters")
    given = first(parameters) if parameters is not None else None
    return (given.child_by_field_name("pattern") or given) if given is not None else None


def _properties(function: Node) -> set[str]:
    """Names of the props; `*` for those that are not taken apart."""
    pattern = _parameter(function)
    if pattern is None:
        return {"*"} if function.child_by_field_name("parameter") is not None else set()
    if pattern.type != "object_pattern":
        return {"*"}
    return {text(first(part)) or text(part) for part in pattern.named_children}


def _harmless(function: Node, scopes: Scopes) -> Iterator[tuple[str, tuple[Passed, ...]]]:
    """Callback props whose identity nothing in the component looks at, with the components that get them."""
    pattern = _parameter(function)
    if pattern is None or pattern.type != "object_pattern":
        return
    for name, binding in scopes.names(function).items():
        if not CALLBACK_PROP.match(name) or binding.node.parent is None:
            continue
        if binding.node.type != "shorthand_property_identifier_pattern":
            continue
        found = uses(binding, scopes)
        if all(use.kind in ("host", "prop", "call", "read") for use in found):
            yield name, tuple(sorted({(use.tag, use.attribute) for use in found if use.kind == "prop"}))


def memos(scopes: Scopes, source: bytes, found: dict[str, Node]) -> Iterator[Memo]:
    """The file's memo() and observer() calls that get a name."""
    for match in WRAPPED.finditer(source):
        node = scopes.root.descendant_for_byte_range(match.start(), match.start() + 1)
        while node is not None and node.type in ("identifier", "property_identifier", "member_expression"):
            node = node.parent
        name = bound_name(node) if node is not None and node.type == "call_expression" else ""
        arguments = node.child_by_field_name("arguments") if node is not None and name else None
        if node is None or arguments is None or not (COMPONENT.match(name) or name == "default"):
            continue
        given = [child for child in arguments.named_children if child.type != "comment"]
        if given:
            wrapper: Literal["memo", "observer"] = "memo" if match[1] == b"memo" else "observer"
            span = (node.start_byte, node.end_byte)
            yield Memo(name, span, wrapper, _comparator(given), _tiny(given[0], found))


def _comparator(given: list[Node]) -> str:
    if len(given) < 2:
        return ""
    return text(given[1]) if given[1].type == "identifier" else "own"


def _tiny(wrapped: Node, found: dict[str, Node]) -> bool:
    function = _inner(wrapped) or (found.get(text(wrapped)) if wrapped.type == "identifier" else None)
    if function is None or not _properties(function) or "children" in _properties(function):
        return False
    if any(True for _ in hook_calls(function)):
        return False
    return _few_hosts(function)


def _few_hosts(function: Node) -> bool:
    """The body shows host elements and reads of props, with no component, function, list or call."""
    elements = 0
    body = function.child_by_field_name("body")
    stack = [body] if body is not None else []
    while stack:
        node = stack.pop()
        if node.type in ("jsx_opening_element", "jsx_self_closing_element"):
            elements += 1
            name = text(node.child_by_field_name("name"))
            if name and not name[0].islower():
                return False
        elif node.type == "call_expression" or node.type in FUNCTIONS or node.type in ("object", "array"):
            return False
        stack.extend(node.named_children)
    return 0 < elements < TINY_NODES


def styled(scopes: Scopes) -> Iterator[tuple[str, str]]:
    """Styled components of the top level, with what they wrap; nothing for a host element."""
    for name, binding in scopes.names(scopes.root).items():
        value = binding.value
        if value is None or value.type != "call_expression" or not text(value).startswith("styled"):
            continue
        base = re.match(r"styled\s*(?:\.\s*[a-z]\w*|\(\s*(?:[\"'][\w-]+[\"']|([A-Z][\w.]*)))", text(value))
        if base:
            yield name, base[1] or ""
