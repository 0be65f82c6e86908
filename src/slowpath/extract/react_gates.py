"""What a component shows, with the answers that each element waits for.

Elements in callbacks and behind conditions that ask for more than an answer are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_owners import COMPONENT, TRANSPARENT
from slowpath.extract.react_sites import value_of
from slowpath.extract.react_sources import NOTHING, Values, union
from slowpath.extract.react_waits import answered
from slowpath.model.react import PICKED, Shown, Sources

STATUS = re.compile(r"load|pending|fetch|status|success|error|validating", re.IGNORECASE)
OPENED = re.compile(r"[{,]\s{0,40}(open|isOpen)\b")
"""An object with one of these, given to a component."""
OPEN = TRANSPARENT | {"jsx_expression", "jsx_fragment", "return_statement", "else_clause", "sequence_expression"}
"""Nodes that show what they hold."""

WAITING = re.compile(r"load|spin|skelet|shimmer|placeholder|fallback|error|empty|progress|notfound", re.IGNORECASE)
"""Tags that are shown until an answer is there, or where there is none."""
MAX_TURNS = 8


class _Spot(NamedTuple):
    """A node to look at, with what holds there."""

    node: Node
    within: int
    waits: Sources
    turns: tuple[tuple[int, bool], ...] = ()
    decided: tuple[int, ...] = ()

    def turned(self, condition: Node, way: bool) -> tuple[tuple[int, bool], ...]:
        """The turns behind a condition; of the first few, which is where pages differ."""
        return (*self.turns, (condition.start_byte, way)) if len(self.turns) < MAX_TURNS else self.turns


def shown_by(name: str, function: Node, values: Values, start: int) -> list[Shown]:
    """The elements and `{children}` of a component, outer before inner; `start` is the first one's index."""
    found: list[Shown] = []
    body = function.child_by_field_name("body")
    stack = [_Spot(body, -1, NOTHING)] if body is not None else []
    while stack:
        spot = stack.pop()
        node, kind = spot.node, spot.node.type
        if kind == "statement_block":
            stack.extend(reversed(list(_statements(spot, values))))
        elif kind in ("if_statement", "ternary_expression", "binary_expression"):
            stack.extend(reversed(list(_branches(spot, values))))
        elif kind in OPEN:
            stack.extend(spot._replace(node=child) for child in reversed(node.named_children))
        elif kind in ("jsx_element", "jsx_self_closing_element"):
            opening = node.child_by_field_name("open_tag") or node
            tag = text(opening.child_by_field_name("name"))
            within = spot.within
            if COMPONENT.match(tag):
                within = start + len(found)
                found.append(_shown(name, tag, opening, spot, values))
            if opening is not node:
                stack.extend(spot._replace(node=child, within=within) for child in reversed(node.named_children[1:-1]))
        elif kind in ("identifier", "member_expression") and text(node) in ("children", "props.children"):
            span = (node.start_byte, node.end_byte)
            found.append(Shown(name, "", span, spot.within, (), spot.waits, spot.turns, spot.decided))
    return found


def _statements(spot: _Spot, values: Values) -> Iterator[_Spot]:
    """The statements of a block; what follows `if (!data) return ..` waits."""
    waits, turns, decided = spot.waits, spot.turns, spot.decided
    for statement in spot.node.named_children:
        if statement.type in ("return_statement", "if_statement"):
            yield spot._replace(node=statement, waits=waits, turns=turns, decided=decided)
        if statement.type == "if_statement" and _leaves(statement):
            condition = statement.child_by_field_name("condition")
            gate = answered(condition, False, values)
            content = values.of(condition).calls
            if gate is None and PICKED in content:
                return
            if gate is None or _instead(condition, statement.child_by_field_name("consequence")):
                decided = tuple({*decided, *content})
            waits = union(waits, gate or NOTHING)
            turns = spot._replace(turns=turns).turned(statement, False)


def _leaves(statement: Node) -> bool:
    then = statement.child_by_field_name("consequence")
    last = then.named_children[-1] if then is not None and then.named_child_count else None
    return then is not None and "return_statement" in (then.type, last.type if last is not None else "")


def _branches(spot: _Spot, values: Values) -> Iterator[_Spot]:
    """What a condition shows, where it asks for answers alone."""
    node = spot.node
    if node.type == "binary_expression":
        operator = text(node.child_by_field_name("operator"))
        condition, then, otherwise = node.child_by_field_name("left"), node.child_by_field_name("right"), None
        if operator not in ("&&", "||"):
            return
        if operator == "||":
            then, otherwise = None, then
    else:
        condition = node.child_by_field_name("condition")
        then, otherwise = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    for branch, when in ((then, True), (otherwise, False)):
        gate = answered(condition, when, values) if branch is not None else None
        if branch is not None and gate is not None and PICKED not in gate.calls:
            decided = spot.decided
            if _instead(condition, otherwise if when else then):
                decided = tuple({*decided, *gate.calls})
            yield spot._replace(
                node=branch, waits=union(spot.waits, gate), turns=spot.turned(node, when), decided=decided
            )


def _instead(condition: Node | None, branch: Node | None) -> bool:
    """Is another screen shown where a condition fails that is not about loading?"""
    while branch is not None and (branch.type in OPEN or branch.type == "statement_block"):
        branch = branch.named_children[-1] if branch.named_child_count else None
    if branch is None or branch.type not in ("jsx_element", "jsx_self_closing_element"):
        return False
    tag = text((branch.child_by_field_name("open_tag") or branch).child_by_field_name("name"))
    return bool(COMPONENT.match(tag)) and not WAITING.search(text(branch)) and not STATUS.search(text(condition))


def _shown(owner: str, tag: str, element: Node, spot: _Spot, values: Values) -> Shown:
    given: list[tuple[str, Sources]] = []
    for attribute in element.named_children:
        spread = attribute.type == "jsx_expression"
        value = first(attribute) if spread else value_of(attribute) if attribute.type == "jsx_attribute" else None
        sources = values.of(value)
        if sources != NOTHING:
            given.append(("..." if spread else text(first(attribute)), sources))
            opened = OPENED.search(text(value)[:200]) if value is not None and value.type == "object" else None
            if opened:
                given.append((opened[1], sources))
    span = (element.start_byte, element.end_byte)
    return Shown(owner, tag, span, spot.within, tuple(given), spot.waits, spot.turns, spot.decided)
