"""Where a call stands: its named function, the loops around it, and the hook or handler that runs it."""

from __future__ import annotations

import re
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.await_calls import first, unwrap
from slowpath.extract.parsing import text
from slowpath.extract.react_owners import HOOK, LATER, LOOPING, callee_name
from slowpath.extract.scopes import FUNCTIONS, Scopes
from slowpath.model.requests import RequestLoop, Sender

NAMED = FUNCTIONS | {"generator_function_declaration"}
STOPS = re.compile(rb"\b(?:break|return)\b")
CHUNK = re.compile(r"chunk|batch|slice|splice|\bpages?\b|attempt|retr(?:y|ies)", re.I)
COUNT = re.compile(r"<=?\s*\d+$")
MAX_OVER = 60
MAX_CLIMB = 200


class Place(NamedTuple):
    """`loops` are the innermost first, up to the sender."""

    sender: int
    loops: tuple[int, ...]
    role: str


TOP = Place(-1, (), "")


class Places:
    """Places of one file's nodes; each function and loop is looked at once."""

    def __init__(self, scopes: Scopes) -> None:
        self.scopes = scopes
        self.senders: list[Sender] = []
        self.loops: list[RequestLoop] = []
        self._known: dict[int, Place] = {}
        self._around: dict[int, Place] = {}

    def of(self, node: Node) -> Place:
        """The place of what stands in a node."""
        below, at, passed = node, node.parent, []
        found = TOP
        for _ in range(MAX_CLIMB):
            if at is None or at.type == "program":
                break
            kind = at.type
            loop = kind in ("for_in_statement", "for_statement")
            if kind in NAMED or (loop and _in_body(at, below)):
                known = self._known.get(at.id)
                found = known if known is not None else self._known.setdefault(at.id, self._place(at))
                break
            if at.id in self._around:
                found = self._around[at.id]
                break
            if not loop:
                passed.append(at.id)
            below, at = at, at.parent
        self._around.update(dict.fromkeys(passed, found))
        return found

    def _place(self, at: Node) -> Place:
        if at.type not in NAMED:
            around = self.of(at)
            return around._replace(loops=(self._loop(_head(at)), *around.loops))
        call = _taker(at)
        callee = callee_name(call) if call is not None else ""
        if callee in LOOPING and call is not None:
            around = self.of(call)
            return around._replace(loops=(self._loop(_callback(call, at)), *around.loops))
        hook = bool(HOOK.match(callee)) and callee != "useCallback"
        name, owner = ("", "") if hook or callee in LATER else named(at)
        if name:
            outer = self.of(at).sender
            label = self.senders[outer].name if outer >= 0 else ""
            self.senders.append(Sender(name, owner, params(at), (at.start_byte, at.end_byte), label))
            return Place(len(self.senders) - 1, (), "")
        around = self.of(call if call is not None else at)
        later = callee in LATER and callee not in ("then", "catch")
        role = "later" if later else callee if hook else _role(at)
        if role in ("handler", "later"):  # runs when somebody clicks, once
            return around._replace(role=role, loops=())
        return around._replace(role=around.role if around.role in ("handler", "later") else role or around.role)

    def _loop(self, loop: tuple[RequestLoop, Node | None]) -> int:
        fact, over = loop
        few = fact.few
        if not few and over is not None and self._literal(over):
            few = "literal"
        self.loops.append(RequestLoop(fact.kind, fact.head, fact.over, fact.item, few))
        return len(self.loops) - 1

    def _literal(self, over: Node) -> bool:
        """A list that is written out."""
        node = unwrap(over)
        if node is not None and node.type == "identifier":
            binding = self.scopes.lookup(text(node), node)
            value = binding.value if binding is not None and binding.whole and binding.constant else None
            node = unwrap(value)
        if node is None or node.type != "array":
            return False
        return not any(child.type == "spread_element" for child in node.named_children)


def _in_body(loop: Node, below: Node) -> bool:
    body = loop.child_by_field_name("body")
    return body is not None and body.id == below.id


def _head(loop: Node) -> tuple[RequestLoop, Node | None]:
    body = loop.child_by_field_name("body")
    inside = body.text or b"" if body is not None else b""
    head = (loop.start_byte, body.start_byte if body is not None else loop.end_byte)
    few = "stops" if STOPS.search(inside) else ""
    if loop.type == "for_statement":
        condition = text(loop.child_by_field_name("condition")).rstrip("; ")
        few = "count" if COUNT.search(condition) else few
        few = few if text(loop.child_by_field_name("increment")).endswith(("++", "--")) else "chunk"
        item = tuple(re.findall(r"(?:let|var)\s+([\w$]+)", text(loop.child_by_field_name("initializer"))))
        return RequestLoop("for", head, short(condition), item, few), None
    left, right = loop.child_by_field_name("left"), loop.child_by_field_name("right")
    item = words(left)
    few = "chunk" if CHUNK.search(f"{text(left)} {text(right)}") else few
    return RequestLoop("for", head, short(text(right)), item, few), right


def _callback(call: Node, function: Node) -> tuple[RequestLoop, Node | None]:
    callee = call.child_by_field_name("function")
    over = callee.child_by_field_name("object") if callee is not None else None
    if over is not None and text(over) == "Array":  # `Array.from(ids, load)`
        arguments = call.child_by_field_name("arguments")
        over = first(arguments) if arguments is not None else None
    given = params(function)
    item = words(_pattern(function)) if given else ()
    few = "chunk" if CHUNK.search(f"{' '.join(item)} {text(over)[:200]}") else ""
    head = (call.start_byte, callee.end_byte if callee is not None else call.end_byte)
    return RequestLoop("callback", head, short(text(over)), item, few), over


def short(written: str) -> str:
    """What fits into a sentence."""
    one = " ".join(written.split())
    return one if len(one) <= MAX_OVER else ""


def words(pattern: Node | None) -> tuple[str, ...]:
    """The names in a pattern."""
    return tuple(re.findall(r"[A-Za-z_$][\w$]*", text(pattern)[:200]))


def _pattern(function: Node) -> Node | None:
    single = function.child_by_field_name("parameter")
    if single is not None:
        return single
    given = function.child_by_field_name("parameters")
    head = first(given) if given is not None else None
    return (head.child_by_field_name("pattern") or head) if head is not None else None


def params(function: Node) -> tuple[str, ...]:
    """A function's parameters by position."""
    single = function.child_by_field_name("parameter")
    if single is not None:
        return (text(single),)
    given = function.child_by_field_name("parameters")
    found = []
    for child in given.named_children if given is not None else ():
        pattern = child.child_by_field_name("pattern") or child
        if pattern.type == "assignment_pattern":
            pattern = pattern.child_by_field_name("left") or pattern
        if pattern.type == "object_pattern":
            keys = [re.match(r"[\w$.]*", text(part)) for part in pattern.named_children if part.type != "comment"]
            found.append("{" + ",".join(key[0] for key in keys if key) + "}")
        elif child.type != "comment":
            found.append(text(pattern))
    return tuple(found)


def _taker(function: Node) -> Node | None:
    """The call that gets a function as its argument."""
    parent = function.parent
    call = parent.parent if parent is not None and parent.type == "arguments" else None
    return call if call is not None and call.type == "call_expression" else None


def _role(function: Node) -> str:
    """Of a function without a name: the hook that it is given to, alone or in its options, or `handler`."""
    parent = function.parent
    call = _taker(function)
    if call is None and parent is not None and parent.type == "pair":
        if re.match(r"on[A-Z]|mutationFn", text(parent.child_by_field_name("key"))):
            return "handler"
        at = parent.parent
        for _ in range(4):
            if at is None or at.type not in ("object", "pair", "array", "arguments"):
                break
            if at.type == "arguments":
                call = at.parent
                break
            at = at.parent
    if call is not None and call.type == "call_expression":
        callee = callee_name(call)
        return callee if HOOK.match(callee) else ""
    if parent is not None and parent.type == "jsx_expression" and parent.parent is not None:
        attribute = parent.parent
        return "handler" if attribute.type == "jsx_attribute" and text(attribute).startswith("on") else ""
    return ""


def named(function: Node) -> tuple[str, str]:
    """The name under which others call a function, and the class or object that holds it."""
    own = function.child_by_field_name("name")
    if function.type in ("function_declaration", "generator_function_declaration"):
        return text(own), ""
    holder = function if function.type == "method_definition" else function.parent
    if holder is None:
        return "", ""
    if holder.type in ("method_definition", "public_field_definition"):
        within = holder.parent.parent if holder.parent is not None else None
        if within is not None and within.type in ("class_declaration", "class", "abstract_class_declaration"):
            key = own or holder.child_by_field_name("name") or holder.child_by_field_name("property")
            return text(key), text(within.child_by_field_name("name")) or "default"
    if holder.type in ("method_definition", "pair"):
        owner = _object(holder.parent)
        key = own or holder.child_by_field_name("key")
        return (text(key).strip("'\""), owner) if owner else ("", "")
    return _bound(function), ""


def _object(node: Node | None) -> str:
    """The name of the constant that an object literal is, `default` where the module exports it so."""
    at = node.parent if node is not None else None
    while at is not None and at.type in ("as_expression", "satisfies_expression", "parenthesized_expression"):
        at = at.parent
    if at is None:
        return ""
    if at.type == "pair":
        outer, key = _object(at.parent), text(at.child_by_field_name("key"))
        return f"{outer}.{key}" if outer else ""
    if at.type == "variable_declarator":
        name = at.child_by_field_name("name")
        return text(name) if name is not None and name.type == "identifier" else ""
    return "default" if at.type == "export_statement" else ""


def _bound(function: Node) -> str:
    """The variable that a function is, also through a call that wraps it: `useCallback`, `memo`, a thunk."""
    parent = function.parent
    for _ in range(8):
        if parent is None:
            return ""
        if parent.type in ("as_expression", "satisfies_expression", "parenthesized_expression", "call_expression"):
            pass
        elif parent.type == "arguments":
            callee = callee_name(parent.parent) if parent.parent is not None else ""
            wraps = callee == "useCallback" or not (HOOK.match(callee) or callee in LOOPING or callee in LATER)
            if not wraps or callee in ("all", "finally", "filter", "some", "every", "find"):
                return ""
        elif parent.type == "variable_declarator":
            name = parent.child_by_field_name("name")
            return text(name) if name is not None and name.type == "identifier" else ""
        elif parent.type == "assignment_expression":
            left = parent.child_by_field_name("left")
            return text(left) if left is not None and left.type == "identifier" else ""
        elif parent.type == "export_statement":
            own = function.child_by_field_name("name")
            return text(own) or "default"
        else:
            return ""
        parent = parent.parent
    return ""
