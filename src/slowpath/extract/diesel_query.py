"""A chain of method calls → a query: its tables, and the columns that it compares, joins and orders by."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from slowpath.extract.diesel_names import Scope
from slowpath.extract.parsing import text
from slowpath.model.diesel import ALTERNATIVE, LITERAL, MANDATORY, Predicate, Query
from slowpath.model.finding import Span

OPERATORS = {
    "eq": "eq",
    "is_not_distinct_from": "eq",
    "eq_any": "in",
    "lt": "range",
    "le": "range",
    "gt": "range",
    "ge": "range",
    "between": "range",
    "is_null": "null",
}
OTHER_OPERATORS = frozenset(
    "ne ne_any ne_all eq_all is_not_null is_distinct_from like not_like ilike not_ilike similar_to not_between "
    "contains is_contained_by overlaps_with has_key matches concat".split()
)
TRANSPARENT = frozenset(["nullable", "assume_not_null", "into_sql", "asc", "desc", "nulls_last", "nulls_first"])
JOINS = frozenset(["inner_join", "left_join", "left_outer_join"])
ORDERS = frozenset(["order", "order_by"])
TERMINALS = frozenset("first load load_iter load_stream get_result get_results execute internal_load stream".split())
NEUTRAL_STEPS = frozenset(
    "select distinct distinct_on group_by having into_boxed offset for_update for_share for_no_key_update "
    "for_key_share skip_locked no_wait then_order_by single_value count returning set values union union_all "
    "intersect except as_query on_conflict do_nothing do_update as_select nullable assume_not_null on "
    "on_conflict_do_nothing default_values only clone map and_then map_err ok expect unwrap "
    "unwrap_or optional boxed instrument".split()
)
VERBS = {"update": "update", "delete": "delete", "insert_into": "insert", "replace_into": "insert",
         "insert_or_ignore_into": "insert"}  # fmt: skip
ALWAYS_READABLE = frozenset(["exists", "not"])
DEPTH = 40


class NotAQueryError(Exception):
    """The chain belongs to an iterator or an Option."""


class Draft:
    """A query while its chain is read."""

    def __init__(self, function: str, span: Span, scope: Scope) -> None:
        self.verb = "select"
        self.function = function
        self.span = span
        self.scope = scope
        self.tables: list[str] = []
        self.joins: list[tuple[str, str]] = []
        self.predicates: list[Predicate] = []
        self.on: list[Predicate] = []
        self.order = ""
        self.order_span: Span = span
        self.limited = False
        self.opaque = False

    def query(self) -> Query | None:
        """The query, unless it is none or says nothing."""
        predicates = (*self.on, *self.predicates)
        if (
            self.verb == "insert"
            or not any((*self.tables, *predicates))
            or not (predicates or self.order or self.joins)
        ):
            return None
        return Query(
            self.verb,
            self.function,
            self.span,
            tuple(self.tables),
            tuple(self.joins),
            predicates,
            self.order,
            self.order_span,
            self.limited,
            self.opaque,
            self.scope.globs,
        )


def span(node: Node) -> Span:
    return node.start_byte, node.end_byte


def callee(call: Node) -> Node | None:
    """What a call calls, type arguments aside."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        function = function.child_by_field_name("function")
    return function


def arguments(call: Node) -> list[Node]:
    listed = call.child_by_field_name("arguments")
    return [node for node in listed.named_children if "comment" not in node.type] if listed is not None else []


def unroll(call: Node) -> tuple[Node, list[tuple[str, Node]]]:
    """A chain's root, and its method calls from the first to the last."""
    steps: list[tuple[str, Node]] = []
    node = call
    while node.type == "call_expression":
        function = callee(node)
        if function is None or function.type != "field_expression":
            break
        value = function.child_by_field_name("value")
        if value is None:
            break
        steps.append((text(function.child_by_field_name("field")), node))
        node = value
    return node, steps[::-1]


def read(draft: Draft, root: Node, steps: list[tuple[str, Node]]) -> bool:
    """Take a chain into the draft; whether it can be a query."""
    try:
        _root(draft, root)
        _steps(draft, steps)
    except NotAQueryError:
        return False
    return True


def _root(draft: Draft, root: Node) -> None:
    if root.type in ("identifier", "scoped_identifier"):
        draft.tables.append(draft.scope.table(text(root)))
    elif root.type == "call_expression":
        _root_call(draft, root)
    else:
        draft.tables.append("")
        draft.opaque = True


def _root_call(draft: Draft, root: Node) -> None:
    name = text(callee(root))
    last = name.rsplit("::", 1)[-1]
    given = arguments(root)
    if last in VERBS and given:
        draft.verb = VERBS[last]
        inner, steps = unroll(given[0])
        if inner.type == "reference_expression" or (inner.type == "identifier" and text(inner) == "self"):
            raise NotAQueryError  # a model by its primary key
        _root(draft, inner)
        _steps(draft, steps)
    elif last == "belonging_to" and "::" in name:
        model = draft.scope.segments(name)[-2]
        draft.tables.append(f"{model}!")
        parent = text(given[0]).lstrip("&") if given else ""
        draft.predicates.append(Predicate(f"{model}!", "in", parent, "", MANDATORY, span(root)))
    elif last == "table" and not given and "::" in name:
        draft.tables.append(f"{draft.scope.segments(name)[-2]}!")
    else:
        draft.tables.append("")
        draft.opaque = True


def _steps(draft: Draft, steps: list[tuple[str, Node]]) -> None:
    for name, call in steps:
        given = arguments(call)
        if any(node.type == "closure_expression" for node in given) and name in ("filter", "find", "map", "order_by"):
            raise NotAQueryError
        if name in ("filter", "or_filter", "find", "limit", "insert_into") or name in ORDERS or name in JOINS:
            _step(draft, name, given, call)
        elif name in TERMINALS:
            draft.limited |= name == "first"
            return
        elif name not in NEUTRAL_STEPS:
            draft.opaque = True


def _step(draft: Draft, name: str, given: list[Node], call: Node) -> None:
    if name == "filter" and given:
        conditions(draft, given[0], draft.predicates)
    elif name == "or_filter" and given:
        draft.predicates = [with_role(predicate, ALTERNATIVE) for predicate in draft.predicates]
        conditions(draft, given[0], draft.predicates, ALTERNATIVE)
    elif name == "find":
        draft.predicates.append(Predicate(draft.tables[0], "find", "", "", MANDATORY, span(call)))
    elif name == "limit":
        draft.limited = True
    elif name in ORDERS and given:
        first = (
            given[0].named_children[0] if given[0].type == "tuple_expression" and given[0].named_children else given[0]
        )
        draft.order, _ = column(draft.scope, first)
        draft.order_span = span(first)
    elif name == "insert_into" and given:
        draft.verb = "insert"
        draft.tables.insert(0, draft.scope.table(text(given[0])))
    elif name in JOINS:
        for target in given:
            _join(draft, target, draft.tables[0])


def with_role(predicate: Predicate, role: int) -> Predicate:
    """The predicate as one branch of an OR, or under a condition."""
    return Predicate(predicate.column, predicate.operator, predicate.value, predicate.function, role, predicate.span)


def _join(draft: Draft, target: Node, base: str) -> None:
    """`t::table`, `t::table.on(…)`, `t::table.inner_join(u::table)`, or a tuple of these."""
    if target.type == "tuple_expression":
        for child in target.named_children:
            _join(draft, child, base)
        return
    root, steps = unroll(target)
    if root.type not in ("identifier", "scoped_identifier"):
        draft.tables.append("")
        return
    table = draft.scope.table(text(root))
    draft.tables.append(table)
    explained = False
    for name, call in steps:
        given = arguments(call)
        if name == "on" and given:
            explained = True
            conditions(draft, given[0], draft.on)
        elif name in JOINS:
            for inner in given:
                _join(draft, inner, table)
        elif name == "filter" and given:
            conditions(draft, given[0], draft.on)
    if not explained:
        draft.joins.append((base, table))


def conditions(draft: Draft, node: Node, into: list[Predicate], role: int = MANDATORY, depth: int = 0) -> None:
    """Add the comparisons of a boolean expression."""
    kind = node.type
    if depth > DEPTH:
        draft.opaque = True
    elif kind in ("parenthesized_expression", "reference_expression"):
        conditions(draft, node.named_children[-1], into, role, depth + 1)
    elif kind == "closure_expression":
        raise NotAQueryError
    elif kind in ("identifier", "scoped_identifier"):
        name = draft.scope.column(text(node))
        if name:
            into.append(Predicate(name, "eq", LITERAL, "", role, span(node)))
        else:
            draft.opaque = True
    elif kind == "call_expression":
        _condition_call(draft, node, into, role, depth)
    else:
        draft.opaque = True


def _condition_call(draft: Draft, node: Node, into: list[Predicate], role: int, depth: int) -> None:
    function = callee(node)
    given = arguments(node)
    if function is None or function.type != "field_expression":
        last = text(function).rsplit("::", 1)[-1]
        if last in ("new", "from") and given:
            conditions(draft, given[0], into, role, depth + 1)
        elif last not in ALWAYS_READABLE:
            draft.opaque = True
        return
    name = text(function.child_by_field_name("field"))
    value = function.child_by_field_name("value")
    if value is None:
        return
    if name in ("and", "or"):
        inner = role if name == "and" else ALTERNATIVE
        for side in (value, *given[:1]):
            conditions(draft, side, into, inner, depth + 1)
    elif name in TRANSPARENT or name == "is_true":
        conditions(draft, value, into, role, depth + 1)
    elif name in OPERATORS or name in OTHER_OPERATORS:
        found = comparison(draft.scope, node, name, value, given, role)
        into.extend(found)
    else:
        draft.opaque = True


def comparison(scope: Scope, node: Node, name: str, subject: Node, given: list[Node], role: int) -> Iterator[Predicate]:
    """`subject.name(given)` as a predicate, where it speaks of a column."""
    left, function = column(scope, subject)
    right, _ = column(scope, given[0]) if given else ("", "")
    if not left and right:
        left, right, function = right, "", ""
    if left:
        value = right or (LITERAL if given and literal(given[0]) else "")
        yield Predicate(left, OPERATORS.get(name, "other"), value, function, role, span(node))


def column(scope: Scope, node: Node) -> tuple[str, str]:
    """The column that an expression names, and the function around it."""
    function = ""
    for _ in range(DEPTH):
        if node.type in ("identifier", "scoped_identifier"):
            return scope.column(text(node)), function
        if node.type in ("parenthesized_expression", "reference_expression") and node.named_children:
            node = node.named_children[-1]
            continue
        if node.type != "call_expression":
            break
        called = callee(node)
        given = arguments(node)
        if called is None:
            break
        if called.type == "field_expression":
            name, value = text(called.child_by_field_name("field")), called.child_by_field_name("value")
            if name == "field" and given:
                node = given[0]
            elif name in TRANSPARENT and value is not None:
                node = value
            else:
                break
        elif len(given) == 1 and not function:
            function = text(called).rsplit("::", 1)[-1]
            if function[:1].isupper():
                break
            node = given[0]
        else:
            break
    return "", ""


def literal(node: Node) -> bool:
    """A literal, a constant, an enum's variant, perhaps cast or wrapped in Some."""
    kind = node.type
    if kind.endswith("_literal"):
        return True
    if kind in ("type_cast_expression", "reference_expression", "unary_expression", "parenthesized_expression"):
        return bool(node.named_children) and literal(node.named_children[0])
    if kind in ("identifier", "scoped_identifier"):
        return text(node).rsplit("::", 1)[-1][:1].isupper()
    if kind == "call_expression":
        function = callee(node)
        if function is not None and function.type == "field_expression":
            value = function.child_by_field_name("value")
            return value is not None and not arguments(node) and literal(value)
        return text(function) == "Some" and all(literal(given) for given in arguments(node))
    if kind == "array_expression":
        return all(literal(child) for child in node.named_children)
    return False
