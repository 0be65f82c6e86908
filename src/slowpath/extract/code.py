"""A Rust tree in, CodeFacts out: modules, uses, types, impls and functions; bodies are read by `code_body`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node, Tree

from slowpath.extract.code_body import Body, squeeze
from slowpath.extract.parsing import parse_part
from slowpath.model.code import CodeFacts, Constant, Fn, MacroUse, Mod, Owner, TypeDef, Use

QUIET_ATTRIBUTES = re.compile(
    r"^(doc|allow|warn|deny|expect|derive|must_use|inline|cold|serde|deprecated|clippy|rustfmt)\b"
)
TEST_ATTRIBUTE = re.compile(
    r"^((\w+::)*(test|rstest|test_case|bench|quickcheck|proptest|wasm_bindgen_test)\b|cfg\(.*\btest\b)"
)
NOT_TEST = re.compile(r"^cfg\(not\(test\)\)")
PATH_ATTRIBUTE = re.compile(r'^path\s*=\s*"([^"]+)"')
TARGETS = {"Deref": "Target", "Actor": "Context"}
"""Traits whose impls say by an associated type what they lead to."""
MAX_ITEMS = 24
"""Items inside items, and groups inside groups of a `use`: what is deeper is passed over."""
Generics = tuple[tuple[str, str], ...]


def extract(tree: Tree, source: bytes) -> CodeFacts:
    """The items and bodies of one file."""
    return Items(source).read(tree.root_node)


class Items:
    """Walks item lists. `shift` is added to every offset: macro bodies are parsed on their own."""

    def __init__(self, source: bytes, shift: int = 0, nesting: int = 0) -> None:
        self.source = source
        self.shift = shift
        self.facts = CodeFacts()
        self.variables: list[str] = []
        self.nesting = nesting

    def read(self, root: Node) -> CodeFacts:
        self.items(root, "", -1, False)
        return self.facts

    def text(self, node: Node | None) -> str:
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace") if node is not None else ""

    def items(self, parent: Node, module: str, owner: int, test: bool) -> None:
        """The items of a file, an inline module, an impl or a trait."""
        attributes: list[str] = []
        for node in parent.named_children:
            kind = node.type
            if kind == "attribute_item":
                attributes.append(squeeze(self.text(node)[2:-1].strip()))
                continue
            if kind in ("line_comment", "block_comment"):
                continue
            if kind == "inner_attribute_item":
                self.facts.test |= module == "" and bool(TEST_ATTRIBUTE.match(squeeze(self.text(node)[3:-1])))
                continue
            self.item(node, kind, module, owner, test or is_test(attributes), attributes)
            attributes = []

    def item(self, node: Node, kind: str, module: str, owner: int, test: bool, attributes: list[str]) -> None:
        if self.nesting < MAX_ITEMS:
            self.nesting += 1
            self.item_of(node, kind, module, owner, test, attributes)
            self.nesting -= 1

    def item_of(self, node: Node, kind: str, module: str, owner: int, test: bool, attributes: list[str]) -> None:
        if kind in ("function_item", "function_signature_item"):
            self.function(node, module, owner, test, attributes)
        elif kind == "impl_item":
            self.impl(node, module, test, attributes)
        elif kind == "trait_item":
            self.trait(node, module, test)
        elif kind in ("struct_item", "enum_item", "union_item", "type_item"):
            self.type_definition(node, kind, module)
        elif kind == "use_declaration":
            self.use(node, module, -1)
        elif kind == "mod_item":
            self.mod(node, module, test, attributes)
        elif kind in ("const_item", "static_item"):
            self.constant(node, module)
        elif kind == "macro_definition":
            self.macro_definition(node, module, test)
        elif kind == "macro_invocation":
            self.macro_use(node, module, owner)
        elif (
            kind == "expression_statement" and node.named_children and node.named_children[0].type == "macro_invocation"
        ):
            self.macro_use(node.named_children[0], module, owner)
        elif kind == "extern_crate_declaration":
            name = self.text(node.child_by_field_name("name"))
            alias = self.text(node.child_by_field_name("alias")) or name
            self.facts.uses.append(Use(f"::{name}", alias, module, -1, False))
        elif kind == "foreign_mod_item":
            return

    def function(self, node: Node, module: str, owner: int, test: bool, attributes: list[str], macro: str = "") -> None:
        """A function; nothing is asked of the bodies of tests."""
        name = node.child_by_field_name("name")
        if name is None:
            return
        modifiers = [child for child in node.children if child.type in ("function_modifiers", "visibility_modifier")]
        is_async = any("async" in self.text(child).split() for child in modifiers)
        body_node = node.child_by_field_name("body")
        generics = self.generics(node)
        body = Body(self.source, self.shift)
        params = self.params(node.child_by_field_name("parameters"), body)
        index = len(self.facts.fns)
        fn = Fn(
            name=self.text(name),
            module=module,
            owner=owner,
            start=name.start_byte + self.shift,
            end=name.end_byte + self.shift,
            stop=node.end_byte + self.shift,
            is_async=is_async,
            test=test,
            public=any(child.type == "visibility_modifier" for child in modifiers),
            attributes=tuple(a for a in attributes if not QUIET_ATTRIBUTES.match(a)),
            generics=generics,
            params=params,
            returns=squeeze(self.text(node.child_by_field_name("return_type"))),
            macro=macro,
            mut_self="&mut self" in squeeze(self.text(node.child_by_field_name("parameters"))[:40]),
        )
        self.facts.fns.append(fn)
        if body_node is not None and not test:
            body.function(body_node, (name for name, _ in params))
            fn.calls, fn.locals, fn.scopes = body.calls, body.locals, body.scopes
            fn.awaits, fn.exits = body.awaits, body.exits
            fn.mutable = tuple(body.mutable)
            for inner, source, shift in body.items:
                reader = (self.source, self.shift)
                self.source, self.shift = source, shift
                self.inner(inner, index, module, test)
                self.source, self.shift = reader
        else:
            fn.locals = body.locals

    def inner(self, node: Node, function: int, module: str, test: bool) -> None:
        """An item inside a body: uses bind there, functions and impls are as good as the module's."""
        if node.type == "use_declaration":
            self.use(node, module, function)
        elif node.type not in ("const_item", "static_item", "macro_invocation"):
            self.item(node, node.type, module, -1, test, [])
        elif node.type != "macro_invocation":
            self.constant(node, module)

    def params(self, node: Node | None, body: Body) -> tuple[tuple[str, str], ...]:
        params: list[tuple[str, str]] = []
        for child in node.named_children if node is not None else ():
            if child.type == "self_parameter":
                params.append(("self", "Self"))
            elif child.type == "parameter":
                pattern, annotation = child.child_by_field_name("pattern"), child.child_by_field_name("type")
                declared = squeeze(self.text(annotation))
                if pattern is not None and child.children[0].type == "mutable_specifier":
                    body.mutable.append(self.text(pattern))
                if pattern is not None and pattern.type == "self":
                    params.append(("self", "Self"))
                elif pattern is not None and pattern.type in ("identifier", "mut_pattern"):
                    params.append(
                        (self.text(pattern.named_children[-1] if pattern.type == "mut_pattern" else pattern), declared)
                    )
                else:
                    if pattern is not None:
                        body.bind(pattern, f"${len(params)}", "", 0)
                    params.append(("", declared))
        return tuple(params)

    def generics(self, node: Node) -> Generics:
        bounds: list[tuple[str, str]] = []
        parameters = node.child_by_field_name("type_parameters")
        for child in parameters.named_children if parameters is not None else ():
            name = child.child_by_field_name("name") or child.child_by_field_name("left")
            if child.type in ("type_parameter", "constrained_type_parameter", "type_identifier"):
                bound = squeeze(self.text(child.child_by_field_name("bounds"))).lstrip(":")
                bounds.append((self.text(name or child), bound))
        for clause in node.children:
            if clause.type == "where_clause":
                for predicate in clause.named_children:
                    left, right = predicate.child_by_field_name("left"), predicate.child_by_field_name("bounds")
                    bounds.append((squeeze(self.text(left)), squeeze(self.text(right)).lstrip(":")))
        return tuple(bounds)

    def impl(self, node: Node, module: str, test: bool, attributes: list[str]) -> None:
        kind = squeeze(self.text(node.child_by_field_name("type")))
        trait = squeeze(self.text(node.child_by_field_name("trait")))
        marks = tuple(a for a in attributes if not QUIET_ATTRIBUTES.match(a))
        body = node.child_by_field_name("body")
        wanted = TARGETS.get(trait.rpartition("::")[2], "")
        target = self.target(body, wanted) if body is not None and wanted else ""
        self.facts.owners.append(Owner("impl", kind, trait, module, self.generics(node), test, marks, target))
        if body is not None:
            self.items(body, module, len(self.facts.owners) - 1, test)

    def target(self, body: Node, name: str) -> str:
        """The `type Target = ..;` of an impl."""
        for child in body.named_children:
            if child.type == "type_item" and self.text(child.child_by_field_name("name")) == name:
                return squeeze(self.text(child.child_by_field_name("type")))
        return ""

    def trait(self, node: Node, module: str, test: bool) -> None:
        name = self.text(node.child_by_field_name("name"))
        above = squeeze(self.text(node.child_by_field_name("bounds"))).lstrip(":")
        self.facts.owners.append(Owner("trait", name, above, module, self.generics(node), test))
        body = node.child_by_field_name("body")
        if body is not None:
            self.items(body, module, len(self.facts.owners) - 1, test)

    def type_definition(self, node: Node, kind: str, module: str) -> None:
        name = self.text(node.child_by_field_name("name"))
        generics = tuple(name for name, _ in self.generics(node))
        if kind == "type_item":
            fields = [("=", squeeze(self.text(node.child_by_field_name("type"))))]
        else:
            fields = list(self.fields(node.child_by_field_name("body")))
        self.facts.types.append(TypeDef(kind.removesuffix("_item"), name, module, tuple(fields), generics))

    def fields(self, body: Node | None) -> Iterator[tuple[str, str]]:
        if body is None:
            return
        position = 0
        for child in body.named_children:
            if child.type == "field_declaration":
                yield (
                    self.text(child.child_by_field_name("name")),
                    squeeze(self.text(child.child_by_field_name("type"))),
                )
            elif child.type == "enum_variant":
                payload = child.child_by_field_name("body")
                inner = ",".join(kind for _, kind in self.fields(payload))
                yield self.text(child.child_by_field_name("name")), inner
            elif body.type == "ordered_field_declaration_list" and child.type not in NO_FIELD:
                yield str(position), squeeze(self.text(child))
                position += 1

    def mod(self, node: Node, module: str, test: bool, attributes: list[str]) -> None:
        name = self.text(node.child_by_field_name("name"))
        body = node.child_by_field_name("body")
        path = next((m[1] for a in attributes if (m := PATH_ATTRIBUTE.match(a))), "")
        self.facts.mods.append(Mod(name, module, path, body is not None, test))
        if body is not None:
            self.items(body, f"{module}::{name}" if module else name, -1, test)

    def constant(self, node: Node, module: str) -> None:
        value = node.child_by_field_name("value")
        name, kind = node.child_by_field_name("name"), node.child_by_field_name("type")
        init = ""
        if value is not None and name is not None:
            body = Body(self.source, self.shift)
            init = body.initialiser(value)
            if body.calls:
                self.initialiser(name, value, body, module)
        self.facts.constants.append(Constant(self.text(name), module, squeeze(self.text(kind)), init))

    def initialiser(self, name: Node, value: Node, body: Body, module: str) -> None:
        """What a static runs once, as a function marked `static`."""
        start, end, stop = (offset + self.shift for offset in (name.start_byte, name.end_byte, value.end_byte))
        fn = Fn(self.text(name), module, -1, start, end, stop, False, False, False, ("static",), (), (), "")
        fn.calls, fn.locals, fn.scopes, fn.exits = body.calls, body.locals, body.scopes, body.exits
        self.facts.fns.append(fn)

    def use(self, node: Node, module: str, function: int) -> None:
        public = any(child.type == "visibility_modifier" for child in node.children)
        argument = node.child_by_field_name("argument")
        for path, name in self.use_tree(argument, ""):
            self.facts.uses.append(Use(path, name, module, function, public))

    def use_tree(self, node: Node | None, prefix: str, depth: int = 0) -> Iterator[tuple[str, str]]:
        if node is None:
            return
        kind = node.type
        if kind == "use_as_clause":
            path = join(prefix, squeeze(self.text(node.child_by_field_name("path"))))
            yield path.removesuffix("::self"), self.text(node.child_by_field_name("alias"))
        elif kind == "use_wildcard":
            path = squeeze(self.text(node)).removesuffix("*").removesuffix("::")
            yield join(prefix, path) if path else prefix, "*"
        elif kind == "scoped_use_list":
            path = squeeze(self.text(node.child_by_field_name("path")))
            if depth < MAX_ITEMS:
                yield from self.use_tree(node.child_by_field_name("list"), join(prefix, path), depth + 1)
        elif kind == "use_list":
            for child in node.named_children:
                yield from self.use_tree(child, prefix, depth)
        elif kind in ("identifier", "scoped_identifier", "crate", "self", "super", "metavariable"):
            path = squeeze(self.text(node))
            if path == "self":
                yield prefix, prefix.rsplit("::", 1)[-1]
            else:
                yield join(prefix, path), path.rsplit("::", 1)[-1]

    def macro_use(self, node: Node, module: str, owner: int) -> None:
        name = self.text(node.child_by_field_name("macro"))
        tokens = next((child for child in node.children if child.type == "token_tree"), None)
        if name == "include":
            quoted = re.search(r'"([^"]+)"', self.text(tokens))
            if quoted:
                self.facts.includes.append((module, quoted[1]))
        elif name.rsplit("::", 1)[-1] in ("cfg_if", "cfg_select"):
            self.cfg_if(tokens, module)
        elif tokens is not None and name.rsplit("::", 1)[-1] in ("lazy_static", "thread_local"):
            self.snippet(tokens.start_byte + 1, tokens.end_byte - 1, module, -1, "", False)
        else:
            words = (
                tuple(part.strip() for part in squeeze(self.text(tokens)[1:-1]).split(","))[:4] if owner >= 0 else ()
            )
            self.facts.macro_uses.append(MacroUse(name.rsplit("::", 1)[-1], module, owner, words))

    def cfg_if(self, tokens: Node | None, module: str) -> None:
        """Items in the branches of `cfg_if!` or `cfg_select!`: all of them, since the configuration is not known."""
        for child in tokens.children if tokens is not None else ():
            if child.type == "token_tree" and self.source[child.start_byte : child.start_byte + 1] == b"{":
                self.snippet(child.start_byte + 1, child.end_byte - 1, module, -1, "", False)

    def macro_definition(self, node: Node, module: str, test: bool) -> None:
        """Functions in the arms of a `macro_rules!`: what its callers get, with `$name` read as a name."""
        name = self.text(node.child_by_field_name("name"))
        for rule in node.named_children:
            right = rule.child_by_field_name("right") if rule.type == "macro_rule" else None
            if right is not None:
                self.variables = METAVARIABLE.findall(self.text(rule.child_by_field_name("left")))
                self.snippet(right.start_byte + 1, right.end_byte - 1, module, -1, name, test)

    def snippet(self, start: int, stop: int, module: str, owner: int, macro: str, test: bool) -> None:
        text = STATIC_REF.sub(b"static    ", self.source[start:stop])
        if macro:
            text = plain(text)
        head = ARM_HEAD if macro and not ITEMS_START.match(text) and not PUBLIC_FN.search(text) else b""
        text = head + text + (b" }" if head else b"")
        nested = Items(text, start + self.shift - len(head), self.nesting)
        nested.variables = self.variables
        root = parse_part("rust", text).root_node
        if macro:
            nested.arm(root, module, macro, test)
        else:
            nested.items(root, module, owner, test)
        self.absorb(nested.facts)

    def arm(self, root: Node, module: str, macro: str, test: bool) -> None:
        """The functions of one arm, wherever they stand; an arm of expressions is one function of the macro's name."""
        stack = [root]
        while stack:
            node = stack.pop()
            if node.type == "function_item":
                name = self.text(node.child_by_field_name("name"))
                made = f"{macro}!" if name == ARM_NAME else macro
                if name[:1] == "_" and name[1:] in self.variables:
                    made = f"{macro}#{self.variables.index(name[1:])}"
                self.function(node, module, -1, test, [], macro=made)
            elif node.type != "token_tree":
                stack.extend(reversed(node.named_children))

    def absorb(self, other: CodeFacts) -> None:
        fns, owners = len(self.facts.fns), len(self.facts.owners)
        for fn in other.fns:
            fn.owner += owners if fn.owner >= 0 else 0
        for use in other.uses:
            use.function += fns if use.function >= 0 else 0
        for macro_use in other.macro_uses:
            macro_use.owner += owners if macro_use.owner >= 0 else 0
        for field in ("fns", "owners", "types", "uses", "mods", "constants", "macro_uses", "includes"):
            getattr(self.facts, field).extend(getattr(other, field))


NO_FIELD = ("attribute_item", "visibility_modifier", "line_comment", "block_comment")
ARM_NAME = "__arm"
ARM_HEAD = f"fn {ARM_NAME}() {{ ".encode()
METAVARIABLE = re.compile(r"\$(\w+)\s*:")
PUBLIC_FN = re.compile(rb"\bpub(\([^)]*\))?\s+(async\s+)?fn\b")
STATIC_REF = re.compile(rb"static ref\b")
REPETITION = re.compile(rb"\$\(|\)\s*[^\s\w()\[\]{}]?[*+?](?=[\s;)}\]]|$)")
ITEMS_START = re.compile(
    rb"^\s*(#\[[^\]]*\]\s*)*(pub\b|fn\b|async\s+fn\b|impl\b|struct\b|enum\b|mod\b|use\b|const\b|static\b|trait\b|unsafe\s+impl\b)"
)


def plain(text: bytes) -> bytes:
    """A macro arm as ordinary Rust of the same length: `$name` becomes `_name`, repetitions are their content once."""
    text = REPETITION.sub(lambda match: b" " * len(match[0]), text)
    return text.replace(b"$crate", b" crate").replace(b"$", b"_")


def is_test(attributes: list[str]) -> bool:
    """Compiled for tests only."""
    return any(TEST_ATTRIBUTE.match(attribute) and not NOT_TEST.match(attribute) for attribute in attributes)


def join(prefix: str, path: str) -> str:
    return f"{prefix}::{path}" if prefix and path else prefix or path
