"""The expressions of a function: what each may rest on, and the awaits in it.

One mask of awaits per name (`Scopes`). Dependence is over-approximated: what an expression that uses an earlier result
calls a method of, or passes on, may hold that result from then on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from tree_sitter import Node

from slowpath.extract.await_calls import MAX_PARTS, TOGETHER, describe, first, together, unwrap
from slowpath.extract.await_patterns import call_name, first_call, loose_parts, names, path_of
from slowpath.extract.await_scope import Scopes
from slowpath.extract.parsing import text
from slowpath.model.awaits import Call, Form, Guard, Move
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
PAUSE = 160
CONSTANT = re.compile(r"[A-Z][A-Z0-9_]+$")
CLOCK = re.compile(r"^(?:\w+\.)?performance\.\w+\(\)$|^Date\.now\(\)$|^process\.hrtime")
HANDLERS: dict[str, str] = {
    "identifier": "identifier",
    "shorthand_property_identifier": "shorthand",
    "this": "this",
    "member_expression": "member",
    "subscript_expression": "member",
    "call_expression": "call",
    "new_expression": "call",
    "await_expression": "awaiting",
    "pair": "pair",
    "as_expression": "first_child",
    "satisfies_expression": "first_child",
    "instantiation_expression": "first_child",
    "ternary_expression": "either",
    "binary_expression": "binary",
    "assignment_expression": "assignment",
    "augmented_assignment_expression": "assignment",
    "update_expression": "update",
    "arrow_function": "closure",
    "function_expression": "closure",
    "generator_function": "closure",
    "method_definition": "closure",
    "function_declaration": "function_declaration",
    "generator_function_declaration": "function_declaration",
    "statement_block": "block",
    "expression_statement": "expression_statement",
    "lexical_declaration": "declaration",
    "variable_declaration": "declaration",
    "variable_declarator": "declarator",
    "if_statement": "if_statement",
    "switch_statement": "switch",
    "try_statement": "attempt",
    "return_statement": "leave",
    "throw_statement": "leave",
    "break_statement": "leave",
    "continue_statement": "leave",
    "yield_expression": "leave",
    "for_in_statement": "for_each",
    "for_statement": "counted",
    "while_statement": "while_loop",
    "do_statement": "while_loop",
}
"""Node type → method."""


class Point:
    """An await while its function is being read."""

    def __init__(self, node: Node, operand: Node, needs: int, values: Values) -> None:
        inner = unwrap(operand) or operand
        self.span: Span = (node.start_byte, node.end_byte)
        self.call: Call = Call("setTimeout()") if _pauses(inner) else describe(inner)
        if holder := values.built.get(self.call.name.partition(".")[0]):
            self.call = Call(self.call.name, self.call.hint, holder)
        self.together = together(first_call(inner)) if self.call.name in TOGETHER else ()
        self.needs = needs
        self.lane = values.lane
        self.between = tuple(values.pending)
        self.attempts = values.attempts
        self.loop = values.loop
        self.used = True
        self.ordered = False
        self.takes_item = False
        self.carried = False
        self.binding = ""
        self.statement: Span = (0, 0)
        self.follows = -1
        self.steady = False
        self.form: Form = ""
        self.annotation = ""
        self.operand: Span = (0, 0)
        self.remarked = False
        self.move: Move | None = None
        self.guard: Guard | None = None
        self.text = ""
        self.indent = ""


def _pauses(node: Node) -> bool:
    """`new Promise((done) => setTimeout(done, 100))`."""
    return node.type == "new_expression" and node.end_byte - node.start_byte < PAUSE and "setTimeout(" in text(node)


class Round:
    """A loop while it is being read."""

    def __init__(self, node: Node, suits: bool, attempts: int) -> None:
        self.node = node
        self.suits = suits
        self.attempts = attempts
        self.names: tuple[str, ...] = ()


class Values:
    """A function while it is being read: every node has a mask of the awaits that it may rest on."""

    def __init__(self, source: bytes, built: Mapping[str, str]) -> None:
        self.source = source
        self.built = built
        """Variable of the file → the class that it is made of."""
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

    def value(self, node: Node) -> int:
        """Evaluate an expression or run a statement: the awaits that it may rest on."""
        kind = node.type
        name = HANDLERS.get(kind)
        if name is not None:
            return cast(int, getattr(self, name)(node))
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

    def misparsed(self, node: Node) -> bool:
        """`await f<T>(x)` parses as `(await f)<T>(x)`: the chain is what is awaited."""
        at = node.child_by_field_name("function") or node.child_by_field_name("object")
        for _ in range(2 * MAX_PARTS):
            if at is None:
                return False
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
        mask = self.inside(node) if operand is node else self.value(operand)
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
