"""An await that is the value of a property: what a fix needs to wait for it before its statement."""

from __future__ import annotations

from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.await_calls import first
from slowpath.extract.await_moves import LISTS
from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import text, walk
from slowpath.extract.scopes import VALUES

LONG = 400
STATEMENTS = ("return_statement", "lexical_declaration", "variable_declaration", "expression_statement")
NAMES = VALUES | {"shorthand_property_identifier_pattern"}
RESERVED = frozenset("default delete in new class function return this true false null await".split())


class Keyed(NamedTuple):
    """`key: await operand` in a statement."""

    key: str
    statement: Node
    operand: Node


def keyed(pair: Node) -> Keyed | None:
    """The parts; None where the key cannot be a variable of the function, or names one already."""
    key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    operand = first(value) if value is not None and value.type == "await_expression" else None
    if operand is None or value is None or value.named_child_count != 1 or operand.end_byte - operand.start_byte > LONG:
        return None
    if key is None or key.type != "property_identifier" or text(key) in RESERVED:
        return None
    statement: Node | None = pair
    while statement is not None and (statement.parent is None or statement.parent.type not in LISTS):
        statement = statement.parent if statement.type not in FUNCTIONS else None
    function = statement
    while function is not None and function.parent is not None and function.type not in FUNCTIONS:
        function = function.parent
    if statement is None or function is None or not _plain(statement) or _named(function, text(key)):
        return None
    return Keyed(text(key), statement, operand)


def _plain(statement: Node) -> bool:
    """All of it runs, once, and needs no other part of it: what it awaits can be awaited before it."""
    declarators = sum(1 for child in statement.named_children if child.type == "variable_declarator")
    return declarators < 2 and statement.type in STATEMENTS


def _named(root: Node, name: str) -> bool:
    return any(node.type in NAMES and text(node) == name for node in walk(root))
