"""One function's body, statement by statement: which awaits a later await may rest on.

In: a function node. Out: its awaits in the order in which they are reached, and the loops whose rounds look independent.
An abstract interpretation with one mask of awaits per name (`Scopes`). Dependence is over-approximated: what a statement
that uses an earlier result assigns, calls a method of, or passes on, may hold that result from then on; a branch that
leaves the function ties what follows to its condition. A loop's body is read twice: what an await of the second round
gets from the first one is carried over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from tree_sitter import Node

from slowpath.extract.await_calls import TOGETHER, TRANSPARENT, describe, first, inner_calls, together, unwrap
from slowpath.extract.await_scope import Path, Scopes
from slowpath.extract.parsing import text
from slowpath.model.awaits import Await, Call, Loop
from slowpath.model.finding import Span

FUNCTIONS = frozenset(
    (
        "arrow_function",
        "function_expression",
        "function_declaration",
        "method_definition",
        "generator_function",
        "generator_function_declaration",
    )
)
SILENT = frozenset(
    (
        "comment",
        "string",
        "number",
        "regex",
        "property_identifier",
        "private_property_identifier",
        "statement_identifier",
        "type_annotation",
        "type_arguments",
        "type_parameters",
        "interface_declaration",
        "type_alias_declaration",
        "enum_declaration",
        "import_statement",
    )
)
PURE_ROOTS = frozenset("Math JSON Object Array Number String Boolean Date Promise Symbol console path URL".split())
PURE_METHODS = frozenset(
    "map filter reduce find findIndex some every slice concat join includes indexOf flat flatMap at keys values entries"
    " toString trim split startsWith endsWith toLowerCase toUpperCase has get json text".split()
)
EXITS = frozenset(
    "redirect() permanentRedirect() notFound() forbidden() unauthorized() process.exit() Deno.exit()".split()
)
TRANSACTION_NAMES = frozenset(("tx", "trx", "txn"))
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]+$")
SETTER = re.compile(r"set[A-Z]\w*\(\)$")
SETTING = re.compile(
    r"Token|Auth|Header|Session|Config|Locale|Language|Tenant|Context|Credential|Key|Base|Default|Client"
)
"""What later calls may quietly use."""
CLOCK = re.compile(r"^(?:\w+\.)?performance\.\w+\(\)$|^Date\.now\(\)$|^process\.hrtime")
ORDER = re.compile(
    rb"sequential|one (?:at a time|by one|after (?:the other|another))|in (?:\w+ )?order\b|order (?:matters|is important)"
    rb"|rate.?limit|throttl|\brac(?:e|es|ing)\b|serial(?:ly|ise|ize)|not (?:in )?parallel|concurren|deadlock|overload",
    re.I,
)
LINES_ABOVE = 5


class Point:
    """An await while its function is being read."""

    def __init__(self, node: Node, operand: Node, needs: int, flow: Flow) -> None:
        inner = unwrap(operand) or operand
        self.span: Span = (node.start_byte, node.end_byte)
        self.call: Call = describe(inner)
        self.together = together(_first_call(inner)) if self.call.name in TOGETHER else ()
        self.needs = needs
        self.lane = flow.lane
        self.between = tuple(flow.pending)
        self.attempts = flow.attempts
        self.loop = flow.loop
        self.used = True
        self.ordered = False
        self.takes_item = False
        self.carried = False
        self.binding = ""
        self.statement: Span = (0, 0)
        self.follows = -1


class Round:
    """A loop while it is being read."""

    def __init__(self, node: Node, suits: bool, attempts: int) -> None:
        self.node = node
        self.suits = suits
        self.attempts = attempts
        self.names: tuple[str, ...] = ()


class Flow:
    """Reads one function; afterwards `awaits()` and `loops()` tell what was found."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.scopes = Scopes()
        self.points: list[Point] = []
        self.rounds: list[Round] = []
        self.owner: dict[int, int] = {}
        """Bit → await."""
        self.bits = 0
        self.condition = 0
        self.control = 0
        self.lane = 0
        self.lanes = 1
        self.leaves = 0
        """`return`, `throw` and calls that never come back, seen so far."""
        self.breaks = 0
        self.continues = 0
        self.yields = 0
        self.attempts = 0
        self.inert = 0
        """How many closures deep: their awaits belong to them."""
        self.replay: Iterator[Point] | None = None
        self.item = 0
        self.carried = 0
        self.loop: Round | None = None
        self.pending: list[str] = []
        self.writes: dict[str, frozenset[str]] = {}
        """Closure → outer names that it assigns when called."""
        self.misplaced: set[int] = set()
        self.on_transaction = False
        self.simple: dict[Span, int] = {}

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

    # results

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
        )

    # the walk

    def value(self, node: Node) -> int:
        """Evaluate an expression or run a statement: the awaits that it may rest on."""
        kind = node.type
        handler = HANDLERS.get(kind)
        if handler is not None:
            return handler(self, node)
        if kind in SILENT:
            return 0
        mask = 0
        for child in node.named_children:
            mask |= self.value(child)
        return mask

    def fresh(self) -> int:
        bit = 1 << self.bits
        self.bits += 1
        return bit

    @contextmanager
    def branch(self, condition: int, lane: int | None = None) -> Iterator[None]:
        """Runs only on a condition: in a lane of its own, or in none."""
        saved = self.condition, self.lane
        self.condition |= condition
        if lane is None:
            self.lanes += 1
            lane = self.lanes - 1
        self.lane = lane
        yield
        self.condition, self.lane = saved

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

    def identifier(self, node: Node) -> int:
        name = text(node)
        if name in TRANSACTION_NAMES:
            self.on_transaction = True
        return self.scopes.read((name, ""))

    def shorthand(self, node: Node) -> int:
        if text(node) == "transaction":
            self.on_transaction = True
        return self.identifier(node)

    def this(self, node: Node) -> int:
        return self.scopes.read(("this", ""))

    def first_child(self, node: Node) -> int:
        child = first(node)
        return self.value(child) if child is not None else 0

    def pair(self, node: Node) -> int:
        key, value = node.child_by_field_name("key"), node.child_by_field_name("value")
        mask = self.value(key) if key is not None and key.type == "computed_property_name" else 0
        return mask | (self.value(value) if value is not None else 0)

    def member(self, node: Node) -> int:
        if self.misparsed(node):
            return self.awaiting(node)
        path = path_of(node)
        mask = self.scopes.read(path) if path else 0
        for part in loose_parts(node, path is not None):
            mask |= self.value(part)
        return mask

    def call(self, node: Node) -> int:
        if self.misparsed(node):
            return self.awaiting(node)
        function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
        arguments = node.child_by_field_name("arguments")
        receiver = function.child_by_field_name("object") if function and function.type == "member_expression" else None
        mask = self.value(receiver or function) if function is not None else 0
        closures, touched = [], []
        for argument in arguments.named_children if arguments is not None else ():
            if argument.type in FUNCTIONS:
                closures.append(argument)
            else:
                mask |= self.value(argument)
                touched.append(argument)
        for closure in closures:
            mask |= self.closure(closure, mask)
        name = call_name(function)
        if name in EXITS and not self.inert:
            self.leaves += 1
        if CLOCK.match(name):
            self.pending.append(name)
        if mask:
            self.touch(function, receiver, touched, mask)
        return mask

    def touch(self, function: Node | None, receiver: Node | None, arguments: list[Node], mask: int) -> None:
        """A call that uses an earlier result may leave it in its receiver, and in what else it is given."""
        if receiver is not None and function is not None:
            root = path_of(receiver)
            method = text(function.child_by_field_name("property"))
            if method in PURE_METHODS or (
                root and root[0] in PURE_ROOTS and method not in ("assign", "defineProperty")
            ):
                return
            if root and not CONSTANT.match(root[0]):
                self.scopes.taint(root, mask)
        for argument in arguments:
            path = path_of(unwrap(first(argument) if argument.type == "spread_element" else argument))
            if path and not CONSTANT.match(path[0]):
                self.scopes.taint(path, mask)

    def closure(self, node: Node, given: int = 0) -> int:
        """A function inside this one, as if run once where it stands; its parameters hold what it is given."""
        saved = self.leaves, self.breaks, self.continues, self.yields, len(self.pending), self.condition
        self.inert += 1
        self.scopes.push()
        for name in names(node.child_by_field_name("parameters") or node.child_by_field_name("parameter")):
            self.scopes.declare(name, given)
        body = node.child_by_field_name("body")
        mask = self.value(body) if body is not None else 0
        self.scopes.pop()
        self.inert -= 1
        self.leaves, self.breaks, self.continues, self.yields, length, self.condition = saved
        del self.pending[length:]
        return mask

    def named_closure(self, name: str, node: Node) -> int:
        """A closure that is called later: what it assigns changes then."""
        before, self.scopes.assigned = self.scopes.assigned, set()
        mask = self.closure(node)
        self.writes[name] = frozenset(self.scopes.assigned)
        self.scopes.assigned |= before
        return mask

    def function_declaration(self, node: Node) -> int:
        name = text(node.child_by_field_name("name"))
        mask = self.named_closure(name, node)
        self.scopes.declare(name, mask)
        return mask

    # awaits

    def misparsed(self, node: Node) -> bool:
        """`await f<T>(x)` parses as `(await f)<T>(x)`: the chain is what is awaited."""
        at = node.child_by_field_name("function") or node.child_by_field_name("object")
        while at is not None:
            if at.type == "await_expression":
                if at.id in self.misplaced:
                    return False
                self.misplaced.add(at.id)
                return True
            if at.type in ("call_expression", "member_expression", "subscript_expression"):
                at = at.child_by_field_name("function") or at.child_by_field_name("object")
            elif at.type in ("non_null_expression", "instantiation_expression"):
                at = first(at)
            else:
                return False
        return False

    def awaiting(self, node: Node) -> int:
        if node.type == "await_expression":
            operand = first(node)
            if operand is None:
                return 0
            if node.id in self.misplaced or self.inert:
                return self.value(operand)
        else:
            operand = node
            if self.inert:
                return self.inside(node)
        return self.register(node, operand)

    def inside(self, node: Node) -> int:
        mask = self.value(node)
        self.forget(node)
        return mask

    def forget(self, node: Node) -> None:
        """A second reading of a loop's body must find the misplaced await again."""
        at: Node | None = node
        while at is not None and at.type != "await_expression":
            at = at.child_by_field_name("function") or at.child_by_field_name("object") or first(at)
        if at is not None:
            self.misplaced.discard(at.id)

    def register(self, node: Node, operand: Node) -> int:
        before, self.on_transaction = self.on_transaction, False
        if operand is node:
            mask = self.inside(node)
        else:
            mask = self.value(operand)
        ordered, self.on_transaction = self.on_transaction, before or self.on_transaction
        needs = mask | self.condition | self.control
        if self.replay is not None:
            return self.again(mask, needs)
        point = Point(node, operand, needs, self)
        point.ordered = ordered
        self.pending = []
        bit = self.fresh()
        self.owner[bit] = len(self.points)
        self.points.append(point)
        result = needs | bit
        for name in self.writes.get(point.call.name.removesuffix("()"), ()):
            self.scopes.taint((name, ""), result)
        return result

    def again(self, mask: int, needs: int) -> int:
        """The same await in the loop's second round."""
        assert self.replay is not None
        point = next(self.replay, None)
        if point is not None:
            point.carried |= bool(needs & self.carried)
            point.takes_item |= bool(mask & self.item)
        return mask & self.item

    # statements

    def expression_statement(self, node: Node) -> int:
        child = first(node)
        if child is None:
            return 0
        count = len(self.points)
        mask = self.value(child)
        bare = unwrap(child) if child.type != "await_expression" else child
        if child.type == "await_expression" or (bare is not None and len(self.points) > count and _is_await(child)):
            if len(self.points) > count:
                self.points[-1].used = False
        elif bare is not None and bare.type == "call_expression":
            self.discarded(bare, mask)
        return mask

    def discarded(self, call: Node, mask: int) -> None:
        """A call for its effect. Storing a result in a state of its own, or in a local list, orders nothing."""
        name = describe(call).name
        root = re.split(r"[.(\[]", name, maxsplit=1)[0]
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

    def note_simple(self, node: Node, index: int) -> None:
        """Remember `const pattern = await call;`, and whether one stands right before it."""
        declarator = first(node)
        if node.named_child_count != 1 or declarator is None or not text(node).startswith("const"):
            return
        pattern, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        point = self.points[index]
        if (
            pattern is None
            or value is None
            or value.type != "await_expression"
            or declarator.child_by_field_name("type")
        ):
            return
        point.binding = text(pattern)
        point.statement = (node.start_byte, node.end_byte)
        self.simple[point.statement] = index
        before = node.prev_named_sibling
        if before is not None:
            point.follows = self.simple.get((before.start_byte, before.end_byte), -1)

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

    def either(self, node: Node) -> int:
        """A ternary: one of two expressions."""
        condition = node.child_by_field_name("condition")
        mask = self.value(condition) if condition is not None else 0
        for name in ("consequence", "alternative"):
            part = node.child_by_field_name(name)
            if part is not None:
                with self.branch(mask, -1):
                    mask |= self.value(part)
        return mask

    def binary(self, node: Node) -> int:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        mask = self.value(left) if left is not None else 0
        if right is None:
            return mask
        operator = node.child_by_field_name("operator")
        if operator is None or operator.type not in ("&&", "||", "??"):
            return mask | self.value(right)
        with self.branch(mask, -1):
            return mask | self.value(right)

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

    # loops

    def for_each(self, node: Node) -> int:
        """`for … of` and `for … in`."""
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        mask = self.value(right) if right is not None else 0
        suits = not any(child.type == "await" for child in node.children)
        declared = node.child_by_field_name("kind") is not None
        found = tuple(names(left)) if declared else ()
        return self.rounds_of(node, suits and declared, found, mask)

    def counted(self, node: Node) -> int:
        self.scopes.push()
        start, condition, step = (node.child_by_field_name(name) for name in ("initializer", "condition", "increment"))
        mask = self.value(start) if start is not None else 0
        mask |= self.value(condition) if condition is not None else 0
        names_ = _counter(start)
        suits = bool(names_) and _plain_count(condition, step, names_[0])
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


def _first_call(node: Node) -> Node:
    """`Promise.all(…)` below its `.then(…)`."""
    at = node
    while at.type == "call_expression":
        function = at.child_by_field_name("function")
        inner = function.child_by_field_name("object") if function is not None else None
        if inner is None or inner.type != "call_expression":
            return at
        at = inner
    return at


def _is_await(node: Node | None) -> bool:
    """An await, or a chain that the grammar hung around one."""
    while node is not None and node.type in ("call_expression", "member_expression", *TRANSPARENT):
        if node.type == "await_expression":
            return True
        node = (
            node.child_by_field_name("function") or node.child_by_field_name("object")
            if node.type in ("call_expression", "member_expression")
            else first(node)
        )
    return False


def call_name(function: Node | None) -> str:
    """`a.b()` of a callee of names only, else nothing."""
    if function is None or function.type not in ("identifier", "member_expression"):
        return ""
    written = text(function)
    return f"{written}()" if len(written) < 40 else ""


def names(pattern: Node | None) -> Iterator[str]:
    """The names that a pattern, a parameter list or a declaration binds."""
    stack = [pattern] if pattern is not None else []
    while stack:
        node = stack.pop()
        kind = node.type
        if kind in ("identifier", "shorthand_property_identifier_pattern"):
            yield text(node)
        elif kind in ("assignment_pattern", "object_assignment_pattern"):
            stack += [child for child in (node.child_by_field_name("left"),) if child is not None]
        elif kind == "pair_pattern":
            stack += [child for child in (node.child_by_field_name("value"),) if child is not None]
        elif kind in ("required_parameter", "optional_parameter"):
            stack += [child for child in (node.child_by_field_name("pattern"),) if child is not None]
        elif kind in ("formal_parameters", "object_pattern", "array_pattern", "rest_pattern"):
            stack += reversed(node.named_children)


def path_of(node: Node | None) -> Path | None:
    """The name that an expression reads, and the first property of it."""
    prop = ""
    while node is not None:
        kind = node.type
        if kind == "identifier" or kind == "this":
            return text(node), prop
        if kind == "member_expression":
            prop = text(node.child_by_field_name("property"))
            node = node.child_by_field_name("object")
        elif kind == "subscript_expression":
            prop = ""
            node = node.child_by_field_name("object")
        elif kind in TRANSPARENT and kind != "await_expression":
            node = first(node)
        else:
            return None
    return None


def loose_parts(node: Node, rooted: bool) -> Iterator[Node]:
    """What a chain of properties evaluates beside its root: computed indices, and the root unless it is a name."""
    at: Node | None = node
    while at is not None:
        if at.type == "subscript_expression":
            index = at.child_by_field_name("index")
            if index is not None:
                yield index
        elif at.type != "member_expression" and (at.type not in TRANSPARENT or at.type == "await_expression"):
            if not rooted:
                yield at
            return
        at = at.child_by_field_name("object") or first(at)


def _counter(start: Node | None) -> tuple[str, ...]:
    """`i` of `let i = 0`."""
    if start is None or start.type not in ("lexical_declaration", "variable_declaration"):
        return ()
    return tuple(
        text(declarator.child_by_field_name("name"))
        for declarator in start.named_children
        if declarator.type == "variable_declarator"
    )


RETRY = re.compile(r"attempt|retr(?:y|ies)|tries|backoff|poll", re.I)


def _plain_count(condition: Node | None, step: Node | None, name: str) -> bool:
    """`i < n; i++`, and not the count of attempts."""
    if condition is None or step is None or condition.type != "binary_expression" or step.type != "update_expression":
        return False
    return not RETRY.search(text(condition)) and text(step.child_by_field_name("argument")) == name


def order_said(source: bytes, start: int) -> bool:
    """A comment just above says that the order, or the pace, is meant."""
    above = start
    for _ in range(LINES_ABOVE + 1):
        above = source.rfind(b"\n", 0, max(above, 0))
        if above < 0:
            break
    end = source.find(b"\n", start)
    lines = source[above + 1 : end if end >= 0 else len(source)].splitlines()
    return any(ORDER.search(comment) for line in lines if (comment := _comment(line)))


def _comment(line: bytes) -> bytes:
    stripped = line.strip()
    if stripped.startswith((b"//", b"/*", b"*")):
        return stripped
    at = line.find(b"// ")
    return line[at:] if at >= 0 else b""


Handler = Callable[[Flow, Node], int]

HANDLERS: dict[str, Handler] = {
    "identifier": Flow.identifier,
    "shorthand_property_identifier": Flow.shorthand,
    "this": Flow.this,
    "member_expression": Flow.member,
    "subscript_expression": Flow.member,
    "call_expression": Flow.call,
    "new_expression": Flow.call,
    "await_expression": Flow.awaiting,
    "pair": Flow.pair,
    "as_expression": Flow.first_child,
    "satisfies_expression": Flow.first_child,
    "instantiation_expression": Flow.first_child,
    "ternary_expression": Flow.either,
    "binary_expression": Flow.binary,
    "assignment_expression": Flow.assignment,
    "augmented_assignment_expression": Flow.assignment,
    "update_expression": Flow.update,
    "arrow_function": Flow.closure,
    "function_expression": Flow.closure,
    "generator_function": Flow.closure,
    "method_definition": Flow.closure,
    "function_declaration": Flow.function_declaration,
    "generator_function_declaration": Flow.function_declaration,
    "statement_block": Flow.block,
    "expression_statement": Flow.expression_statement,
    "lexical_declaration": Flow.declaration,
    "variable_declaration": Flow.declaration,
    "variable_declarator": Flow.declarator,
    "if_statement": Flow.if_statement,
    "switch_statement": Flow.switch,
    "try_statement": Flow.attempt,
    "return_statement": Flow.leave,
    "throw_statement": Flow.leave,
    "break_statement": Flow.leave,
    "continue_statement": Flow.leave,
    "yield_expression": Flow.leave,
    "for_in_statement": Flow.for_each,
    "for_statement": Flow.counted,
    "while_statement": Flow.while_loop,
    "do_statement": Flow.while_loop,
}
