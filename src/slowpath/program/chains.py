"""A statement's chain of calls, from its root to the call that sends it, whatever driver it belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from slowpath.model.code import Call
from slowpath.program.elements import call_of
from slowpath.program.loops import Loop
from slowpath.program.rust import Function, RustProgram, Site

MAX_CHAIN = 60
PATH = re.compile(r"^[A-Za-z_][\w]*(?:::[A-Za-z_]\w*)*$")
QUERY = re.compile(r"^(\w+::)?(raw_)?(sql_)?query(_as|_scalar|_with|_as_with|_file\w*)?(_unchecked)?!?$")
"""What takes SQL in a string, by sqlx and Diesel."""
NO_ROWS = re.compile(
    r"^\s*(create|alter|drop|truncate|analyze|vacuum|reindex|cluster|comment|grant|revoke|set|reset|pragma|begin|commit|end"
    r"|rollback|savepoint|release|lock|notify|listen|attach|detach|refresh|call pg_|explain)\b",
    re.I,
)
"""Statements about tables and transactions, which come one by one."""
VARYING = re.compile(r"\b(from|into|update|join|only)\s+\S*\{", re.I)
"""A statement whose table is put in: another for each element."""
LISTS = re.compile(r"\b(any|unnest)\s*\(\s*[$?:]\w*[^()]*\)|\bin\s*\(\s*'?\{[^()]*\)", re.I)
PLACEHOLDER = re.compile(r"\$\d+|\?\d*|\{")
DRIVERS = {
    "diesel": "diesel", "diesel_async": "diesel", "sea_orm": "entity", "sea_orm_migration": "entity", "sqlx": "sql",
    "rusqlite": "sql", "postgres": "sql", "tokio_postgres": "sql", "deadpool_postgres": "sql", "mysql": "sql",
    "mysql_async": "sql", "duckdb": "sql",
}  # fmt: skip
"""Crate → how its statements are written."""
ENTITY_ENDS = frozenset(
    ["one", "all", "exec", "exec_with_returning", "exec_without_returning", "insert", "save", "update"]
)


class Chain(NamedTuple):
    """A builder from its root to the call that sends it. `steps` are calls of methods, `root` a path or a call."""

    function: Function
    root: str
    first: Call | None
    steps: tuple[Call, ...]

    def step(self, *names: str) -> Call | None:
        return next((call for call in self.steps if call.name in names), None)


def chain(program: RustProgram, site: Site) -> Chain:
    """The builder chain that ends in a call, also through locals that hold a part of it."""
    function = site.function
    steps: list[Call] = [site.call]
    call: Call | None = site.call
    operand, at, scope = site.call.receiver, site.call.start, site.call.scope
    for _ in range(MAX_CHAIN):
        call = call_of(function, operand)
        if call is None and operand[:1].isalpha() and ":" not in operand:
            local = program.resolver.binding(function, operand, at, scope)
            if local is not None and local.init.startswith("#"):
                operand, at, scope = local.init, local.at - 1, local.scope
                continue
        if call is None or call.receiver == "-":
            break
        steps.append(call)
        operand = call.receiver
    steps.reverse()
    root = function.path_of(operand)
    return Chain(function, root if PATH.match(root) else "", call, tuple(steps))


def runs_element(program: RustProgram, site: Site, loop: Loop) -> bool:
    """Whether what a loop goes over are the statements themselves, as in a script."""
    first = chain(program, site).first
    if first is not None and not QUERY.match(first.name):
        return False
    operand = (first or site.call).args[0] if (first or site.call).args else ""
    at, scope = site.call.start, site.call.scope
    for _ in range(MAX_CHAIN):
        call = call_of(site.function, operand)
        if call is not None:
            operand = call.receiver if call.receiver != "-" else next(iter(call.args), "")
            continue
        local = program.resolver.binding(site.function, operand, at, scope)
        if local is None:
            break
        if local.scope == loop.scope and (local.init == "|" or local.init.endswith("[]")):
            return True
        operand, at, scope = local.init, local.at - 1, local.scope
    return False


def _asked_with(made: Chain) -> Iterator[str]:
    """What the root of a chain and its last call are given first: there stands a statement's text."""
    for call in (made.first, made.steps[-1]):
        yield from call.args[:2] if call is not None else ()


def sql_of(made: Chain) -> str:
    """The SQL text of a statement, where a literal holds all of it."""
    texts = (arg[1:] for arg in _asked_with(made) if arg[:1] == '"' and " " in arg.strip())
    return " ".join(next(texts, "").split())


def template_of(made: Chain) -> str:
    """The same, or the template that the text is formatted from."""
    makers = (call_of(made.function, arg) for arg in _asked_with(made))
    formatted = (maker.args[0] for maker in makers if maker is not None and maker.name == "format!" and maker.args)
    return sql_of(made) or next((text[1:] for text in formatted if text[:1] == '"'), "")


def takes_lists(made: Chain) -> bool:
    """Whether a statement is asked by lists of keys, and by nothing else that varies."""
    text = template_of(made)
    if text:
        return bool(LISTS.search(text)) and not PLACEHOLDER.search(LISTS.sub(" ", text))
    filters = [call_of(made.function, step.args[0]) for step in made.steps if step.name == "filter" and step.args]
    return bool(filters) and all(call is not None and call.name in ("eq_any", "is_in") for call in filters)


def driver(program: RustProgram, site: Site) -> str:
    """How a statement is written: `sql` in a string, `entity` (SeaORM), or `diesel`."""
    made = chain(program, site)
    name = made.first.name if made.first is not None else ""
    if sql_of(made) or QUERY.match(name):
        return "sql"
    imports = {DRIVERS.get(use.path.partition("::")[0], "") for use in program.facts[site.function.file].uses} - {""}
    if len(imports) == 1:
        return imports.pop()
    if site.call.name.startswith(("fetch", "query", "exec_")):
        return "sql"
    return "entity" if site.call.name in ENTITY_ENDS or "Entity" in name else "diesel"


def verb(program: RustProgram, site: Site) -> str:
    """What a statement that writes does: insert, update or delete; nothing where that is not plain to see."""
    made = chain(program, site)
    text = template_of(made).strip().partition(" ")[0].lower()
    names = [text, made.first.name if made.first is not None else "", *(step.name for step in made.steps)]
    return next((word for name in names for word in ("insert", "update", "delete") if word in name.lower()), "")
