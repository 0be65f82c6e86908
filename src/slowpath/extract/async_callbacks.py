"""Async functions given to methods of lists, and what becomes of their promises.

Found by their bytes (`.forEach(async`), then read in the tree: no query runs over files that have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.await_calls import TRANSPARENT, describe, first, unwrap
from slowpath.extract.await_patterns import names, path_of
from slowpath.extract.await_values import FUNCTIONS
from slowpath.extract.parsing import text, walk
from slowpath.extract.scopes import VALUES
from slowpath.model.awaits import AsyncCallback, Call, Fate

GIVEN = re.compile(
    rb"\.(forEach|filter|some|every|find|findIndex|findLast|findLastIndex|map|flatMap|reduce|reduceRight)"
    rb"(?:<[^()\n]{0,80}>)?\(\s*async\b"
)
TESTS = frozenset(("filter", "some", "every", "find", "findIndex", "findLast", "findLastIndex"))
TAKING = frozenset(("filter", "join", "some", "every", "find", "includes", "sort", "indexOf"))
"""Methods that take a list's promises for values."""
LISTS = frozenset("map filter slice concat flat flatMap sort reverse split keys values entries from".split())
PARENTS = 60


def extract(root: Node, source: bytes) -> list[AsyncCallback]:
    """All of a file, in source order."""
    return [
        found
        for match in GIVEN.finditer(source)
        if (call := _call(root, match.start(1))) is not None and (found := _read(call, source)) is not None
    ]


def _call(root: Node, at: int) -> Node | None:
    """The call whose method's name starts here."""
    node = root.descendant_for_byte_range(at, at + 1)
    if node is None or node.type != "property_identifier" or node.parent is None:
        return None
    call = node.parent.parent
    while call is not None and call.type == "instantiation_expression":
        call = call.parent
    return call if call is not None and call.type == "call_expression" else None


def _read(call: Node, source: bytes) -> AsyncCallback | None:
    callee, arguments = call.child_by_field_name("function"), call.child_by_field_name("arguments")
    callback = first(arguments) if arguments is not None else None
    if callee is None or callback is None or callback.type not in ("arrow_function", "function_expression"):
        return None
    method = text(callee.child_by_field_name("property"))
    awaits = list(_awaits(callback))
    fate = _fate(call, method, callback, awaits)
    if fate is None or not (awaits or fate == "truthy"):
        return None
    counted = awaits[1:] if fate == "serial" else awaits
    around = _around(call)
    return AsyncCallback(
        span=(callee.start_byte, callback.start_byte + len("async")),
        method=method,
        fate=fate,
        calls=tuple(
            dict.fromkeys(
                Call(described.name, described.hint) for described in map(_described, counted) if described.name
            )
        ),
        catches=all(_caught(node, callback) for node in awaits),
        waits=around is not None and any(child.type == "async" for child in around.children),
        receiver=describe(call).name,
        listed=_listed(callee.child_by_field_name("object")),
    )


def _described(node: Node) -> Call:
    operand = first(node)
    return describe(operand) if operand is not None else Call("")


def _awaits(callback: Node) -> Iterator[Node]:
    """The awaits of a callback itself, in source order; a `for await` is none."""
    body = callback.child_by_field_name("body")
    stack = [body] if body is not None else []
    while stack:
        node = stack.pop()
        if node.type == "await_expression" and first(node) is not None:
            yield node
        if node.type not in FUNCTIONS:
            stack.extend(reversed(node.named_children))


def _fate(call: Node, method: str, callback: Node, awaits: list[Node]) -> Fate | None:
    """What becomes of the promises; None where somebody may wait for them."""
    if method in ("reduce", "reduceRight"):
        return "serial" if _serial(callback, awaits) else None
    above = call.parent
    while above is not None and above.type in TRANSPARENT and above.type != "await_expression":
        above = above.parent
    if above is None:
        return None
    awaited = above.type == "await_expression"
    if method == "forEach":
        return "awaited" if awaited else "dropped"
    if method in TESTS:
        parameters = list(names(callback.child_by_field_name("parameters")))
        answers = above.type != "expression_statement" and not awaited and parameters[:1] not in (["err"], ["error"])
        return "truthy" if answers and not _chained(above) else None
    if awaited:
        return "awaited"
    if above.type == "expression_statement":
        return "dropped"
    if above.type == "member_expression" and text(above.child_by_field_name("property")) in TAKING:
        return "taken" if above.parent is not None and above.parent.type == "call_expression" else None
    return "dropped" if above.type == "variable_declarator" and _unused(above) else None


def _chained(above: Node) -> bool:
    """`.filter(async …).then(…)`: no list's own method."""
    return above.type == "member_expression" and text(above.child_by_field_name("property")) in (
        "then", "catch", "toArray", "exec", "lean", "subscribe",
    )  # fmt: skip


def _serial(callback: Node, awaits: list[Node]) -> bool:
    """Each round waits for the one before, and only then for work that needs nothing of it."""
    accumulator = next(names(callback.child_by_field_name("parameters")), "")
    if len(awaits) < 2 or not accumulator or text(first(awaits[0])) != accumulator:
        return False
    above = awaits[0].parent
    known = {accumulator}
    if above is not None and above.type == "variable_declarator":
        known |= set(names(above.child_by_field_name("name")))
    elif above is None or above.type != "expression_statement":
        return False
    return not any(_mentions(node, known) for node in awaits[1:])


def _mentions(root: Node, known: set[str]) -> bool:
    return any(node.type in VALUES and text(node) in known for node in walk(root))


def _caught(node: Node, callback: Node) -> bool:
    """In a `try` that handles its failure, or with a `.catch()` of its own."""
    operand = unwrap(first(node))
    callee = operand.child_by_field_name("function") if operand is not None else None
    if (
        callee is not None
        and callee.type == "member_expression"
        and text(callee.child_by_field_name("property")) == "catch"
    ):
        return True
    at: Node | None = node
    while at is not None and at.id != callback.id:
        above = at.parent
        if above is not None and above.type == "try_statement" and above.child_by_field_name("handler") is not None:
            body = above.child_by_field_name("body")
            if body is not None and body.id == at.id:
                return True
        at = above
    return False


def _around(node: Node) -> Node | None:
    at = node.parent
    while at is not None and at.type not in FUNCTIONS:
        at = at.parent
    return at


def _unused(declarator: Node) -> bool:
    """Nobody in the block reads the variable again."""
    name, block = declarator.child_by_field_name("name"), declarator.parent
    block = block.parent if block is not None else None
    if name is None or name.type != "identifier" or block is None or block.type != "statement_block":
        return False
    own = text(name)
    return not any(node.type in VALUES and node.id != name.id and text(node) == own for node in walk(block))


def _listed(receiver: Node | None) -> bool:
    """A list for certain: a literal, or what a list's own method gives."""
    receiver = unwrap(receiver)
    if receiver is None or receiver.type == "array":
        return receiver is not None
    if receiver.type != "call_expression":
        return False
    callee = receiver.child_by_field_name("function")
    if callee is None or callee.type != "member_expression":
        return False
    root = path_of(callee)
    return text(callee.child_by_field_name("property")) in LISTS and (root is None or root[0] in ("Object", "Array"))
