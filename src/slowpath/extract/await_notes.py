"""What fixes need to know of the statements around awaits, noted while their function is read."""

from __future__ import annotations

from tree_sitter import Node

from slowpath.extract.await_guards import guard
from slowpath.extract.await_keyed import keyed
from slowpath.extract.await_moves import Simple, move, simple, steady
from slowpath.extract.await_values import Values
from slowpath.extract.parsing import indent, text


class Notes(Values):
    """Remembers which awaits stand in statements and properties of a simple form, and what lies between them."""

    last_simple: tuple[int, Simple] | None = None
    own_promise = False
    """The file has a `Promise` of its own, which fixes cannot use."""

    def note_simple(self, node: Node, index: int) -> None:
        """Remember a statement that is one await and nothing else, and how it stands to the one before."""
        statement = simple(node)
        if statement is None or self.own_promise:
            return
        point = self.points[index]
        point.form, point.binding, point.annotation = statement.form, statement.pattern, statement.annotation
        point.statement = (node.start_byte, node.end_byte)
        point.operand = (statement.start, statement.value.end_byte)
        point.guard = guard(statement)
        before, self.last_simple = self.last_simple, (index, statement)
        if before is None or before[0] != index - 1 or before[1].node.parent.id != node.parent.id:  # type: ignore[union-attr]
            return
        at = before[1].node.next_named_sibling
        while at is not None and at.type == "comment":
            at, point.remarked = at.next_named_sibling, True
        if at is None or at.id != node.id:
            point.move = move(before[1], node)
        if point.move is not None or (at is not None and at.id == node.id):
            point.follows, point.steady = index - 1, steady(statement)

    def pair(self, node: Node) -> int:
        count = len(self.points)
        mask = super().pair(node)
        if len(self.points) == count + 1 and not self.inert and self.replay is None:
            self.note_keyed(node, count)
        return mask

    def note_keyed(self, node: Node, index: int) -> None:
        """Remember a property that is one await, and whether it can be waited for with the one before."""
        found = keyed(node)
        if found is None or self.own_promise:
            return
        point, statement = self.points[index], found.statement
        point.form, point.binding, point.text = "keyed", found.key, text(found.operand)
        point.statement, point.indent = (statement.start_byte, statement.end_byte), indent(statement)
        before = self.points[index - 1] if index else None
        ahead = statement.prev_named_sibling
        beside = ahead is not None and before is not None and before.statement == (ahead.start_byte, ahead.end_byte)
        if before is not None and before.form and before.binding != found.key:
            within = before.form == "keyed" and before.statement == point.statement
            if within or (before.form == "const" and beside):
                point.follows = index - 1
