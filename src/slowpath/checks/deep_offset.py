"""Lists that are paged by an OFFSET that the reader gives."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.code import Call, is_literal
from slowpath.model.finding import Finding
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import LIST, Endpoints, reached
from slowpath.program.rust import Function, RustProgram
from slowpath.program.statements import words

IN_SQL = re.compile(r"\border\s+by\b.*\boffset\s+(\$\d+|\?\d*|:\w+|\{)", re.I | re.S)


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per function that pages: a helper counts once, whoever uses it."""
    if not program.of("rust"):
        return
    view = program.rust
    for function in view.functions:
        found = None if function.test else paged(function)
        if found is not None and view.shared(Endpoints).heat(function) == LIST and not is_bounded(function, rule):
            yield report(view, rule, function, found)


def paged(function: Function) -> Call | None:
    """The call that skips rows before a page, in a query with an order."""
    calls = function.fact.calls
    names = {call.name for call in calls}
    for call in calls:
        if any(arg[:1] == '"' and IN_SQL.search(arg) for arg in call.args):
            return call
        builds = call.name == "offset" and call.receiver not in ("-", "") and len(call.args) == 1
        if builds and not is_literal(call.args[0]) and "limit" in names and not names.isdisjoint(words("orders")):
            return call
    return None


def is_bounded(function: Function, rule: Rule) -> bool:
    """Whether the function asks how deep a page may be."""
    return any(re.search(rule.settings["bounds"], call.name) for call in function.fact.calls)


def report(view: RustProgram, rule: Rule, function: Function, call: Call) -> Finding:
    return rule.finding(
        function.at(call),
        function=function.name,
        reached=reached(view, function),
    )
