"""First states that are dear to work out, and the functions of a file that do such work."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import text, walk
from slowpath.extract.react_owners import HOOK, call_at, callee_name, owner
from slowpath.extract.react_plain import names
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.react import StateInit

CALL = re.compile(rb"\buseState\b\s*[(<]")
WORK = re.compile(  # every branch begins with its own letter, so that the engine skips to the next: 8 times faster
    rb"for(?<=\bfor)\s*\(|while(?<=\bwhile)\s*\(|\.(?<!\)\.)(?:map|filter|reduce|sort|flatMap|forEach)\s*\("
    rb"|JSON\.parse\b|Storage\b(?:(?<=\blocalStorage)|(?<=\bsessionStorage))"
)
ARRAY_WORK = frozenset(["map", "filter", "reduce", "sort", "toSorted", "flatMap", "fromEntries"])
PURE = frozenset(
    "map filter reduce flatMap fromEntries entries keys values includes indexOf startsWith endsWith toLowerCase trim"
    " toUpperCase split join slice find findIndex some every at has getItem parse"
    " structuredClone Boolean Number String".split()
)
CALLING = frozenset("map filter reduce flatMap find findIndex some every".split())
CHANGES = frozenset(["assignment_expression", "augmented_assignment_expression", "update_expression"])
NEW = re.compile(r"new\s+(Set|Map|Date)\b")
SMALL = frozenset(["array", "string", "template_string"])


def states(scopes: Scopes, source: bytes) -> Iterator[StateInit]:
    """The useState calls of a file whose argument works on each render."""
    for match in CALL.finditer(source):
        node = call_at(scopes.root, match.start())
        arguments = node.child_by_field_name("arguments") if node is not None else None
        around = owner(node) if node is not None else None
        if arguments is None or around is None or not around.at_render:
            continue
        given = [child for child in arguments.named_children if child.type != "comment"]
        if len(given) != 1 or given[0].type in FUNCTIONS or given[0].type == "spread_element":
            continue
        found = _work(given[0], scopes)
        if found is not None:
            span, movable = (given[0].start_byte, given[0].end_byte), _movable(given[0], around.function)
            yield StateInit(around.name, span, *found, _pure(given[0]), movable)


def _work(argument: Node, scopes: Scopes) -> tuple[str, str] | None:
    """The dear call in an expression, own code last; None where a hook or an await keeps it where it is."""
    found: list[tuple[str, str]] = []
    own: list[tuple[str, str]] = []
    stack = [argument]
    while stack:
        node = stack.pop()
        if node.type in FUNCTIONS or node.type.startswith("jsx_"):
            continue
        if node.type in ("await_expression", "yield_expression"):
            return None
        if node.type == "call_expression":
            name = callee_name(node)
            if HOOK.match(name):
                return None
            known = _known(node, name, scopes)
            if known:
                found.append((known, ""))
            elif node.child_by_field_name("function") and _is_top_level(node, scopes):
                own.append((name, name))
        stack.extend(node.named_children)
    return next(iter(found + own), None)


def _known(call: Node, name: str, scopes: Scopes) -> str:
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "member_expression":
        return "structuredClone" if name == "structuredClone" else ""
    receiver = callee.child_by_field_name("object")
    on = text(receiver) if receiver is not None and len(receiver.text or b"") < 40 else ""
    if (on, name) == ("JSON", "parse") or (on.removeprefix("window.") in ("localStorage", "sessionStorage")):
        return f"{on}.{name}"
    if name in ARRAY_WORK and receiver is not None and receiver.type not in SMALL and not _constant(receiver, scopes):
        return f".{name}"
    return ""


def _constant(receiver: Node, scopes: Scopes) -> bool:
    """A list of the module's own, which is as long as somebody typed."""
    binding = scopes.lookup(text(receiver), receiver) if receiver.type == "identifier" else None
    return binding is not None and binding.scope.type == "program"


def _pure(argument: Node) -> bool:
    """Nothing but calls that are known to change nothing."""
    for node in walk(argument):
        if node.type == "call_expression" and (callee_name(node) not in PURE or _runs_named(node)):
            return False
        if node.type in CHANGES or (node.type == "new_expression" and not NEW.match(text(node)[:12])):
            return False
    return True


def _runs_named(call: Node) -> bool:
    """Gives a list's method a function by its name: what that does is not looked up."""
    arguments = call.child_by_field_name("arguments")
    return callee_name(call) in CALLING and any(
        node.type not in FUNCTIONS and text(node) not in PURE
        for node in (arguments.named_children[:1] if arguments is not None else ())
    )


def _movable(argument: Node, function: Node) -> bool:
    """No test, assertion or assignment before it speaks of what it reads: functions do not see narrowed types."""
    body = function.child_by_field_name("body")
    used = set(names(argument))
    return not any(
        node.type in ("if_statement", "expression_statement") and not used.isdisjoint(names(node))
        for node in (body.named_children if body is not None else ())
        if node.end_byte <= argument.start_byte
    )


def _is_top_level(call: Node, scopes: Scopes) -> bool:
    callee = call.child_by_field_name("function")
    if callee is None or callee.type != "identifier":
        return False
    binding = scopes.lookup(text(callee), callee)
    return binding is not None and binding.scope.type == "program"


def working(scopes: Scopes, source: bytes) -> list[str]:
    """Names of the top-level functions that loop, parse or read the storage."""
    spots = [match.start() for match in WORK.finditer(source)]
    found = []
    for name, binding in scopes.names(scopes.root).items() if spots else ():
        function = binding.owner if binding.kind == "function" else binding.value
        if function is None or function.type not in FUNCTIONS or not name[:1].islower():
            continue
        at = bisect_left(spots, function.start_byte)
        if at < len(spots) and spots[at] < function.end_byte:
            found.append(name)
    return found
