"""`import()` and `require()` calls of one tree, with the wrapper that gets them; `import.meta.glob`; and route files
that a table names. Found in the bytes, then looked up in the tree."""

from __future__ import annotations

import re
from itertools import islice

from tree_sitter import Node

from slowpath.extract.import_uses import FUNCTIONS, above
from slowpath.extract.parsing import text
from slowpath.model.modules import Dynamic

CALL = re.compile(rb"\b(import|require)\s*\(")
GLOB = re.compile(rb"import\.meta\.glob(?:Eager)?(?:<[^()]{0,200}>)?\(")
MAX_GLOBS = 200
ROUTE_FILE = re.compile(rb"""['"](\.{0,2}[\w$./()+-]{1,200}\.[jt]sx?)['"]""")
ROUTE_TABLE = "route table"
MEMBER = re.compile(r"default\s*:\s*\w+\.(\w+)")
THROUGH = frozenset(["await_expression", "return_statement", "statement_block", "parenthesized_expression"])


def extract(root: Node, source: bytes) -> list[Dynamic]:
    """Every call with a literal argument, in source order."""
    found = []
    for match in CALL.finditer(source):
        node = root.descendant_for_byte_range(match.start(1), match.end(1))
        while node is not None and node.type in ("import", "identifier"):
            node = node.parent
        if node is not None and node.type == "call_expression" and node.start_byte == match.start(1):
            dynamic = _dynamic(node, match[1] == b"require")
            if dynamic is not None:
                found.append(dynamic)
    return found


def _dynamic(call: Node, required: bool) -> Dynamic | None:
    arguments = call.child_by_field_name("arguments")
    given = arguments.named_children if arguments is not None else []
    specifier = next((name for child in given if (name := _specifier(child))), "")
    if not specifier or _in_type(call):
        return None
    function = _enclosing(call)
    wrapper, bound, member = "", "", "default"
    thunk = None if required else _thunk(call)
    if thunk is not None:
        wrapper, bound = _wrapper(thunk)
        shown = MEMBER.search(text(thunk))
        member = shown[1] if shown else "default"
    return Dynamic(specifier, (call.start_byte, call.end_byte), wrapper, bound, member, required, function is None)


def _specifier(node: Node) -> str:
    """A string, or a relative template whose substitutions stand for any name."""
    if node.type == "string":
        return text(node)[1:-1]
    if node.type != "template_string":
        return ""
    pattern = "".join("*" if c.type == "template_substitution" else text(c) for c in node.named_children)
    return pattern if pattern.startswith(".") and pattern.strip("./*") else ""


def globs(root: Node, source: bytes) -> list[Dynamic]:
    """`import.meta.glob("./pages/*.tsx")`; `eager: true` imports the files statically, as a `require` would."""
    found = []
    for match in islice(GLOB.finditer(source), MAX_GLOBS):
        node = root.descendant_for_byte_range(match.start(), match.end() - 1)
        while node is not None and node.type != "call_expression":
            node = node.parent
        arguments = node.child_by_field_name("arguments") if node is not None else None
        if node is None or arguments is None or node.start_byte != match.start():
            continue
        span = (node.start_byte, node.end_byte)
        eager = b"eager" in source[arguments.start_byte : arguments.end_byte]
        first = arguments.named_children[0] if arguments.named_children else None
        patterns = first.named_children if first is not None and first.type == "array" else [first]
        found += [
            Dynamic(text(pattern)[1:-1], span, "", "", "*", eager, eager)
            for pattern in patterns
            if pattern is not None and pattern.type == "string" and text(pattern)[1:2] in (".", "/")
        ]
    return found


def route_files(root: Node, source: bytes) -> list[Dynamic]:
    """The modules of a `routes.ts` in React Router's framework mode: `route("login", "./login.tsx")`."""
    if b"@react-router/dev/routes" not in source:
        return []
    found = []
    for match in ROUTE_FILE.finditer(source):
        node = root.descendant_for_byte_range(match.start(1), match.end(1))
        if node is not None and node.type in ("string", "string_fragment"):
            found.append(Dynamic(match[1].decode("utf-8", "replace"), (match.start(1), match.end(1)), ROUTE_TABLE))
    return found


def _in_type(call: Node) -> bool:
    node = call.parent
    while node is not None and node.type in ("member_expression", "subscript_expression"):
        node = node.parent
    return node is not None and (node.type.startswith("type_") or node.type.endswith("_type"))


def _enclosing(node: Node) -> Node | None:
    return next((outer for outer in above(node) if outer.type in FUNCTIONS), None)


def _thunk(call: Node) -> Node | None:
    """The function whose result the import is: `() => import("x")`, also with `.then(…)` behind it."""
    for node in above(call):
        if node.type in FUNCTIONS:
            return node
        if node.type not in THROUGH and node.type not in ("member_expression", "call_expression"):
            return None
    return None


def _wrapper(thunk: Node) -> tuple[str, str]:
    """Who gets the thunk, and the variable that holds what comes of it."""
    parent = thunk.parent
    if parent is None or parent.type != "arguments" or parent.parent is None:
        named = parent.child_by_field_name("key" if parent.type == "pair" else "name") if parent is not None else None
        return (text(named), "") if parent is not None and parent.type == "pair" else ("", text(named))
    call = parent.parent
    wrapper = text(call.child_by_field_name("function"))
    node = call.parent
    while node is not None and node.type in ("arguments", "call_expression", "as_expression", "satisfies_expression"):
        node = node.parent
    bound = ""
    if node is not None and node.type == "variable_declarator":
        bound = text(node.child_by_field_name("name"))
    elif node is not None and node.type == "export_statement":
        bound = "default"
    return wrapper[:60], bound
