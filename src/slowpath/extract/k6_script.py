"""What the text of a k6 script shows: undeclared names, variables it reads, addresses, rates that only get true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tree_sitter import Node

from slowpath.extract.parsing import first, parse, text, too_deep, walk
from slowpath.extract.scopes import SCOPES, VALUES, Scopes

GLOBALS = frozenset(
    "__ENV __VU __ITER open console crypto setTimeout setInterval clearTimeout clearInterval require module exports "
    "global globalThis undefined NaN Infinity arguments Object Function Array Number Boolean String Symbol BigInt Math "
    "Date RegExp Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError JSON Promise "
    "Proxy Reflect Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Atomics "
    "Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array "
    "BigInt64Array BigUint64Array parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI "
    "decodeURIComponent escape unescape eval TextEncoder TextDecoder ReadableStream Blob Headers atob btoa".split()
)
TRUTHY = frozenset(["true", "1"])
STRINGS = frozenset(["string", "template_string"])


class Place(NamedTuple):
    """A name, address or path and the 1-based line where it stands."""

    text: str
    line: int


class Variable(NamedTuple):
    """`__ENV.NAME`, and what is used where it is not set."""

    name: str
    line: int
    default: str | None


class ScriptFacts(NamedTuple):
    broken: bool
    undeclared: tuple[Place, ...]
    variables: tuple[Variable, ...]
    any_variable: bool
    """`__ENV` is read with a name that is not certain."""
    addresses: tuple[Place, ...]
    """Literals that begin with http or ws."""
    imports: tuple[Place, ...]
    opened: tuple[Place, ...]
    """Files of `open()`."""
    only_true: tuple[Place, ...]
    """Names of `Rate` metrics to which only true is ever added."""


def extract_script(source: bytes, *, typed: bool = False) -> ScriptFacts:
    """Facts of one file. A text that cannot be read is `broken`."""
    tree = parse("typescript" if typed else "tsx", source)
    if too_deep(tree, source):
        return ScriptFacts(True, (), (), True, (), (), (), ())
    scopes = Scopes(tree.root_node, source)
    nodes = sorted(walk(tree.root_node), key=lambda node: node.start_byte)
    variables = [found for node in nodes if (found := _variable(node)) is not None]
    return ScriptFacts(
        broken=tree.root_node.has_error,
        undeclared=tuple(_undeclared(nodes, scopes)),
        variables=tuple(variables),
        any_variable=sum(node.type == "identifier" and text(node) == "__ENV" for node in nodes) > len(variables),
        addresses=tuple(_addresses(nodes)),
        imports=tuple(_imports(nodes)),
        opened=tuple(_calls(nodes, "open")),
        only_true=tuple(_only_true(nodes, scopes)),
    )


def _addresses(nodes: list[Node]) -> Iterator[Place]:
    for node in nodes:
        value = _literal(node)
        if value.startswith(("http://", "https://", "ws://", "wss://")):
            yield Place(value, _line(node))


def _undeclared(nodes: list[Node], scopes: Scopes) -> Iterator[Place]:
    declared = {name for node in nodes if node.type in SCOPES for name in scopes.names(node)} | GLOBALS
    guarded = {
        text(node.child_by_field_name("argument"))
        for node in nodes
        if node.type == "unary_expression" and text(node.child_by_field_name("operator")) == "typeof"
    }
    for node in nodes:
        if node.type in VALUES and text(node) not in declared | guarded and _is_value(node):
            yield Place(text(node), _line(node))


def _is_value(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type not in (
        "import_specifier", "export_specifier", "namespace_export", "required_parameter", "optional_parameter",
        "function_signature", "enum_declaration", "internal_module",
    )  # fmt: skip


def _variable(node: Node) -> Variable | None:
    if (
        node.type not in ("member_expression", "subscript_expression")
        or text(node.child_by_field_name("object")) != "__ENV"
    ):
        return None
    key = node.child_by_field_name("property")
    if key is None:
        key = node.child_by_field_name("index")
        name = _literal(key)
    else:
        name = text(key)
    if not name:
        return None
    return Variable(name, _line(node), _default(node))


def _default(node: Node) -> str | None:
    parent = node.parent
    if parent is None or parent.type != "binary_expression" or parent.child_by_field_name("left") != node:
        return None
    right = parent.child_by_field_name("right")
    return _literal(right) or text(right) if text(parent.child_by_field_name("operator")) in ("||", "??") else None


def _imports(nodes: list[Node]) -> Iterator[Place]:
    for node in nodes:
        if node.type in ("import_statement", "export_statement"):
            source = node.child_by_field_name("source")
            if source is not None:
                yield Place(_literal(source), _line(node))
    yield from _calls(nodes, "require")


def _calls(nodes: list[Node], name: str) -> Iterator[Place]:
    """The literal first argument of calls of a global function."""
    for node in nodes:
        if node.type == "call_expression" and text(node.child_by_field_name("function")) == name:
            arguments = node.child_by_field_name("arguments")
            value = _literal(first(arguments)) if arguments is not None else ""
            if value:
                yield Place(value, _line(node))


def _only_true(nodes: list[Node], scopes: Scopes) -> Iterator[Place]:
    for node in nodes:
        if node.type != "new_expression" or text(node.child_by_field_name("constructor")) != "Rate":
            continue
        declarator, arguments = node.parent, node.child_by_field_name("arguments")
        if declarator is None or declarator.type != "variable_declarator" or arguments is None:
            continue
        name = declarator.child_by_field_name("name")
        binding = scopes.lookup(text(name), node)
        added = [_added(use) for use in scopes.uses(binding)] if binding is not None else []
        metric = _literal(first(arguments))
        if metric and added and all(value in TRUTHY for value in added):
            yield Place(metric, _line(node))


def _added(use: Node) -> str:
    """The argument of `RATE.add(…)`; nothing for other uses."""
    member = use.parent
    call = member.parent if member is not None else None
    if member is None or call is None or call.type != "call_expression":
        return ""
    if text(member.child_by_field_name("property")) != "add":
        return ""
    arguments = call.child_by_field_name("arguments")
    return text(first(arguments)) if arguments is not None else ""


def _literal(node: Node | None) -> str:
    """The text of a string, of a template up to its first value."""
    if node is None or node.type not in STRINGS:
        return ""
    return text(node)[1:-1].partition("${")[0]


def _line(node: Node) -> int:
    return node.start_point[0] + 1
