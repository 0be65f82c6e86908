"""What may stand in place of a useMemo or useCallback call, and how its import goes with the last of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text, walk
from slowpath.extract.scopes import VALUES, Scopes
from slowpath.model.finding import Span
from slowpath.model.react import HookImport

COMPARISONS = frozenset(["===", "!==", "==", "!=", "<", ">", "<=", ">="])
LITERALS = frozenset(["string", "number", "true", "false", "null", "undefined", "template_string"])


class Plain(NamedTuple):
    """The part of a hook call that stays. `untyped`: TypeScript would miss the types of parameters."""

    keep: Span
    wrapped: bool
    untyped: bool


def plain(call: Node, hook: str, callback: Node, dependencies: Node | None, source: bytes) -> Plain | None:
    """The callback itself, or what it returns; None where that would not compile, or leave a name unused."""
    kept = callback if hook == "useCallback" else returned(callback)
    if kept is None or call.child_by_field_name("type_arguments") is not None or not _react_stays(call, source):
        return None
    if dependencies is not None and not set(names(dependencies)) <= set(names(kept)):
        return None
    parent = call.parent
    wrapped = parent is None or parent.type != "variable_declarator"
    return Plain((kept.start_byte, kept.end_byte), wrapped, kept == callback and _untyped(callback))


def primitive(node: Node | None) -> bool:
    """Is a value certainly no object?"""
    if node is None:
        return False
    if node.type == "parenthesized_expression":
        return primitive(first(node))
    if node.type == "ternary_expression":
        return primitive(node.child_by_field_name("consequence")) and primitive(node.child_by_field_name("alternative"))
    if node.type == "binary_expression":
        return text(node.child_by_field_name("operator")) in COMPARISONS
    return node.type in LITERALS or (node.type == "unary_expression" and text(node).startswith(("!", "-")))


def returned(callback: Node) -> Node | None:
    """The expression that is all of an arrow function's body."""
    body = callback.child_by_field_name("body")
    if body is None or callback.type != "arrow_function" or text(callback).startswith("async"):
        return None
    if body.type != "statement_block":
        return body
    only = first(body) if body.named_child_count == 1 else None
    return first(only) if only is not None and only.type == "return_statement" and only.named_child_count == 1 else None


def names(node: Node) -> Iterator[str]:
    """The names of values below a node."""
    return (text(part) for part in walk(node) if part.type in VALUES)


def _untyped(function: Node) -> bool:
    if function.child_by_field_name("parameter") is not None:
        return True
    parameters = function.child_by_field_name("parameters")
    given = parameters.named_children if parameters is not None else []
    return any(
        node.child_by_field_name("type") is None and node.child_by_field_name("value") is None
        for node in given
        if node.type != "comment"
    )


def _react_stays(call: Node, source: bytes) -> bool:
    """With `React.useMemo`: something else of `React` is needed as well."""
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "member_expression":
        return True
    name = re.escape(text(callee.child_by_field_name("object")).encode())
    return bool(re.search(rb"(?<![\w$.])" + name + rb"\s*\.\s*(?!use(?:Memo|Callback)\b)\w", source))


def hook_imports(scopes: Scopes, source: bytes) -> Iterator[HookImport]:
    """How the named imports of useMemo and useCallback can be dropped."""
    for name in ("useMemo", "useCallback"):
        binding = scopes.names(scopes.root).get(name)
        if binding is not None and binding.kind == "import" and binding.owner.type == "import_specifier":
            yield HookImport(name, len(scopes.uses(binding)), _without(binding.owner, source))


def _without(specifier: Node, source: bytes) -> Span:
    """The bytes to delete: the name with its comma, or all of the braces, or the whole statement."""
    braces = specifier.parent
    others = [each for each in braces.named_children if each.type != "comment"] if braces is not None else [specifier]
    at = next((index for index, each in enumerate(others) if each.id == specifier.id), 0)
    if at and specifier.prev_named_sibling == others[at - 1]:
        return others[at - 1].end_byte, specifier.end_byte
    if at + 1 < len(others):
        return specifier.start_byte, others[at + 1].start_byte
    if at:
        return specifier.start_byte, specifier.end_byte
    clause = braces.parent if braces is not None else None
    statement = clause.parent if clause is not None else None
    if braces is None or clause is None or statement is None:
        return specifier.start_byte, specifier.end_byte
    default = braces.prev_named_sibling
    if default is not None:
        return default.end_byte, braces.end_byte
    newline = source.find(b"\n", statement.end_byte)
    alone = newline >= 0 and not source[statement.end_byte : newline].strip()
    return statement.start_byte, newline + 1 if alone else statement.end_byte
