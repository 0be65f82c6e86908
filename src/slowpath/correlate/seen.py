"""Statements of the source beside those that the database saw.

A statement of the source is one of the database's if nothing that is known of the two differs. Of those that fit, the
ones that agree in all that there is to know come first; among equals nothing is picked.
"""

from __future__ import annotations

from slowpath.correlate.shapes import Shape, full, name
from slowpath.model.evidence import QueriesPart, Statement, StatementShape


class Seen:
    """The statements that the database saw."""

    def __init__(self, part: QueriesPart | None) -> None:
        self.statements = part.statements if part is not None else ()
        self.by_id = {statement.id: statement for statement in self.statements}
        self._known: dict[Shape, tuple[Statement, ...]] = {}

    def like(self, shape: Shape) -> tuple[Statement, ...]:
        """Those that a statement of the source may be: the ones that agree in most, more than one where they tie."""
        if shape not in self._known:
            scored = [(agreement(shape, each.shape), each) for each in self.statements]
            best = max((score for score, _ in scored), default=0)
            self._known[shape] = tuple(each for score, each in scored if score == best) if best else ()
        return self._known[shape]


def agreement(source: Shape, seen: StatementShape) -> int:
    """0 where the two differ; 2 where they agree in all that is known of both; 1 where the source does not say all."""
    tables = {name(table) for table in seen.tables}
    filters = {full(column, tables) for column in seen.filters}
    if not seen.verb or (source.verb and source.verb != seen.verb):
        return 0
    if not (source.tables == tables if source.whole else source.tables <= tables):
        return 0
    if not source.filters <= filters:
        return 0
    order = full(seen.order[0].split()[0], tables) if seen.order and seen.order[0].split() else ""
    if source.order and source.order.rpartition(".")[2] != order.rpartition(".")[2]:
        return 0
    if source.limited and not seen.limited:
        return 0
    if not source.whole:
        return 1
    extra = filters - source.filters
    if not extra <= source.perhaps or bool(order) != bool(source.order) or source.limited != seen.limited:
        return 0
    return 2
