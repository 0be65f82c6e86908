"""One Rust tree in, DieselFacts out: `table!` declarations and the columns that queries compare, join and order by."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import NamedTuple

from msgspec.structs import replace
from tree_sitter import Node, Tree

from slowpath.extract import diesel_schema, sql_strings
from slowpath.extract.diesel_names import Scope
from slowpath.extract.diesel_query import VERBS, Draft, arguments, callee, read, span, unroll, with_role
from slowpath.extract.parsing import parse_part, text
from slowpath.model.diesel import MANDATORY, OPTIONAL, DieselFacts, Query, SqlFile
from slowpath.model.finding import Span

INTERESTING = re.compile(
    rb"\btable!|joinable!|embed_migrations!|table_name\s*=|belongs_to|_type\s*\(\s*name|postgres_type|\bsql_query\b|\bsqlx\b"
    rb"|\bquery(?:_as|_scalar|_file(?:_as|_scalar)?)?!|into_boxed|insert_into|belonging_to"
    rb"|\.(?:eq|eq_any|lt|le|gt|ge|between|is_null|inner_join|left_join|order|order_by)\s*\("
)
SIGNS = tuple(
    b"table! joinable! embed_migrations! .eq( .eq_any( .lt( .le( .gt( .ge( .between( .is_null( _join( .order( "
    b".order_by( into_boxed insert_into belonging_to sqlx sql_query query! query_as! query_scalar! query_file "
    b"table_name belongs_to _type(name postgres_type".split()
)
"""A file without any of these is not walked: looking for them costs a tenth of the pattern."""
TEST = re.compile(r"\bcfg\(\s*(?:all\()?\s*test\b|^#\[\s*(?:\w+::)*test\b")
FEATURE = re.compile(r'\bfeature\s*=\s*"([^"]*)"')
CONDITIONAL = frozenset(["if_expression", "match_arm", "else_clause", "for_expression", "while_expression"])
ITEMS = frozenset(
    ["function_item", "impl_item", "mod_item", "trait_item", "enum_item", "const_item", "static_item", "type_item"]
)
SQL_FILE = re.compile(r"(?:^|::)query_file(?:_as|_scalar)?(?:_unchecked)?$")
SQL_MACRO = re.compile(r"(?:^|::)query(?:_as|_scalar)?(?:_unchecked)?$")
CREATE = re.compile(
    rb"\bcreate\s+(?:temp\s+|temporary\s+|unlogged\s+|virtual\s+)?table\s+(?:if\s+not\s+exists\s+)?[\\\"\x60]*"
    rb"((?:\w+\.)?\w+)",
    re.I,
)
INSERT = re.compile(r"\bINSERT\s+(?:OR\s+\w+\s+)?INTO\s+(?:\w+\.)?[`\"]?(\w+)", re.I)
SQL_CALL = re.compile(r"(?:^|sqlx::|diesel::)(?:query_as|query_scalar|query|query_with|query_as_with|sql_query)$")

MACRO_DEPTH = 3
"""How deep macros within macros are read."""


class Visit(NamedTuple):
    """A node on the stack, with what holds around it."""

    node: Node
    scope: Scope
    function: str
    conditional: int
    features: tuple[str, ...] = ()
    """Cargo features that it is compiled with."""

    def inside(self, nodes: list[Node]) -> list[Visit]:
        """These nodes, leaves left out, under the same conditions."""
        _, scope, function, conditional, features = self
        return [Visit(node, scope, function, conditional, features) for node in nodes if node.named_child_count]


def extract(tree: Tree, source: bytes) -> DieselFacts:
    """The facts of one file."""
    facts = DieselFacts()
    if b"TABLE" in source or b"create table" in source:
        facts.created = sorted({match[1].decode("utf-8", "replace").lower() for match in CREATE.finditer(source)})
    if not any(sign in source for sign in SIGNS):
        return facts
    marks = [match.start() for match in INTERESTING.finditer(source)]
    if marks:
        Walk(facts, marks, source).run(tree.root_node)
    return facts


class Walk:
    """One pass over a tree in document order. Drafts bound to variables stay open until their function ends."""

    def __init__(self, facts: DieselFacts, marks: list[int], source: bytes) -> None:
        self.facts = facts
        self.marks = marks
        self.source = source
        self.macros: list[Visit] = []
        self.written: set[str] = set()
        self.constants: dict[str, sql_strings.Literal] = {}
        self.named: list[tuple[str, str]] = []
        """Queries that are handed over by name: (constant, function)."""
        self.variables: dict[str, tuple[Draft, int]] = {}
        self.drafts: list[Draft | Query] = []

    def run(self, root: Node) -> None:
        self._walk(Visit(root, Scope(), "", 0))
        for _ in range(MACRO_DEPTH):
            if self.macros:
                self._inside_macros()
        for name, function in self.named:
            if name in self.constants:
                self._sql(function, self.constants[name])
        self.facts.inserts = sorted(
            {d.tables[0] for d in self.drafts if isinstance(d, Draft) and d.verb == "insert" and d.tables}
            | self.written
        )
        queries = (draft.query() if isinstance(draft, Draft) else draft for draft in self.drafts)
        self.facts.queries = [query for query in queries if query is not None]

    def _walk(self, first: Visit) -> None:
        stack = [first]
        while stack:
            stack.extend(reversed(self._visit(stack.pop())))

    def _inside_macros(self) -> None:
        """What macros were given, read as blocks: their names are blanked, so that offsets stay."""
        macros, self.macros = self.macros, []
        masked = bytearray(self.source)
        for visit in macros:
            for start, end in _shell(visit.node, self._marked):
                masked[start:end] = b" " * (end - start)
        self.source = bytes(masked)
        root = parse_part("rust", self.source).root_node
        for visit in macros:
            body = visit.node.named_children[-1]
            node = root.descendant_for_byte_range(body.start_byte, body.end_byte)
            if node is not None and node.start_byte == body.start_byte:
                self.variables = {}
                self._walk(visit._replace(node=node))

    def _visit(self, visit: Visit) -> list[Visit]:
        node, kind = visit.node, visit.node.type
        if kind in ("source_file", "declaration_list", "block"):
            return self._items(visit)
        if kind == "call_expression":
            return self._call(visit)
        if kind == "let_declaration":
            return self._let(visit)
        if kind == "macro_invocation":
            self._macro(visit)
            return []
        if kind == "function_item":
            self.variables = {}
            visit = visit._replace(function=text(node.child_by_field_name("name")), conditional=0)
        elif kind in CONDITIONAL:
            visit = visit._replace(conditional=visit.conditional + 1)
        return visit.inside(node.named_children)

    def _items(self, visit: Visit) -> list[Visit]:
        children = visit.node.named_children
        declarations = [child for child in children if child.type == "use_declaration"]
        scope = visit.scope
        if declarations:
            scope = Scope(scope)
            for declaration in declarations:
                scope.add(declaration)
        visits = []
        attributes = ""
        for child in children:
            kind = child.type
            if kind == "attribute_item":
                attributes += text(child)
            elif kind not in ("line_comment", "block_comment", "use_declaration"):
                if kind in ("const_item", "static_item"):
                    self._constant(child, text(child.child_by_field_name("name")))
                if attributes and TEST.search(attributes):
                    pass
                elif kind == "struct_item":
                    self._struct(child, attributes)
                elif kind not in ITEMS or self._marked(child):
                    visits.append(visit._replace(node=child, scope=scope, features=_features(visit, attributes)))
                attributes = ""
        return visits

    def _marked(self, node: Node) -> bool:
        """Something of interest stands inside."""
        at = bisect_left(self.marks, node.start_byte)
        return at < len(self.marks) and self.marks[at] < node.end_byte

    def _struct(self, node: Node, attributes: str) -> None:
        name = text(node.child_by_field_name("name"))
        sql_name = diesel_schema.sql_type(attributes)
        if sql_name:
            self.facts.sql_types[name] = sql_name
        if attributes:
            self.facts.models += diesel_schema.model(name, attributes)

    def _call(self, visit: Visit) -> list[Visit]:
        root, steps = unroll(visit.node)
        inner: list[Node] = []
        if root.type == "call_expression":
            self._sql_call(visit, root)
            inner += _behind_verb(root)
        elif root.type not in ("identifier", "scoped_identifier"):
            inner.append(root)
        inner += [given for _, call in steps for given in arguments(call)]
        if steps or root.type == "call_expression":
            self._chain(visit, root, steps)
        return visit.inside(inner)

    def _chain(self, visit: Visit, root: Node, steps: list[tuple[str, Node]]) -> None:
        draft = Draft(visit.function, span(visit.node), visit.scope)
        if not read(draft, root, steps):
            return
        known = self.variables.get(text(root)) if root.type == "identifier" else None
        if known is not None:
            self._extend(known, draft, visit.conditional)
        else:
            self.drafts.append(draft)

    def _extend(self, known: tuple[Draft, int], more: Draft, conditional: int) -> None:
        """`query = query.filter(…)`: the draft of the variable goes on."""
        draft, level = known
        if conditional > level:
            more.predicates = [with_role(p, OPTIONAL) if p.role == MANDATORY else p for p in more.predicates]
        draft.predicates += more.predicates
        draft.on += more.on
        draft.joins += [(draft.tables[0] if a == more.tables[0] else a, b) for a, b in more.joins]
        draft.tables += more.tables[1:]
        draft.opaque |= more.opaque
        if more.order:
            draft.order, draft.order_span = more.order, more.order_span
        draft.limited |= more.limited

    def _let(self, visit: Visit) -> list[Visit]:
        """A variable that holds a query, perhaps with a type and `mut`."""
        value = visit.node.child_by_field_name("value")
        pattern = visit.node.child_by_field_name("pattern")
        rest = [
            visit._replace(node=child) for child in visit.node.named_children if child != value and child != pattern
        ]
        if value is None:
            return rest
        if pattern is not None and pattern.type == "identifier" and value.type.endswith("literal"):
            self._constant(visit.node, text(pattern))
        if pattern is None or pattern.type != "identifier" or value.type != "call_expression":
            return [visit._replace(node=value), *rest]
        visits = self._call(visit._replace(node=value))
        last = self.drafts[-1] if self.drafts else None
        if isinstance(last, Draft) and last.span == span(value):
            self.variables[text(pattern)] = (last, visit.conditional)
        else:
            self.variables.pop(text(pattern), None)
        return visits + rest

    def _macro(self, visit: Visit) -> None:
        name = text(visit.node.child_by_field_name("macro"))
        last = name.rsplit("::", 1)[-1]
        body = visit.node.named_children[-1]
        if body.type != "token_tree":
            return
        if last == "table":
            self.facts.tables += [replace(t, features=visit.features) for t in diesel_schema.tables(body)]
        elif last == "embed_migrations":
            self.facts.embeds.append(span(visit.node))
        elif last == "joinable":
            self.facts.joinables += diesel_schema.joinable(body)
        elif SQL_MACRO.search(name):
            said = sql_strings.first(body)
            if said is not None:
                self._sql(visit.function, said)
        elif SQL_FILE.search(name):
            said = sql_strings.first(body)
            if said is not None:
                self.facts.files.append(SqlFile(said.text, visit.function))
        elif self._marked(body):
            self.macros.append(visit)

    def _sql_call(self, visit: Visit, call: Node) -> None:
        given = arguments(call)
        if not given or not SQL_CALL.search(text(callee(call))):
            return
        node = given[0]
        while node.type == "reference_expression" and node.named_child_count == 1:
            node = node.named_children[0]
        said = sql_strings.literal(node)
        if said is not None:
            self._sql(visit.function, said)
        elif node.type == "identifier":
            self.named.append((text(node), visit.function))

    def _constant(self, node: Node, name: str) -> None:
        """A constant, or a variable, that may hold a query."""
        value = node.child_by_field_name("value")
        said = sql_strings.literal(value) if value is not None else None
        if said is not None:
            self.constants[name] = said

    def _sql(self, function: str, said: sql_strings.Literal) -> None:
        """A query written in SQL: the whole literal is its place."""
        from slowpath.extract.sql_query import read_queries

        self.written.update(match[1].lower() for match in INSERT.finditer(said.text))
        self.drafts += read_queries(said.text, function, said.span)


def _features(visit: Visit, attributes: str) -> tuple[str, ...]:
    """The features around an item and in its own `cfg`; a negated one names none."""
    if "feature" not in attributes or "not(" in attributes:
        return visit.features
    return (*visit.features, *FEATURE.findall(attributes))


def _shell(macro: Node, marked: Callable[[Node], bool]) -> Iterator[Span]:
    """The parts of an invocation to blank: its name, and what labels the blocks in it."""
    body = macro.named_children[-1]
    yield macro.start_byte, body.start_byte
    blocks = [child for child in body.children if child.type == "token_tree" and (child.text or b"")[:1] == b"{"]
    if any(marked(block) for block in blocks):
        edges = [body.start_byte + 1, *(edge for block in blocks for edge in span(block)), body.end_byte - 1]
        yield from zip(edges[::2], edges[1::2], strict=True)


def _behind_verb(root: Node) -> list[Node]:
    """The arguments of a chain's root call; of `delete(users.filter(…))`, whose chain is read with it, those inside."""
    given = arguments(root)
    if given and text(callee(root)).rsplit("::", 1)[-1] in VERBS:
        inner, steps = unroll(given[0])
        return (
            [argument for _, call in steps for argument in arguments(call)]
            if inner.type != "call_expression"
            else given
        )
    return given
