"""One JavaScript or TypeScript tree in, AwaitFacts out: awaits, what they need of each other, and loops around them.

One query finds functions, awaits, calls and returns; a sweep over them in source order attributes each to its function.
Only functions with two awaits, or with one beside a loop, are read closely (`await_flow`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tree_sitter import Node, Query, QueryCursor, Tree

from slowpath.extract import async_callbacks
from slowpath.extract.await_calls import describe, first
from slowpath.extract.await_flow import Flow
from slowpath.extract.await_memo import remembers
from slowpath.extract.await_refusals import refusal
from slowpath.extract.await_values import EXITS
from slowpath.extract.parsing import grammar, text
from slowpath.model.awaits import AwaitFacts, Call, Refusal, Routine, Sequence

MARKS = """
[(function_declaration) (function_expression) (arrow_function) (method_definition)
 (generator_function_declaration)] @function
(await_expression) @await
[(for_statement) (for_in_statement)] @loop
(call_expression) @call
(throw_statement) @throw
(variable_declarator name: (identifier) value: (new_expression constructor: (identifier))) @built
(return_statement [(call_expression) (new_expression) (ternary_expression) (binary_expression)]) @return
(arrow_function body: [(call_expression) (new_expression)]) @return
(assignment_expression left: (member_expression object: (this))) @assign
(assignment_expression left: (identifier) @name) @assign
"""
SCRIPT = (b"process.argv", b"Deno.args", b"Bun.argv", b"require.main", b"import.meta.main")
KEEPERS = re.compile(r"(?:^|\.)(?:\w*[cC]ache|memoi[sz]e|once)$")
"""What a function is given to so that it runs once for the same arguments."""
ROUTINE_CALLS = 60
"""A function that calls more than this is no helper whose name says what it does."""
KEPT = (".set", ".has")
SEEN_CALLS = 300
OWN_PROMISE = re.compile(rb"\b(?:import|const|let|var|class|function|as) Promise\b|[{(,] *Promise *[,:=})]")
MAX_AWAITS = 500
"""Awaits, or loops, of a function that is read closely: each is compared with all before it."""
QUIET_METHODS = frozenset(
    "map filter reduce forEach find some every slice splice concat join includes indexOf flat flatMap at keys values"
    " entries push pop shift unshift sort reverse fill set add delete append has clear toString trim split replace"
    " replaceAll then catch finally startsWith endsWith toLowerCase toUpperCase toISOString match test stringify"
    " isArray assign round floor ceil max min log info warn error debug trace".split()
)


@cache
def _marks(name: str) -> Query:
    return Query(grammar(name), MARKS)


class _Function:
    """A function during the sweep, with what it does itself."""

    def __init__(self, node: Node, outer: _Function | None) -> None:
        self.node = node
        self.outer = outer
        self.end = node.end_byte
        self.name, self.owner = ("", "") if node.type == "program" else _name(node)
        self.awaits = 0
        self.loops = 0
        self.calls: list[Node] = []
        self.waits = False
        self.assigns = False
        self.throws = False
        self.refuses: Refusal = ""
        self.transaction: bool = outer.transaction if outer is not None else False


def extract(tree: Tree, source: bytes) -> AwaitFacts:
    """The facts of one file."""
    if b"await" not in source and b"async" not in source and b"Promise" not in source:
        return AwaitFacts()
    functions, built = _sweep(tree)
    own_promise = OWN_PROMISE.search(source) is not None
    facts = AwaitFacts(callbacks=async_callbacks.extract(tree.root_node, source))
    facts.script = any(word in source for word in SCRIPT) or source.startswith(b"#!")
    for function in functions:
        few = function.awaits <= MAX_AWAITS and function.loops <= MAX_AWAITS
        if few and (function.awaits > 1 or (function.awaits and function.loops)):
            sequence = _sequence(function, source, built, own_promise)
            if sequence is not None:
                facts.sequences.append(sequence)
        if function.name and function.node.type != "program":
            facts.routines.append(_routine(function))
    return facts


def _sweep(tree: Tree) -> tuple[list[_Function], dict[str, str]]:
    """All functions of a file, the program first, each with what stands in it; and what `new` puts into variables."""
    name = "tsx" if tree.language == grammar("tsx") else "typescript"
    root = tree.root_node
    marks = [
        (node.start_byte, -node.end_byte, kind, node)
        for kind, nodes in QueryCursor(_marks(name)).captures(root).items()
        for node in nodes
    ]
    marks.sort(key=lambda mark: mark[:3])
    program = function = _Function(root, None)
    variables = _variables(root) if any(mark[2] == "name" for mark in marks) else frozenset()
    found = [program]
    built: dict[str, str] = {}
    for start, _, kind, node in marks:
        while function.end <= start and function.outer is not None:
            function = function.outer
        if kind == "function":
            function = _Function(node, function)
            function.transaction = function.transaction or _in_transaction(node)
            found.append(function)
        elif kind == "built":
            variable, value = text(node.child_by_field_name("name")), node.child_by_field_name("value")
            made = text(value.child_by_field_name("constructor")) if value is not None else ""
            built[variable] = made if built.get(variable, made) == made else ""
        else:
            _attribute(function, kind, node, variables)
    return found, built


IN_MEMORY = frozenset(
    "map filter reduce some every slice concat join flat flatMap includes sort reverse toString trim split".split()
)


def _in_memory(node: Node) -> bool:
    """Returns what a list's or a string's own method gives."""
    call = first(node) if node.type == "return_statement" else node
    callee = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    return (
        callee is not None
        and callee.type == "member_expression"
        and text(callee.child_by_field_name("property")) in IN_MEMORY
    )


def _attribute(function: _Function, kind: str, node: Node, variables: frozenset[str]) -> None:
    if kind == "await":
        function.awaits += 1
        function.waits = True
    elif kind == "loop":
        function.loops += 1
    elif kind == "return":
        function.waits = function.waits or not _in_memory(node)
    elif kind == "throw":
        function.throws = True
        if function.refuses != "access":
            function.refuses = refusal(node) or function.refuses
    elif kind == "assign" or (kind == "name" and text(node) in variables):
        for outer in _enclosing(function):
            outer.assigns = outer.assigns or kind == "name" or _to_this(node)
    elif kind == "call":
        for outer in _enclosing(function):
            if outer.name and len(outer.calls) < SEEN_CALLS:
                outer.calls.append(node)


def _enclosing(function: _Function) -> Iterator[_Function]:
    at: _Function | None = function
    while at is not None:
        yield at
        at = at.outer


def _to_this(assignment: Node) -> bool:
    left = assignment.child_by_field_name("left")
    return left is not None and left.type == "member_expression"


def _variables(root: Node) -> frozenset[str]:
    """What `let` and `var` declare at the top of the module."""
    found = set()
    for node in root.named_children:
        if node.type == "export_statement":
            node = node.child_by_field_name("declaration") or node
        if node.type == "variable_declaration" or (node.type == "lexical_declaration" and node.child(0).type == "let"):
            found |= {text(child.child_by_field_name("name")) for child in node.named_children}
    return frozenset(found)


TRANSACTIONS = re.compile(r"(?:transaction|\.begin|\.tx|\.savepoint)\(\)$", re.I)


def _in_transaction(node: Node) -> bool:
    """The callback of `db.transaction(…)`."""
    parent = node.parent
    call = parent.parent if parent is not None and parent.type == "arguments" else None
    return call is not None and call.type == "call_expression" and bool(TRANSACTIONS.search(describe(call).name))


def _name(node: Node) -> tuple[str, str]:
    """The name of a function, and its owner: the class or the variable that holds it."""
    own = node.child_by_field_name("name")
    holder = node if node.type in ("method_definition", "function_declaration") else _kept(node).parent
    if own is None and holder is not None:
        own = {
            "variable_declarator": holder.child_by_field_name("name"),
            "pair": holder.child_by_field_name("key"),
            "public_field_definition": holder.child_by_field_name("name"),
        }.get(holder.type)
    if own is None or holder is None:
        return "", ""
    if own.type not in ("identifier", "property_identifier", "private_property_identifier"):
        return "", ""
    owner = ""
    if holder.type in ("method_definition", "pair", "public_field_definition"):
        within = holder.parent.parent if holder.parent is not None else None
        owner = text(within.child_by_field_name("name")) if within is not None else ""
        owner = owner or "…"
    return text(own), owner


def _kept(node: Node) -> Node:
    """`cache(async () => …)`: the whole call stands for the function."""
    call = node.parent.parent if node.parent is not None and node.parent.type == "arguments" else None
    callee = call.child_by_field_name("function") if call is not None and call.type == "call_expression" else None
    return call if call is not None and callee is not None and KEEPERS.search(text(callee)[:80]) else node


def _sequence(function: _Function, source: bytes, built: dict[str, str], own_promise: bool) -> Sequence | None:
    flow = Flow(source, built)
    flow.own_promise = own_promise
    try:
        flow.read(function.node)
    except RecursionError:
        return None
    loops = flow.loops()
    if len(flow.points) < 2 and not loops:
        return None
    named = next((outer for outer in _enclosing(function) if outer.name), function)
    return Sequence(
        function=named.name,
        owner=named.owner,
        span=(function.node.start_byte, function.node.end_byte),
        transaction=function.transaction,
        awaits=flow.awaits(),
        loops=loops,
    )


def _routine(function: _Function) -> Routine:
    waited: dict[Call, None] = {}
    others: dict[Call, None] = {}
    every: list[Call] = []
    refuses = function.refuses
    for node in function.calls:
        taken = _taken(node)
        quiet = not taken and _quiet(node)
        if quiet and not text(node.child_by_field_name("function")).endswith(KEPT):
            continue
        call = describe(node)
        every.append(call)
        if call.name in EXITS and refuses != "access":
            refuses = refusal(node) or refuses
        if not quiet and call.name:
            (waited if taken else others)[call] = None
    return Routine(
        name=function.name,
        owner=function.owner,
        span=(function.node.start_byte, function.node.end_byte),
        waits=function.waits,
        assigns=function.assigns,
        waited=tuple(waited)[:ROUTINE_CALLS],
        others=tuple(call for call in others if call not in waited)[:ROUTINE_CALLS],
        throws=function.throws or any(call.name in EXITS for call in others),
        refuses=refuses,
        cached=_kept(function.node).id != function.node.id,
        remembers=function.waits and remembers(function.node, every),
    )


def _quiet(node: Node) -> bool:
    """A method of a value in memory, by its name."""
    callee = node.child_by_field_name("function")
    return (
        callee is not None
        and callee.type == "member_expression"
        and text(callee.child_by_field_name("property")) in QUIET_METHODS
    )


def _taken(node: Node) -> bool:
    """Its promise is waited for, or handed to whoever called."""
    parent = node.parent
    if parent is None or parent.type != "member_expression":
        callee = node.child_by_field_name("function")
        return (callee is not None and callee.type == "await_expression") or (
            parent is not None and parent.type in ("await_expression", "return_statement", "arrow_function", "array")
        )
    return text(parent.child_by_field_name("property")) in ("then", "catch", "finally")
