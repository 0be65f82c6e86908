"""Conditions that wait for an answer: `!data`, `isLoading || error`, `query.status === "pending"`."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import TRANSPARENT, callee_name
from slowpath.extract.react_sources import NOTHING, Values, union
from slowpath.model.react import Sources

LOADING = re.compile(r"load(ing)?$|^(is)?Loading|pending|fetching|validating|waiting", re.IGNORECASE)
FAILURE = re.compile(r"error$|failed$", re.IGNORECASE)
ANSWERS = frozenset(["data", "isSuccess", "isFetched", "current"])
MISSING = frozenset(["undefined", "null", '"pending"', '"loading"', '"idle"', "'pending'", "'loading'", "'idle'"])
SUCCESS = frozenset(['"success"', "'success'"])


def answered(condition: Node | None, when: bool, values: Values) -> Sources | None:
    """What must have answered once a condition is `when`; None where it also asks for something else."""
    if condition is None:
        return None
    kind = condition.type
    if kind in TRANSPARENT and condition.named_child_count:
        return answered(condition.named_children[0], when, values)
    if kind == "unary_expression" and text(condition.child_by_field_name("operator")) == "!":
        return answered(condition.child_by_field_name("argument"), not when, values)
    if kind == "call_expression" and callee_name(condition) == "Boolean":
        arguments = condition.child_by_field_name("arguments")
        return answered(first(arguments) if arguments is not None else None, when, values)
    if kind == "binary_expression":
        return _binary(condition, when, values)
    return _leaf(condition, when, values) if kind in ("identifier", "member_expression") else None


def _binary(condition: Node, when: bool, values: Values) -> Sources | None:
    operator = text(condition.child_by_field_name("operator"))
    left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
    if operator in ("&&", "||"):
        sides = [answered(side, when, values) for side in (left, right)]
        known = [side for side in sides if side is not None]
        # `isLoading || closed` is false only with both sides false, so what one side says still holds; of
        # `teamId && isLoading` either may be the false one
        enough = len(known) == 2 or (operator == "||" and not when and bool(known))
        return union(*known) if enough else None
    if operator in ("===", "==", "!==", "!="):
        equal = (operator in ("===", "==")) == when
        if (text(right) in MISSING and not equal) or (text(right) in SUCCESS and equal):
            return values.of(left)
    return None


def _leaf(node: Node, when: bool, values: Values) -> Sources | None:
    last = node.child_by_field_name("property") if node.type == "member_expression" else node
    name = text(last)
    if FAILURE.search(name):
        return NOTHING
    if LOADING.search(name):
        return None if when else values.of(node)
    plain = node.type == "identifier" or name in ANSWERS or "?." in text(node)
    return values.of(node) if when and plain else None
