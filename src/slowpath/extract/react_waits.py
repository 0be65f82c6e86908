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
IDENTITY = re.compile(r"^_?(id|uuid)$|[a-z](Id|Uuid)$")
ANSWERS = frozenset(["data", "isSuccess", "isFetched", "current"])
FLAG = re.compile(
    r"^(use)?_?([iI]s|[hH]as|[cC]an|[sS]hould|[aA]re|[wW]as|[dD]id|[dD]oes|[aA]llows?|[nN]eeds?)(?=[A-Z])"
    r"|([eE]nabled|[dD]isabled|[aA]ctive|[cC]onnected|[aA]llowed|[rR]equired|[aA]vailable|[eE]mpty|[oO]pen(ed)?|[vV]isible)$"
)
"""Names that say yes or no, ..."""
READY = re.compile(r"^_?(is|has)?(Ready|Loaded|Fetched|Success|Initiali[sz]ed|Data)$", re.IGNORECASE)
"""... but not about the answer's being there."""
MISSING = frozenset(["undefined", "null", '"pending"', '"loading"', '"idle"', "'pending'", "'loading'", "'idle'"])
SUCCESS = frozenset(['"success"', "'success'"])

MAX_MEANT = 2
MAX_LENGTH = 400
"""Bytes of a condition that is looked at."""


def answered(
    condition: Node | None, when: bool, values: Values, *, strict: bool = False, meant: int = MAX_MEANT
) -> Sources | None:
    """What must have answered once a condition is `when`; None where it also asks for something else.

    A part of the answer is something else. `strict`: so is a variable that stands for one. `meant` is how far
    variables are looked into.
    """
    if condition is None or condition.end_byte - condition.start_byte > MAX_LENGTH:
        return None
    kind = condition.type
    if kind in TRANSPARENT and condition.named_child_count:
        return answered(condition.named_children[0], when, values, strict=strict, meant=meant)
    if kind == "unary_expression" and text(condition.child_by_field_name("operator")) == "!":
        return answered(condition.child_by_field_name("argument"), not when, values, strict=strict, meant=meant)
    if kind == "call_expression" and callee_name(condition) == "Boolean":
        arguments = condition.child_by_field_name("arguments")
        return answered(first(arguments) if arguments is not None else None, when, values, strict=strict, meant=meant)
    if kind == "binary_expression":
        return _binary(condition, when, values, strict, meant)
    return _leaf(condition, when, values, strict, meant) if kind in ("identifier", "member_expression") else None


def _binary(condition: Node, when: bool, values: Values, strict: bool, meant: int) -> Sources | None:
    operator = text(condition.child_by_field_name("operator"))
    left, right = condition.child_by_field_name("left"), condition.child_by_field_name("right")
    if operator in ("&&", "||"):
        sides = [answered(side, when, values, strict=strict, meant=meant) for side in (left, right)]
        known = [side for side in sides if side is not None]
        # `isLoading || closed` is false only with both sides false, so what one side says still holds; of
        # `teamId && isLoading` either may be the false one
        enough = len(known) == 2 or (operator == "||" and not when and bool(known) and not strict)
        return union(*known) if enough else None
    if operator in ("===", "==", "!==", "!="):
        equal = (operator in ("===", "==")) == when
        strictly_null = text(right) == "null" and len(operator) == 3
        if (text(right) in MISSING and not strictly_null and not equal) or (text(right) in SUCCESS and equal):
            return answered(left, True, values, strict=True) if strict else values.of(left)
    return None


def _leaf(node: Node, when: bool, values: Values, strict: bool, meant: int) -> Sources | None:
    last = node.child_by_field_name("property") if node.type == "member_expression" else node
    name = text(last)
    if node.type == "identifier":
        name = values.part(name) or name
    if FAILURE.search(name):
        return NOTHING
    if LOADING.search(name):
        return None if when else values.of(node)
    value = values.meant(name) if node.type == "identifier" else None
    if value is not None and meant and not strict:
        return answered(value, when, values, meant=meant - 1)
    plain = name in ANSWERS or IDENTITY.search(name) is not None
    if node.type == "identifier":
        plain = plain or not (values.field(text(node)) or _flag(node, values))
    if strict and values.of(node).calls:
        plain = name in ANSWERS or (IDENTITY.search(name) is not None and _of_data(node, values))
    known = values.of(node)
    return known if when and plain and known != NOTHING else None


def _flag(node: Node, values: Values) -> bool:
    """Does a variable say yes or no, by its own name, the answer's, or the hook's?"""
    name = text(node)
    names = (name, values.part(name) or name, values.hook(name))
    return any(FLAG.search(each) and not READY.match(each) for each in names)


def _of_data(node: Node, values: Values) -> bool:
    """Is a member one of an answer's data: `data?.id`, `order.data.id`, with `const { data: order }` `order.id`?"""
    outer = node.child_by_field_name("object")
    if outer is None:
        return False
    name = text(outer.child_by_field_name("property")) if outer.type == "member_expression" else ""
    return (name or values.part(text(outer))) == "data"
