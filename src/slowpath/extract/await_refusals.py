"""Who is refused: a throw, or an exit that never returns, under a condition on what the function found."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import text
from slowpath.model.awaits import Refusal

LONG = 300
DENIAL = re.compile(
    r"un-?auth|not.?auth|authenti|authoriz|authoris|forbid|permission|denied|\baccess|not.?allowed|log.?in\b|sign.?in\b"
    r"|\b40[13]\b|unauthorized|Access",
    re.I,
)
ANSWER = re.compile(r"\.ok\b|status|\berr(?:or)?s?\b|respon[sc]e|\bresp?\b", re.I)
"""A condition on what the other side of a network answered: that is a failure and no check."""
CONDITIONS = frozenset(("if_statement", "switch_case", "switch_default", "ternary_expression", "binary_expression"))


def refusal(node: Node) -> Refusal:
    """What a throw, or a call that leaves, says to whoever asked."""
    at, condition = node, None
    while at.parent is not None and at.parent.type not in FUNCTIONS:
        at = at.parent
        if at.type == "catch_clause":
            return ""
        if condition is None and at.type in CONDITIONS:
            condition = at
    if condition is None:
        return ""
    asked = condition.child_by_field_name("condition")
    if asked is not None and ANSWER.search(text(asked)[:LONG]):
        return ""
    return "access" if DENIAL.search(text(node)[:LONG]) else "missing"
