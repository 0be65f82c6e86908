"""What a call expression calls, as one short text, with a hint of what it does there."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.awaits import Call

TRANSPARENT = frozenset(
    (
        "parenthesized_expression",
        "non_null_expression",
        "as_expression",
        "satisfies_expression",
        "instantiation_expression",
        "await_expression",
    )
)
FOLLOW_UP = re.compile(r"\.(?:then|catch|finally)\(\)$")
SQL_WORD = re.compile(r"\s*+(?>(?>--[^\n]*\n|/\*.*?\*/)\s*+)*+([A-Za-z]+)\b", re.S)
LOCKING = re.compile(r"\bfor\s+(?:no\s+key\s+)?(?:update|share)\b", re.I)
TOGETHER = frozenset(("Promise.all()", "Promise.allSettled()", "Promise.race()", "Promise.any()"))
MAX_NAME = 120
MAX_PARTS = 40
"""Longer chains are data in the shape of calls."""


def first(node: Node) -> Node | None:
    """The first named child, comments left out."""
    return next((child for child in node.named_children if child.type != "comment"), None)


def unwrap(node: Node | None) -> Node | None:
    """The expression inside parentheses, type assertions and the like."""
    while node is not None and node.type in TRANSPARENT:
        node = first(node)
    return node


def describe(node: Node) -> Call:
    """The call that a call or `new` expression makes; an empty name for any other expression."""
    hint = ""
    parts: list[str] = []
    called = ""
    at: Node | None = node
    while at is not None and len(parts) < MAX_PARTS:
        kind = at.type
        if kind == "call_expression":
            called = "()"
            hint = _hint(at.child_by_field_name("arguments")) or hint
            at = at.child_by_field_name("function")
        elif kind == "member_expression":
            parts.append(text(at.child_by_field_name("property")) + called)
            called = ""
            at = at.child_by_field_name("object")
        elif kind == "subscript_expression":
            parts.append("[]" + called)
            called = ""
            at = at.child_by_field_name("object")
        elif kind in TRANSPARENT:
            at = first(at)
        elif kind == "new_expression":
            parts.append(f"new {text(at.child_by_field_name('constructor'))}()")
            break
        elif kind in ("identifier", "this", "super", "import"):
            parts.append(text(at) + called)
            break
        else:
            parts.append("…" + called)
            break
    name = ".".join(reversed(parts)).replace(".[]", "[]")
    if "()" not in name:
        return Call("")
    while FOLLOW_UP.search(name):
        name = FOLLOW_UP.sub("", name)
    return Call(name[:MAX_NAME] if "()" in name else "", hint)


def together(node: Node) -> tuple[Call, ...]:
    """What a `Promise.all([…])` starts: the calls of its list, or those of the callback that fills it."""
    arguments = node.child_by_field_name("arguments") if node.type == "call_expression" else None
    given = unwrap(first(arguments)) if arguments is not None else None
    if given is None:
        return ()
    elements = given.named_children if given.type == "array" else [given]
    calls: list[Call] = []
    for element in elements:
        at = unwrap(first(element) if element.type == "spread_element" else element)
        if at is None or at.type != "call_expression":
            continue
        callback = _callback(at)
        calls += inner_calls(callback) if callback is not None else [describe(at)]
    return tuple(dict.fromkeys(call for call in calls if call.name))


def _callback(call: Node) -> Node | None:
    """The function given to `xs.map(…)`."""
    arguments = call.child_by_field_name("arguments")
    given = first(arguments) if arguments is not None else None
    return given if given is not None and given.type in ("arrow_function", "function_expression") else None


def inner_calls(root: Node) -> list[Call]:
    """Every call below a node."""
    found = []
    stack = [root]
    while stack:
        node = stack.pop()
        if node.type == "call_expression":
            found.append(describe(node))
        stack.extend(reversed(node.named_children))
    return found


def _hint(arguments: Node | None) -> str:
    if arguments is None:
        return ""
    if arguments.type == "template_string":
        return _sql(arguments)
    for argument in arguments.named_children:
        kind = argument.type
        if kind in ("template_string", "string"):
            found = _sql(argument)
        elif kind == "call_expression" and (inner := argument.child_by_field_name("arguments")) is not None:
            found = _sql(inner) if inner.type == "template_string" else ""
        elif kind == "object":
            found = _method(argument)
        else:
            found = ""
        if found:
            return found
    return ""


def _method(options: Node) -> str:
    """The value of a literal `method: "POST"`; `?` where it stands there but cannot be read."""
    for pair in options.named_children:
        if pair.type == "pair" and text(pair.child_by_field_name("key")).strip("'\"") == "method":
            value = pair.child_by_field_name("value")
            return text(value).strip("'\"`").lower() if value is not None and value.type == "string" else "?"
        if pair.type == "shorthand_property_identifier" and text(pair) == "method":
            return "?"
    return ""


STATEMENTS = frozenset(
    "select with insert update delete merge replace create alter drop truncate begin start commit rollback savepoint"
    " lock set call copy show explain vacuum grant revoke".split()
)


def _sql(literal: Node) -> str:
    fragment = first(literal)
    if fragment is None or fragment.type != "string_fragment":
        return ""
    words = text(fragment)
    match = SQL_WORD.match(words)
    word = match[1].lower() if match else ""
    if word not in STATEMENTS or (" " not in words.strip() and word not in ("begin", "commit", "rollback")):
        return ""
    if word in ("select", "with") and LOCKING.search(text(literal)):
        return "lock"
    return word
