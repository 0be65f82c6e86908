"""Hook calls with what they rest on, and the answers that they wait for: `enabled: !!data`, `data ? key : null`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.parsing import first, text
from slowpath.extract.react_components import STATIC_HOOKS, hook_calls
from slowpath.extract.react_owners import HOOK, TRANSPARENT, call_at, callee_name
from slowpath.extract.react_sources import Values, union
from slowpath.extract.react_waits import answered
from slowpath.extract.scopes import Scopes
from slowpath.model.react import PICKED, HookCall, Made, Sources

CONTEXT_HOOKS = frozenset(["useContext", "use"])
BUILT_IN = STATIC_HOOKS | {"useState", "useReducer", "useTransition", "useDeferredValue"}
CHAIN = re.compile(r"[\w$]+(\.[\w$]+)+")
CONDITIONS = {"enabled": True, "skip": False, "pause": False}
"""Options that hold a query back, with the value that lets it go."""
NO_KEY = frozenset(["null", "undefined", "false", "skipToken", "skip", '""', "''"])
"""What is given instead of a key or an argument, so that nothing is asked."""
MADE = re.compile(rb"\bcreate(TRPC|Api|Query|InfiniteQuery)|Endpoints\b|\binit\w*Query")
NAMED = re.compile(
    r"\"([^\"\\\n]{1,80})\"|'([^'\\\n]{1,80})'|`([^`\\\n]{1,80})`|([A-Za-z_$][\w$.]*)(?=\()|\b([A-Z]\w+)"
)
EARLY = re.compile(rb"(?:[pP]refetch\w{0,40}|\b(?:ensure|fetch)(?:Infinite)?Query(?:Data)?)\s{0,20}\(")
"""Calls that start a query before a component asks."""
MAX_TEXT = 600
MAX_NAMES = 12


def calls_of(name: str, function: Node, values: Values, scopes: Scopes) -> Iterator[HookCall]:
    """The hook calls of a component or hook that may fetch, or read a context."""
    yield from _effects(name, values)
    for call in hook_calls(function):
        callee = callee_name(call)
        if callee in BUILT_IN:
            continue
        arguments = call.child_by_field_name("arguments")
        given = first(arguments) if arguments is not None else None
        conditions, rest = _parted(arguments)
        held = [_held(node, when, values) for node, when in conditions]
        yield HookCall(
            name,
            callee,
            (call.start_byte, call.end_byte),
            values.of(arguments),
            _taken(call, scopes),
            text(given) if callee in CONTEXT_HOOKS and given is not None else "",
            _chain(call),
            _about(arguments),
            union(*(one for one in held if one is not None)) if held and None not in held else Sources(),
            union(*(values.of(node) for node in rest)),
        )


def _effects(name: str, values: Values) -> Iterator[HookCall]:
    for effect in values.effects:
        call = effect.call
        known = union(*(values.of(part) for part in (*effect.parts, call)))
        reads = Sources(known.props, tuple(offset for offset in known.calls if offset != call.start_byte))
        held = Sources((), (PICKED,)) if effect.guarded else Sources()
        span = (call.start_byte, call.end_byte)
        runs = tuple((part.start_byte, part.end_byte) for part in effect.parts)
        yield HookCall(name, callee_name(call), span, reads, about=_about(call), held=held, needs=reads, runs=runs)


def made(scopes: Scopes, source: bytes) -> Iterator[Made]:
    """Objects of hooks that the top level makes, and hooks that it takes out of them."""
    maker = MADE.search(source)
    for name, binding in scopes.names(scopes.root).items():
        value = binding.value
        if value is None or not (maker or HOOK.match(name)):
            continue
        if value.type == "call_expression":
            callee = re.sub(r"\s", "", text(value.child_by_field_name("function")))
            if CHAIN.fullmatch(callee) or callee == callee_name(value):
                yield Made(name, callee)
        elif value.type in ("identifier", "member_expression") and CHAIN.fullmatch(text(value) + ".x"):
            yield Made(name, text(value))


def prefetched(scopes: Scopes, source: bytes) -> Iterator[str]:
    """What loaders and the like ask before components do: the names in it, see `HookCall.about`."""
    for match in EARLY.finditer(source) if b"refetch" in source or b"Query" in source else ():
        node = call_at(scopes.root, match.start())
        arguments = node.child_by_field_name("arguments") if node is not None else None
        given = first(arguments) if arguments is not None else None
        yield from _about(arguments)
        if given is not None and given.type == "identifier":
            binding = scopes.lookup(text(given), given)
            yield from _about(binding.value if binding is not None else None)


def _taken(call: Node, scopes: Scopes) -> bool:
    """Is the hook, or what it is called on, taken out of what another hook gave?"""
    head = (_chain(call) or callee_name(call)).split(".")[0]
    binding = scopes.lookup(head, call)
    if binding is None or binding.kind != "variable" or binding.scope.id == scopes.root.id:
        return False
    value = binding.value
    return not binding.whole or (value is not None and value.type == "call_expression")


def _chain(call: Node) -> str:
    callee = text(call.child_by_field_name("function"))
    chain = re.sub(r"[\s?!]", "", callee) if "." in callee and len(callee) < 200 else ""
    return chain if CHAIN.fullmatch(chain) else ""


def _about(arguments: Node | None) -> tuple[str, ...]:
    found = ("".join(groups) for groups in NAMED.findall(text(arguments)[:MAX_TEXT]))
    return tuple(dict.fromkeys(found))[:MAX_NAMES]


def _parted(arguments: Node | None) -> tuple[list[tuple[Node, bool]], list[Node]]:
    """The conditions in a query's arguments, each with what it has to be, and all the rest."""
    conditions: list[tuple[Node, bool]] = []
    rest: list[Node] = []
    stack = list(arguments.named_children) if arguments is not None else []
    while stack:
        node = stack.pop()
        key = text(node.child_by_field_name("key")) if node.type == "pair" else text(node)
        value = node.child_by_field_name("value") if node.type == "pair" else node
        if value is not None and key in CONDITIONS and node.type in ("pair", "shorthand_property_identifier"):
            conditions.append((value, CONDITIONS[key]))
        elif node.type == "pair" and value is not None:
            stack.append(value)
        elif node.type == "object" or node.type in TRANSPARENT:
            stack.extend(node.named_children)
        elif node.type == "call_expression":
            given = node.child_by_field_name("arguments")
            stack.extend(given.named_children if given is not None else ())
            rest.extend(child for child in node.children if child.type != "arguments")
        elif node.type == "ternary_expression":
            condition, yes, no = (
                node.child_by_field_name(field) for field in ("condition", "consequence", "alternative")
            )
            empty = [text(branch) in NO_KEY for branch in (yes, no)]
            if condition is None or yes is None or no is None or empty[0] == empty[1]:
                rest.append(node)
                continue
            conditions.append((condition, empty[1]))
            stack.append(yes if empty[1] else no)
        elif node.type == "binary_expression" and text(node.child_by_field_name("operator")) == "&&":
            left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
            if left is not None and right is not None:
                conditions.append((left, True))
                stack.append(right)
        elif node.type == "arrow_function" and _expression(node) is not None:
            stack.extend(part for part in (_expression(node),) if part is not None)
        else:
            rest.append(node)
    return conditions, rest


def _held(condition: Node, when: bool, values: Values) -> Sources | None:
    meant = values.meant(text(condition)) if condition.type == "identifier" else None
    condition = meant if meant is not None else condition
    never = text(condition) == ("false" if when else "true")
    return Sources((), (PICKED,)) if never else answered(condition, when, values, strict=True)


def _expression(function: Node) -> Node | None:
    """What `() => data ? key : null` gives; nothing for other functions."""
    body = function.child_by_field_name("body")
    while body is not None and body.type in TRANSPARENT:
        body = first(body)
    return body if body is not None and body.type in ("ternary_expression",) else None
