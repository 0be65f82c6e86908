"""One function's body, statement by statement: which awaits a later await may rest on.

In: a function node. Out: its awaits in the order in which they are reached, and the loops whose rounds look
independent. An abstract interpretation over `Values`: a branch that leaves the function ties what follows to its
condition, a `try` whose handler leaves ties it to the body. A loop's body is read twice: what an await of the second
round gets from the first one is carried over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tree_sitter import Node

from slowpath.extract.await_batched import batched, shown
from slowpath.extract.await_calls import TOGETHER, describe, first, inner_calls, unwrap
from slowpath.extract.await_notes import Notes
from slowpath.extract.await_order import batches, counter, order_said, plain_count
from slowpath.extract.await_patterns import is_await, names, path_of
from slowpath.extract.await_values import FUNCTIONS, Point, Round
from slowpath.extract.parsing import text
from slowpath.model.awaits import Await, Loop

MUTATORS = frozenset("push unshift add set delete splice pop shift".split())
"""Methods by which a list, set or map remembers something for the rounds to come."""
SETTER = re.compile(r"set[A-Z]\w*\(\)$")
SETTING = re.compile(
    r"Token|Auth|Header|Session|Config|Locale|Language|Tenant|Context|Credential|Key|Base|Default|Client"
)
"""What later calls may quietly use."""


class Flow(Notes):
    """Reads one function; afterwards `awaits()` and `loops()` tell what was found."""

    def read(self, function: Node) -> None:
        """Read a function, or a whole program for awaits at its top."""
        if function.type == "program":
            self.statements(function)
            return
        for name in names(function.child_by_field_name("parameters") or function.child_by_field_name("parameter")):
            self.scopes.declare(name, 0)
        self.scopes.push()
        body = function.child_by_field_name("body")
        if body is not None:
            self.value(body)

    def awaits(self) -> tuple[Await, ...]:
        return tuple(
            Await(
                span=point.span,
                call=point.call,
                together=point.together,
                needs=self.indices(point.needs),
                lane=point.lane,
                between=point.between,
                used=point.used,
                ordered=point.ordered,
                binding=point.binding,
                statement=point.statement,
                follows=point.follows,
                attempted=point.attempts > 0,
                form=point.form,
                annotation=point.annotation,
                operand=point.operand,
                remarked=point.remarked,
                move=point.move,
                guard=point.guard,
                text=point.text,
                indent=point.indent,
                steady=point.steady,
            )
            for point in self.points
        )

    def indices(self, mask: int) -> tuple[int, ...]:
        found = []
        while mask:
            low = mask & -mask
            mask ^= low
            if (index := self.owner.get(low)) is not None:
                found.append(index)
        return tuple(found)

    def loops(self) -> tuple[Loop, ...]:
        return tuple(loop for round_ in self.rounds if round_.suits and (loop := self._loop(round_)) is not None)

    def _loop(self, round_: Round) -> Loop | None:
        inside = [(index, point) for index, point in enumerate(self.points) if point.loop is round_]
        if any(point.carried or point.ordered or point.call.name in TOGETHER for _, point in inside):
            return None
        taking = tuple(index for index, point in inside if point.takes_item)
        node = round_.node
        body = node.child_by_field_name("body")
        if not taking or body is None or order_said(self.source, node.start_byte):
            return None
        return Loop(
            head=(node.start_byte, body.start_byte),
            awaits=tuple(index for index, _ in inside),
            calls=tuple(sorted({call.name for call in inner_calls(body) if call.name})),
            catches=all(point.attempts > round_.attempts for _, point in inside),
            item=round_.names,
            span=(node.start_byte, node.end_byte),
            shown=shown(node),
            batched=batched(node) if not self.own_promise else "",
        )

    def statements(self, node: Node) -> int:
        """A list of statements; function declarations come first, as they do at run time."""
        mask = 0
        children = node.named_children
        for child in children:
            if child.type == "function_declaration":
                mask |= self.value(child)
        for child in children:
            if child.type != "function_declaration":
                mask |= self.value(child)
        return mask

    def block(self, node: Node) -> int:
        self.scopes.push()
        mask = self.statements(node)
        self.scopes.pop()
        return mask

    def function_declaration(self, node: Node) -> int:
        name = text(node.child_by_field_name("name"))
        mask = self.named_closure(name, node)
        self.scopes.declare(name, mask)
        return mask

    def expression_statement(self, node: Node) -> int:
        child = first(node)
        if child is None:
            return 0
        count = len(self.points)
        mask = self.value(child)
        bare = unwrap(child) if child.type != "await_expression" else child
        if child.type == "await_expression" or (bare is not None and len(self.points) > count and is_await(child)):
            if len(self.points) > count:
                self.points[-1].used = False
        elif bare is not None and bare.type == "call_expression":
            self.discarded(bare, mask)
        if len(self.points) == count + 1 and not self.inert and self.replay is None:
            self.note_simple(node, count)
        return mask

    def discarded(self, call: Node, mask: int) -> None:
        """A call for its effect. Storing a result in a state of its own, or in a local list, orders nothing."""
        name = describe(call).name
        root = re.split(r"[.(\[]", name, maxsplit=1)[0]
        if name.count(".") == 1 and name.partition(".")[2].removesuffix("()") in MUTATORS:
            self.scopes.assigned.add(root)
        if (
            self.inert
            or (mask and SETTER.match(name) and not SETTING.search(name))
            or ("." in name and self.scopes.local(root))
        ):
            return
        if name:
            self.pending.append(name)

    def declaration(self, node: Node) -> int:
        count = len(self.points)
        mask = 0
        for child in node.named_children:
            mask |= self.value(child)
        if not self.inert and self.replay is None and len(self.points) == count + 1:
            self.note_simple(node, count)
        return mask

    def declarator(self, node: Node) -> int:
        pattern, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if pattern is None:
            return 0
        if value is not None and value.type in FUNCTIONS and pattern.type == "identifier":
            mask = self.named_closure(text(pattern), value)
        else:
            mask = self.value(value) if value is not None else 0
        mask |= self.defaults(pattern)
        for name in names(pattern):
            self.scopes.declare(name, mask | self.condition)
        return mask

    def defaults(self, pattern: Node) -> int:
        mask = 0
        for child in pattern.named_children:
            if child.type in ("object_assignment_pattern", "assignment_pattern"):
                right = child.child_by_field_name("right")
                mask |= self.value(right) if right is not None else 0
            elif child.type in ("pair_pattern", "object_pattern", "array_pattern"):
                mask |= self.defaults(child)
        return mask

    def assignment(self, node: Node) -> int:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return 0
        if right.type in FUNCTIONS and left.type == "identifier":
            mask = self.named_closure(text(left), right)
        else:
            mask = self.value(right)
        if node.type == "augmented_assignment_expression":
            mask |= self.value(left)
        self.write(left, mask | self.condition)
        return mask

    def write(self, left: Node, mask: int) -> None:
        path = path_of(left)
        if path is not None:
            self.scopes.assign(path, mask)
        elif left.type in ("object_pattern", "array_pattern"):
            for name in names(left):
                self.scopes.assign((name, ""), mask)

    def update(self, node: Node) -> int:
        argument = node.child_by_field_name("argument")
        if argument is None:
            return 0
        mask = self.value(argument)
        self.write(argument, mask | self.condition)
        return mask

    def if_statement(self, node: Node) -> int:
        condition = node.child_by_field_name("condition")
        mask = self.value(condition) if condition is not None else 0
        known = (1 << self.bits) - 1
        left = self.exits()
        for name in ("consequence", "alternative"):
            part = node.child_by_field_name(name)
            if part is not None:
                with self.branch(mask):
                    mask |= self.value(part)
        if self.exits() != left:
            self.control |= mask & known
        return mask

    def exits(self) -> int:
        return self.leaves + self.breaks + self.continues

    def switch(self, node: Node) -> int:
        value, body = node.child_by_field_name("value"), node.child_by_field_name("body")
        mask = self.value(value) if value is not None else 0
        known = (1 << self.bits) - 1
        left, breaks = self.leaves + self.continues, self.breaks
        for case in body.named_children if body is not None else ():
            with self.branch(mask):
                self.scopes.push()
                mask |= self.statements(case)
                self.scopes.pop()
        self.breaks = breaks
        if self.leaves + self.continues != left:
            self.control |= mask & known
        return mask

    def attempt(self, node: Node) -> int:
        """`try`: where the handler leaves, what follows rests on the success of the body."""
        before = self.bits
        body, handler, final = (node.child_by_field_name(name) for name in ("body", "handler", "finalizer"))
        mask = 0
        self.attempts += 1
        if body is not None:
            with self.branch(0):
                mask |= self.value(body)
        self.attempts -= 1
        made = ((1 << self.bits) - 1) & ~((1 << before) - 1)
        left = self.exits()
        if handler is not None:
            with self.branch(made):
                self.scopes.push()
                for name in names(handler.child_by_field_name("parameter")):
                    self.scopes.declare(name, made)
                inner = handler.child_by_field_name("body")
                mask |= self.value(inner) if inner is not None else 0
                self.scopes.pop()
        if self.exits() != left:
            self.control |= made
        if final is not None:
            with self.branch(made):
                mask |= self.first_child(final)
        return mask

    def leave(self, node: Node) -> int:
        mask = self.first_child(node)
        if node.type in ("return_statement", "throw_statement"):
            self.leaves += 1
        elif node.type == "break_statement":
            self.breaks += 1
        elif node.type == "continue_statement":
            self.continues += 1
        else:
            self.yields += 1
        return mask

    def for_each(self, node: Node) -> int:
        """`for … of` and `for … in`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        mask = self.value(right) if right is not None else 0
        mask_before = mask
        suits = not any(child.type == "await" for child in node.children)
        declared = node.child_by_field_name("kind") is not None
        found = tuple(names(left)) if declared else ()
        suits = suits and right is not None and not batches(" ".join(found), text(right)[:80])
        rounds = len(self.rounds)
        mask = self.rounds_of(node, suits and declared, found, mask)
        path = path_of(unwrap(right))
        if path is not None and len(self.rounds) > rounds and self.rounds[-1].node is node:
            self.rounds[-1].suits &= not self.scopes.read(path) & ~mask_before
        return mask

    def counted(self, node: Node) -> int:
        self.scopes.push()
        start, condition, step = (node.child_by_field_name(name) for name in ("initializer", "condition", "increment"))
        mask = self.value(start) if start is not None else 0
        mask |= self.value(condition) if condition is not None else 0
        names_ = counter(start)
        suits = bool(names_) and plain_count(condition, step, names_[0])
        mask |= self.rounds_of(node, suits, names_, mask)
        self.scopes.pop()
        return mask

    def while_loop(self, node: Node) -> int:
        condition = node.child_by_field_name("condition")
        mask = self.value(condition) if condition is not None else 0
        return mask | self.rounds_of(node, False, (), mask)

    def rounds_of(self, node: Node, suits: bool, found: tuple[str, ...], mask: int) -> int:
        body = node.child_by_field_name("body")
        if body is None:
            return mask
        control, leaves, breaks, continues, yields = (
            self.control,
            self.leaves,
            self.breaks,
            self.continues,
            self.yields,
        )
        outer_loop, count, bits = self.loop, len(self.points), self.bits
        if self.replay is None and not self.inert:
            self.loop = Round(node, suits, self.attempts)
            self.loop.names = found
        assigned, self.scopes.assigned = self.scopes.assigned, set()
        mask |= self.one_round(body, found, mask)
        if self.loop is not None and self.loop is not outer_loop:
            self.loop.suits &= (self.leaves, self.breaks, self.yields) == (leaves, breaks, yields)
            if self.loop.suits and len(self.points) > count:
                self.second_round(body, found, mask, self.points[count:], bits, control)
                self.rounds.append(self.loop)
        self.scopes.assigned |= assigned
        self.loop = outer_loop
        if self.leaves == leaves:
            self.control = control
        self.breaks, self.continues = breaks, continues
        return mask

    def one_round(self, body: Node, found: Iterable[str], mask: int) -> int:
        self.scopes.push()
        for name in found:
            self.scopes.declare(name, mask)
        with self.branch(mask):
            mask |= self.value(body)
        self.scopes.pop()
        return mask

    def second_round(
        self, body: Node, found: Iterable[str], mask: int, points: list[Point], bits: int, before: int
    ) -> None:
        saved = self.replay, self.item, self.carried, self.pending, self.leaves, self.breaks, self.yields
        control = self.control
        self.control = before
        made = ((1 << self.bits) - 1) & ~((1 << bits) - 1)
        item, assigned = self.fresh(), self.fresh()
        for name in self.scopes.assigned:
            self.scopes.taint((name, ""), assigned)
        self.replay, self.item, self.carried = iter(points), item, made | assigned
        self.one_round(body, found, (mask & ~made) | item)
        self.replay, self.item, self.carried, self.pending, self.leaves, self.breaks, self.yields = saved
        self.control = control
