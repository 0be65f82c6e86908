"""Endpoints that answer with a list, and load a whole table for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import LIST, Endpoints, lists, reached
from slowpath.program.look_ups import LookUps
from slowpath.program.placed import Placed
from slowpath.program.reductions import reduction
from slowpath.program.row_chains import Chains
from slowpath.program.rows import Load, Rows
from slowpath.program.rust import RustProgram
from slowpath.program.statements import Statement

WHERE = re.compile(r"\b(where|join|using)\b", re.I)


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per query."""
    if not program.of("rust"):
        return
    view = program.rust
    rows, endpoints, placed = view.shared(Rows), view.shared(Endpoints), Placed(program)
    for load in rows.loads:
        function, statement = load.sent.function, rows.statement(load)
        if load.way or endpoints.heat(function) != LIST or not is_whole(statement, rule) or placed.tiny(load.sent):
            continue
        wanted = [route for route in endpoints.of(function) if lists(route)]
        meant = re.compile(rule.settings["meant"])
        if all(meant.search(route.path) for route in wanted) or is_chosen(rows, load) or is_reduced(view, load):
            continue
        if view.shared(LookUps).before(load.sent):
            continue
        yield rule.finding(
            load.sent.place,
            function=function.name,
            flow=[
                Step(wanted[0].handler.place, f"`{wanted[0].handler.name}` answers {wanted[0]}"),
                Step(load.sent.place, f"`{function.name}` loads the whole table"),
            ],
            reached=reached(view, function),
        )


def is_whole(statement: Statement, rule: Rule) -> bool:
    """Whether a query asks for all rows of its table, as they are."""
    if not statement.known or statement.bounded or statement.writes or statement.grouped:
        return False
    if statement.sql:
        return WHERE.search(statement.sql) is None
    return statement.names.isdisjoint(rule.settings["conditions"])


def is_chosen(rows: Rows, load: Load) -> bool:
    """Whether the function has a bounded query too: then all rows are what was asked for."""
    others = (other for other in rows.loads if other.site.function is load.sent.function and other is not load)
    return any(rows.statement(other).bounded for other in others)


def is_reduced(view: RustProgram, load: Load) -> bool:
    """Whether the rows are counted or filtered: that is another rule's."""
    return reduction(load.sent.function, view.shared(Chains).of(load.sent)) is not None
