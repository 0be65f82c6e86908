"""One Rust function body in; calls, bindings, scopes, awaits and exits out, as `model/code.py` describes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from tree_sitter import Node

from slowpath.extract.code_plain import plain
from slowpath.extract.code_select import as_statements
from slowpath.extract.code_uses import note_uses
from slowpath.extract.parsing import parse_part
from slowpath.model.code import (
    AWAITED,
    CHAIN_AWAITED,
    MAX_SQL,
    STATEMENT,
    TRIED,
    Call,
    Exit,
    Local,
    Scope,
    is_literal,
)
from slowpath.model.finding import Span

LIFETIME = re.compile(r"'\w+\s*,?\s*")
COMMENT = re.compile(r"//[^\n]*\n?|/\*.*?\*/", re.S)
TURBOFISH = re.compile(r"::<.*?>(?=::|$)", re.S)

PER_ELEMENT = frozenset(
    "map for_each filter filter_map flat_map find find_map any all fold try_fold try_for_each inspect partition "
    "position take_while skip_while map_while max_by_key min_by_key sort_by_key retain then and_then or_else "
    "map_or map_or_else is_some_and is_ok_and for_each_concurrent try_for_each_concurrent then_with scan "
    "group_by".split()
)
"""Methods that hand their closure what the receiver holds: an element, or the value of an Option or Result."""

FUTURE_MACROS = frozenset(["join", "try_join", "select", "select_biased"])
SKIPPED_MACROS = frozenset(
    ["lazy_static", "thread_local", "macro_rules", "concat", "stringify", "include_str", "matches"]
)
PLAIN_MACROS = frozenset(
    "vec format print println eprint eprintln write writeln panic assert assert_eq assert_ne debug_assert dbg todo "
    "bail ensure anyhow json trace debug info warn error log event span matches unreachable try_join join select "
    "params hashmap doc sql_query".split()
)
"""Macros that evaluate their arguments where they stand; any other's are a scope of their own, named after it."""
STATEMENTS = frozenset("query query_as query_scalar query_unchecked query_as_unchecked query_scalar_unchecked".split())
"""Macros around a statement in SQL, which need not be their first argument."""
SCOPES = {"stream": "async", "try_stream": "async"}
"""Macros whose arguments are a body of async code."""
ITEMS = frozenset(
    "function_item impl_item trait_item struct_item enum_item type_item use_declaration mod_item macro_definition "
    "const_item static_item".split()
)
FUNCTION_PATHS = frozenset(["identifier", "scoped_identifier", "generic_function"])
KEYWORDS = frozenset(["self", "super", "crate"])
MAX_TEXT = 60
ODD = frozenset("#|~$-")
MAX_OPERAND = 400
MAX_NESTING = 120
"""Expressions inside expressions (a chain of methods counts as one): what is deeper is passed over."""
MAX_MACROS = 8
"""Macros inside macros: the arguments of each are parsed again."""
CAPTURES = re.compile(rb"\A\s*\([^()]*\)\s*(?=move\b)")
"""What a macro like `enclose!((x) move || ..)` clones for its closure."""
MISS = re.compile(r"\s*(Err\b|None\b)")
"""The pattern of an arm for what went wrong, or is not there."""
ERROR = re.compile(r"^\s*Err\b|\blet\s+Err\b|\.is_err\(\)")
FAILURE = re.compile(r"\blet\s+Err\b|\.is_(err|none)\(\)")
MAX_HEAD = 200
"""Of a longer pattern or condition only the beginning is looked at."""
QUOTE = re.compile(r'^[bc]?r?#*"')
QUOTED = re.compile(r'(?:[^"\\]|\\.)*', re.S)
"""What a string that is not raw holds."""


def squeeze(text: str) -> str:
    """A type, path or attribute without comments, lifetimes and needless white space."""
    if "/" in text:
        text = COMMENT.sub("", text)
    if "'" in text:
        text = LIFETIME.sub("", text).replace("<>", "")
    return (
        " ".join(text.split())
        .replace(" ::", "::")
        .replace(":: ", "::")
        .replace(" <", "<")
        .replace("< ", "<")
        .replace(" >", ">")
        .replace(", ", ",")
    )


def cut(text: str) -> str:
    """What a string literal at the head of a text holds, as far as it is kept."""
    opening = QUOTE.match(text)
    if opening is None:
        return text[:MAX_TEXT]
    inside = text[opening.end() :]
    if not STATEMENT.match(inside):
        return inside[:MAX_TEXT].rstrip('"#')
    if "r" not in opening[0]:
        held = QUOTED.match(inside[: 2 * MAX_SQL])
        return held[0].replace('\\"', '"')[:MAX_SQL] if held is not None else ""
    return inside[:MAX_SQL].split('"' + "#" * opening[0].count("#"), 1)[0]


def wider(*operands: str) -> str:
    """What branches yield: a value rather than a list that one of them writes out."""
    known = [operand for operand in operands if operand]
    return next((operand for operand in known if not is_literal(operand)), known[0] if known else "")


class Body:
    """Reads one function. Offsets are shifted where the text is a snippet of a larger file."""

    def __init__(self, source: bytes, shift: int = 0) -> None:
        self.source = source
        self.shift = shift
        self.calls: list[Call] = []
        self.locals: list[Local] = []
        self.scopes: list[Scope] = []
        self.awaits: list[tuple[int, int, int]] = []
        self.exits: list[Exit] = []
        self.mutable: list[str] = []
        self.items: list[tuple[Node, bytes, int]] = []
        """Items in the body, each with its text and shift."""
        self.nesting = 0
        self.macros = 0
        self.failing = 0
        """Branches around that are taken where something went wrong, or is not there."""
        self.fed: dict[int, list[Local]] = {}
        """Closure scope → what its parameters bind."""
        self.bound: set[str] = set()
        """Names of parameters and bindings met so far: as arguments they are no functions."""

    def text(self, node: Node | None) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else ""

    def function(self, body: Node, params: Iterable[str] = ()) -> None:
        """The body block of a function."""
        self.bound.update(params)
        self.scopes.append(Scope("body", -1, body.start_byte + self.shift, body.end_byte + self.shift))
        self.scopes[0].result = self.statements(body, 0)
        note_uses(body, self.source, self.shift, self.calls, self.locals, self.scopes)

    def initialiser(self, value: Node) -> str:
        """The initialiser of a const or static; its operand."""
        self.scopes.append(Scope("body", -1, value.start_byte + self.shift, value.end_byte + self.shift))
        return self.expression(value, 0)

    def open(self, kind: str, node: Node, parent: int, subject: str = "") -> int:
        start, end = node.start_byte + self.shift, node.end_byte + self.shift
        self.scopes.append(Scope(kind, parent, start, end, subject))
        return len(self.scopes) - 1

    def statements(self, block: Node, scope: int) -> str:
        """Every statement of a block; the operand of its tail expression."""
        tail = ""
        for node in block.named_children:
            kind = node.type
            tail = ""
            if kind == "let_declaration":
                self.let(node, scope)
            elif kind == "expression_statement":
                inner = node.named_children
                value = self.expression(inner[0], scope) if inner else ""
                tail = value if node.children[-1].type != ";" else ""
            elif kind in ITEMS:
                self.items.append((node, self.source, self.shift))
            elif kind not in ("line_comment", "block_comment", "attribute_item"):
                tail = self.expression(node, scope)
        return tail

    def let(self, node: Node, scope: int) -> None:
        value = node.child_by_field_name("value")
        init = self.expression(value, scope) if value is not None else ""
        pattern = node.child_by_field_name("pattern")
        declared = node.child_by_field_name("type")
        if pattern is not None:
            self.bind(pattern, init, squeeze(self.text(declared)) if declared else "", scope, node.end_byte)
            if pattern.type == "identifier" and node.child_count > 1 and node.children[1].type == "mutable_specifier":
                self.mutable.append(self.text(pattern))
        alternative = node.child_by_field_name("alternative")
        if alternative is not None:
            self.failing += 1
            self.expression(alternative, scope)
            self.failing -= 1

    def bind(self, pattern: Node, init: str, declared: str, scope: int, at: int = 0) -> None:
        """The names that a pattern binds, each with the operand that its value comes from."""
        if self.nesting < MAX_NESTING:
            self.nesting += 1
            known = init if len(init) < MAX_OPERAND else ""
            self.bind_names(pattern, pattern.type, known, declared, scope, at or pattern.end_byte)
            self.nesting -= 1

    def bind_names(self, pattern: Node, kind: str, init: str, declared: str, scope: int, at: int) -> None:
        if kind in ("identifier", "shorthand_field_identifier"):
            bound = self.text(pattern)
            self.bound.add(bound)
            self.locals.append(Local(bound, scope, at + self.shift, declared, init))
        elif kind in ("mut_pattern", "ref_pattern", "reference_pattern", "captured_pattern", "match_pattern"):
            for child in pattern.named_children[:1] if kind == "match_pattern" else pattern.named_children:
                if child.type != "mutable_specifier":
                    self.bind(child, init, declared, scope, at)
                elif kind == "mut_pattern":
                    self.mutable.append(self.text(pattern.named_children[-1]))
        elif kind == "tuple_pattern":
            for index, child in enumerate(pattern.named_children):
                self.bind(child, f"{init}.{index}" if init else "", "", scope, at)
        elif kind == "tuple_struct_pattern":
            variant = self.text(pattern.child_by_field_name("type"))
            for index, child in enumerate(pattern.named_children[1:]):
                payload = f"={variant}#{index}" if "::" in variant else ""
                self.bind(child, f"{init}?" if init and variant != "Err" else "", payload, scope, at)
        elif kind == "struct_pattern":
            for child in pattern.named_children[1:]:
                if child.type == "field_pattern":
                    name = child.child_by_field_name("name")
                    inner = child.child_by_field_name("pattern") or name
                    if inner is not None:
                        self.bind(inner, f"{init}.{self.text(name)}" if init else "", "", scope, at)
        elif kind in ("slice_pattern", "or_pattern"):
            for child in pattern.named_children:
                self.bind(child, f"{init}[]" if init and kind == "slice_pattern" else init, "", scope, at)

    def expression(self, node: Node, scope: int) -> str:
        """Visit an expression; the operand of its value."""
        handler = HANDLERS.get(node.type)
        if handler is None:
            self.parts(node, scope)
            return ""
        if self.nesting >= MAX_NESTING:
            return ""
        self.nesting += 1
        operand = self.chain(node, scope) if node.type in LINKS else handler(self, node, scope)
        self.nesting -= 1
        return operand

    def parts(self, node: Node, scope: int) -> None:
        """Visit what stands in an expression whose own value does not matter."""
        stack = node.named_children[::-1]
        while stack:
            part = stack.pop()
            if part.type in HANDLERS:
                self.expression(part, scope)
            else:
                stack += part.named_children[::-1]

    def chain(self, node: Node, scope: int) -> str:
        """`a.b()?.c().await`: the value at its head, then link by link."""
        links = []
        while (below := value_below(node)) is not None:
            links.append(node)
            node = below
        handler = HANDLERS.get(node.type)
        operand = handler(self, node, scope) if handler is not None else self.expression(node, scope)
        for link in reversed(links):
            operand = LINKS[link.type](self, link, scope, operand if len(operand) < MAX_OPERAND else "")
        return operand

    def path(self, node: Node, scope: int) -> str:
        text = self.text(node)
        if "<" in text:
            text = TURBOFISH.sub("", squeeze(text))
        return text if " " not in text and "\n" not in text else squeeze(text)

    def name(self, node: Node, scope: int) -> str:
        """A path as an operand; nothing where its text would be read as another kind of operand."""
        text = self.path(node, scope)
        return text if text != "L" and text[:1] not in ODD else ""

    def field(self, node: Node, scope: int, base: str) -> str:
        return f"{base}.{self.text(node.child_by_field_name('field'))}" if base else ""

    def call(self, node: Node, scope: int) -> str:
        """A call of a path, or of a value."""
        function, generic = self.called(node)
        if function is None:
            self.parts(node, scope)
            return ""
        receiver, place = "-", function
        if function.type in ("identifier", "scoped_identifier", "self"):
            name = self.path(function, scope)
            last = function.child_by_field_name("name")
            place = last if last is not None and "\n" in name else function
        else:
            receiver, name = self.expression(function, scope), "()"
        return self.with_arguments(node, scope, name, receiver, place, generic)

    def method(self, node: Node, scope: int, receiver: str) -> str:
        """A call of a method, whose receiver is read already."""
        function, generic = self.called(node)
        assert function is not None
        place = function.child_by_field_name("field") or function
        return self.with_arguments(node, scope, self.text(place), receiver, place, generic)

    def called(self, node: Node) -> tuple[Node | None, str]:
        """What a call calls, and its turbofish."""
        function = node.child_by_field_name("function")
        if function is None or function.type != "generic_function":
            return function, ""
        generic = squeeze(self.text(function.child_by_field_name("type_arguments")))
        return function.child_by_field_name("function") or function, generic

    def with_arguments(self, node: Node, scope: int, name: str, receiver: str, place: Node, generic: str) -> str:
        arguments = node.child_by_field_name("arguments")
        args = tuple(
            self.argument(arg, scope)
            for arg in (arguments.named_children if arguments is not None else ())
            if not arg.type.endswith("comment")
        )
        return self.add(
            Call(name, receiver, args, place.start_byte, place.end_byte, node.start_byte, scope, 0, generic)
        )

    def argument(self, node: Node, scope: int) -> str:
        """An argument; a function given by its path is read as a closure that calls it."""
        if node.type not in FUNCTION_PATHS:
            return self.expression(node, scope)
        path = node.child_by_field_name("function") if node.type == "generic_function" else node
        text = self.path(path or node, scope)
        last = text[text.rfind(":") + 1 :]
        if text in self.bound or not last[:1].islower() or last in KEYWORDS:
            return self.expression(node, scope)
        index = self.open("closure", node, scope, text)
        call = Call(text, "-", ("",), node.start_byte, node.end_byte, node.start_byte, index)
        self.scopes[index].result = self.add(call)
        return f"|{index}"

    def add(self, call: Call) -> str:
        call.start += self.shift
        call.end += self.shift
        call.head += self.shift
        if call.name in PER_ELEMENT and call.receiver not in ("-", ""):
            self.feed(call)
        self.calls.append(call)
        return f"#{len(self.calls) - 1}"

    def feed(self, call: Call) -> None:
        """What the receiver holds goes into the closure's first parameter (the last one for a fold)."""
        for arg in call.args:
            if arg.startswith("|") and arg[1:].isdigit():
                element = f"{call.receiver}[]"
                for local in self.fed.get(int(arg[1:]), ()):
                    if local.init.startswith("|"):
                        local.init = local.init.replace("|", element, 1)

    def await_(self, node: Node, scope: int, operand: str = "") -> str:
        self.awaits.append((node.start_byte + self.shift, node.end_byte + self.shift, scope))
        self.mark(operand, AWAITED)
        return operand

    def mark(self, operand: str, flag: int) -> None:
        """Flag the call that an operand stands for, and those further down its own chain."""
        while operand.startswith("#"):
            digits = operand[1:].split(".", 1)[0].rstrip("?[]")
            if not digits.isdigit():
                return
            call = self.calls[int(digits)]
            if call.flags & CHAIN_AWAITED:
                call.flags |= flag if operand == f"#{digits}" else 0
                return
            call.flags |= flag if operand == f"#{digits}" else CHAIN_AWAITED
            flag, operand = CHAIN_AWAITED, call.receiver

    def try_(self, node: Node, scope: int, operand: str = "") -> str:
        if operand.startswith("#") and operand[1:].isdigit():
            self.calls[int(operand[1:])].flags |= TRIED
        return f"{operand}?" if operand else ""

    def inner(self, node: Node, scope: int) -> str:
        """Parentheses, references: the value is that of the last child."""
        operand = ""
        for child in node.named_children:
            if child.type != "mutable_specifier":
                operand = self.expression(child, scope)
        return operand

    def unary(self, node: Node, scope: int) -> str:
        operand = self.inner(node, scope)
        if node.children[0].type != "*":
            return ""
        return f"{operand}*" if operand.startswith("#") else operand

    def closure(self, node: Node, scope: int) -> str:
        index = self.open("closure", node, scope)
        before = len(self.locals)
        parameters = node.child_by_field_name("parameters")
        for number, child in enumerate(parameters.named_children if parameters is not None else ()):
            declared = ""
            if child.type == "parameter":
                declared = squeeze(self.text(child.child_by_field_name("type")))
                child = child.child_by_field_name("pattern") or child
            self.bind(child, "" if number else "|", declared, index)
        self.fed[index] = self.locals[before:]
        body = node.child_by_field_name("body")
        if body is not None:
            self.scopes[index].result = self.expression(body, index)
            self.scopes[index].plain = plain(node)
        return f"|{index}"

    def async_block(self, node: Node, scope: int) -> str:
        index = self.open("async", node, scope)
        for child in node.named_children:
            if child.type == "block":
                self.scopes[index].result = self.statements(child, index)
        return f"~{index}"

    def block(self, node: Node, scope: int) -> str:
        index = self.open("block", node, scope)
        self.scopes[index].result = self.statements(node, index)
        return self.scopes[index].result

    def wrapped_block(self, node: Node, scope: int) -> str:
        operand = ""
        for child in node.named_children:
            operand = self.expression(child, scope)
        return operand

    def branch(self, node: Node, scope: int) -> str:
        index = self.open("if", node, scope)
        condition = node.child_by_field_name("condition")
        if condition is not None:
            self.condition(condition, index)
        consequence, alternative = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
        asked = self.text(condition)[:MAX_HEAD]
        failing = FAILURE.search(asked) is not None
        self.scopes[index].failing = ERROR.search(asked) is not None
        self.failing += failing
        result = self.expression(consequence, index) if consequence is not None else ""
        self.failing -= failing
        self.scopes[index].end = (consequence or node).end_byte + self.shift
        other = ""
        if alternative is not None:
            otherwise = self.open("else", alternative, scope)
            other = self.wrapped_block(alternative, otherwise)
        return wider(result, other)

    def condition(self, node: Node, scope: int) -> None:
        """A condition; what `let` patterns in it bind is visible in `scope`."""
        if node.type == "let_condition":
            value, pattern = node.child_by_field_name("value"), node.child_by_field_name("pattern")
            subject = self.expression(value, scope) if value is not None else ""
            self.scopes[scope].subject = subject
            if pattern is not None:
                self.bind(pattern, subject, "", scope)
        elif node.type in ("let_chain", "binary_expression", "parenthesized_expression"):
            for child in node.named_children:
                self.condition(child, scope)
        else:
            self.expression(node, scope)

    def match(self, node: Node, scope: int) -> str:
        value, body = node.child_by_field_name("value"), node.child_by_field_name("body")
        index = self.open("match", node, scope)
        subject = self.expression(value, index) if value is not None else ""
        self.scopes[index].subject = subject
        results = []
        for arm in body.named_children if body is not None else ():
            if arm.type == "match_arm":
                inner = self.open("arm", arm, index)
                pattern, result = arm.child_by_field_name("pattern"), arm.child_by_field_name("value")
                bound = len(self.locals)
                if pattern is not None:
                    self.bind(pattern, subject, "", inner)
                names = {local.name: local.init for local in self.locals[bound:]}
                if pattern is not None:
                    guard = pattern.child_by_field_name("condition")
                    if guard is not None:
                        self.condition(guard, inner)
                shape = self.text(pattern)[:MAX_HEAD]
                failing = MISS.match(shape) is not None
                self.scopes[inner].failing = ERROR.search(shape) is not None
                self.failing += failing
                operand = self.expression(result, inner) if result is not None else ""
                self.failing -= failing
                if operand and result is not None and result.type not in ("return_expression", "break_expression"):
                    results.append(names.get(operand, operand))
        return wider(*results)

    def for_(self, node: Node, scope: int) -> str:
        value, pattern, body = (node.child_by_field_name(name) for name in ("value", "pattern", "body"))
        subject = self.expression(value, scope) if value is not None else ""
        index = self.open("for", node, scope, subject)
        if pattern is not None:
            self.bind(pattern, f"{subject}[]" if subject else "", "", index)
        if body is not None:
            self.statements(body, index)
        return ""

    def while_(self, node: Node, scope: int) -> str:
        index = self.open("while", node, scope)
        condition, body = node.child_by_field_name("condition"), node.child_by_field_name("body")
        if condition is not None:
            self.condition(condition, index)
        if body is not None:
            self.statements(body, index)
        return ""

    def loop(self, node: Node, scope: int) -> str:
        index = self.open("loop", node, scope)
        body = node.child_by_field_name("body")
        if body is not None:
            self.statements(body, index)
        return ""

    def exit(self, node: Node, scope: int) -> str:
        kind = node.type.removesuffix("_expression")
        value = ""
        if self.failing and kind != "continue":
            kind = "fail"
        for child in node.named_children:
            if self.source[child.start_byte : child.start_byte + 4] == b"Err(":
                kind = "fail"
            value = self.expression(child, scope)
        self.exits.append(Exit(kind, node.start_byte + self.shift, scope, node.end_byte + self.shift, value))
        return ""

    def struct(self, node: Node, scope: int) -> str:
        body = node.child_by_field_name("body")
        if body is not None:
            self.expression(body, scope)
        return f"{self.path(node.child_by_field_name('name') or node, scope)}{{}}"

    def string(self, node: Node, scope: int) -> str:
        return '"' + cut(self.text(node))

    def literal(self, node: Node, scope: int) -> str:
        return "L"

    def array(self, node: Node, scope: int) -> str:
        elements = [
            self.expression(child, scope) for child in node.named_children if not child.type.endswith("comment")
        ]
        if any(child.type == ";" for child in node.children):
            return ""
        literal = all(is_literal(element) for element in elements)
        return f"L[{len(elements)}{'=' if literal else ''}"

    def tuple_(self, node: Node, scope: int) -> str:
        for child in node.named_children:
            self.expression(child, scope)
        return ""

    def range_(self, node: Node, scope: int) -> str:
        ends = [self.expression(child, scope) for child in node.named_children]
        return "L.." if len(ends) == 2 and all(end == "L" for end in ends) else ".."

    def index(self, node: Node, scope: int) -> str:
        operands = [self.expression(child, scope) for child in node.named_children]
        return f"{operands[0]}[]" if operands and operands[0] else ""

    def cast(self, node: Node, scope: int) -> str:
        value = node.child_by_field_name("value")
        if value is not None:
            self.expression(value, scope)
        return ""

    def macro(self, node: Node, scope: int) -> str:
        name = self.text(node.child_by_field_name("macro"))
        short = name.rsplit("::", 1)[-1]
        tokens = node.named_children[-1] if node.named_children else node
        start, stop = tokens.start_byte + 1, tokens.end_byte - 1
        inside = self.source[start:stop]
        args: tuple[str, ...] = ()
        opened, inner = len(self.scopes), -1
        if self.macros >= MAX_MACROS:
            inside = b""
        elif short not in SKIPPED_MACROS and (
            b"(" in inside or b"!" in inside or short in STATEMENTS or (short == "vec" and len(inside) < 2000)
        ):
            inner = scope if short in PLAIN_MACROS else self.open(SCOPES.get(short, "macro"), tokens, scope, short)
            args = self.snippet(inside, start, inner, short)
        elif inside.lstrip()[:1] in (b'"', b"r"):
            args = ('"' + cut(inside.decode("utf-8", "replace").strip()),)
        place = node.child_by_field_name("macro") or node
        if short in FUTURE_MACROS:
            self.awaits.append((node.end_byte + self.shift, node.end_byte + self.shift, scope))
        given = self.only_closure(opened, inner) if inner >= 0 and short not in PLAIN_MACROS else ""
        args = () if given else args
        operand = self.add(Call(f"{name}!", "-", args, place.start_byte, place.end_byte, node.start_byte, scope))
        if given:
            return given
        return f"L[{len(args)}" if short == "vec" and b";" not in inside and args else operand

    def only_closure(self, opened: int, inner: int) -> str:
        """What a macro gives that is given one closure: `enclose!((x) move || ..)` is taken to be that closure."""
        own = [
            index
            for index in range(opened, len(self.scopes))
            if self.scopes[index].kind == "closure" and self.scopes[index].parent == inner
        ]
        return f"|{own[0]}" if len(own) == 1 and not self.scopes[own[0]].subject else ""

    def snippet(self, inside: bytes, start: int, scope: int, macro: str) -> tuple[str, ...]:
        """A macro's arguments read as those of a call; what is no expression is passed over by error recovery."""
        inside = CAPTURES.sub(lambda found: b" " * len(found[0]), inside)
        head, text = b"fn f(){m(", b"fn f(){m(" + inside + b");}"
        root = parse_part("rust", text).root_node
        bodies: list[Span] = []
        if macro in ("select", "select_biased"):
            arms, bodies = as_statements(inside)
            head, text = b"fn f(){", b"fn f(){" + arms + b"}"
            root = parse_part("rust", text).root_node
        elif root.has_error:
            braced = b"fn f(){{" + inside + b"}}"
            other = parse_part("rust", braced).root_node
            if not other.has_error or macro in FUTURE_MACROS:
                head, text, root = b"fn f(){{", braced, other
        reader = (self.source, self.shift)
        before, origin = len(self.calls), self.shift + start
        self.source, self.shift = text, self.shift + start - len(head)
        self.macros += 1
        args: tuple[str, ...] = ()
        function = root.named_children[0] if root.named_children else root
        body = function.child_by_field_name("body")
        if body is not None and head.endswith(b"(") and body.named_children:
            statement = body.named_children[0]
            call = statement.named_children[0] if statement.named_children else statement
            arguments = call.child_by_field_name("arguments") if call.type == "call_expression" else None
            if arguments is not None:
                args = tuple(
                    self.argument(a, scope) for a in arguments.named_children if not a.type.endswith("comment")
                )
            else:
                self.expression(statement, scope)
        elif body is not None:
            self.statements(body, scope)
        self.source, self.shift = reader
        self.macros -= 1
        if macro in FUTURE_MACROS:
            for arg in args:
                self.mark(arg, AWAITED)
            if not args:
                for call_ in self.calls[before:]:
                    at = call_.start - origin
                    if not any(first <= at < last for first, last in bodies):
                        call_.flags |= AWAITED
        return args


def value_below(node: Node) -> Node | None:
    """The value that a link of a chain is applied to."""
    kind = node.type
    if kind == "field_expression":
        return node.child_by_field_name("value")
    if kind in ("await_expression", "try_expression"):
        return node.named_children[0] if node.named_children else None
    if kind != "call_expression":
        return None
    function = node.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    is_method = function is not None and function.type == "field_expression"
    return function.child_by_field_name("value") if function is not None and is_method else None


LINKS: dict[str, Callable[[Body, Node, int, str], str]] = {
    "field_expression": Body.field,
    "call_expression": Body.method,
    "await_expression": Body.await_,
    "try_expression": Body.try_,
}
Handler = Callable[[Body, Node, int], str]
HANDLERS: dict[str, Handler] = {
    "identifier": Body.name,
    "self": Body.name,
    "scoped_identifier": Body.name,
    "generic_function": Body.name,
    "field_expression": lambda body, node, scope: "",
    "call_expression": Body.call,
    "await_expression": Body.await_,
    "try_expression": Body.try_,
    "reference_expression": Body.inner,
    "parenthesized_expression": Body.inner,
    "unary_expression": Body.unary,
    "closure_expression": Body.closure,
    "async_block": Body.async_block,
    "block": Body.block,
    "unsafe_block": Body.wrapped_block,
    "if_expression": Body.branch,
    "match_expression": Body.match,
    "for_expression": Body.for_,
    "while_expression": Body.while_,
    "loop_expression": Body.loop,
    "return_expression": Body.exit,
    "break_expression": Body.exit,
    "continue_expression": Body.exit,
    "struct_expression": Body.struct,
    "string_literal": Body.string,
    "raw_string_literal": Body.string,
    "integer_literal": Body.literal,
    "float_literal": Body.literal,
    "boolean_literal": Body.literal,
    "char_literal": Body.literal,
    "array_expression": Body.array,
    "tuple_expression": Body.tuple_,
    "range_expression": Body.range_,
    "index_expression": Body.index,
    "type_cast_expression": Body.cast,
    "macro_invocation": Body.macro,
}
for _kind in (
    "type_arguments",
    "type_identifier",
    "line_comment",
    "block_comment",
    "label",
    "lifetime",
    "attribute_item",
):
    HANDLERS[_kind] = lambda body, node, scope: ""
