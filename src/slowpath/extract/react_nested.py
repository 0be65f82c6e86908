"""Components that a component makes anew by each render and shows as tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import first, text, walk
from slowpath.extract.react_components import STATIC_HOOKS, hook_calls
from slowpath.extract.react_owners import TRANSPARENT, callee_name, owner
from slowpath.extract.scopes import FUNCTIONS, Binding, Scopes
from slowpath.model.react import Nested

STYLED = re.compile(r"styled\s*[.(]")
JSX = frozenset(["jsx_element", "jsx_self_closing_element", "jsx_fragment"])


def nested(scopes: Scopes, shown: list[tuple[str, Node]]) -> Iterator[Nested]:
    """One for each such component, with its first tag. `shown` are the file's component tags."""
    seen: set[int] = set()
    for tag, element in shown:
        binding = scopes.lookup(tag, element) if "." not in tag else None
        if binding is None or binding.scope.type == "program" or binding.node.id in seen:
            continue
        seen.add(binding.node.id)
        around = owner(binding.owner) if _is_made(binding) else None
        if around is None or not around.at_render or _outer_function(binding) != around.function:
            continue
        if not around.function.start_byte <= element.start_byte < around.function.end_byte:
            continue
        moves = any(callee_name(call) not in STATIC_HOOKS for call in hook_calls(around.function))
        name = element.child_by_field_name("name") or element
        span = (binding.node.start_byte, binding.node.end_byte)
        yield Nested(tag, around.name, span, (name.start_byte, name.end_byte), moves)


def _is_made(binding: Binding) -> bool:
    """Declared as a function that shows something, perhaps in a wrapper, or as a styled component."""
    if not binding.whole or not binding.constant:
        return False
    if binding.kind == "function":
        return _shows(binding.owner)
    value = binding.value
    while value is not None and value.type not in FUNCTIONS:
        if value.type in TRANSPARENT:
            value = first(value)
        elif value.type == "call_expression" and STYLED.match(text(value)[:12]):
            return True
        elif value.type == "call_expression" and callee_name(value) in ("memo", "forwardRef", "observer"):
            arguments = value.child_by_field_name("arguments")
            value = first(arguments) if arguments is not None else None
        else:
            return False
    return value is not None and _shows(value)


def _shows(function: Node) -> bool:
    return any(node.type in JSX for node in walk(function))


def _outer_function(binding: Binding) -> Node | None:
    node = binding.owner.parent
    while node is not None and node.type not in FUNCTIONS:
        node = node.parent
    return node
