"""A statement that runs per element → the one that does it for all of them, as code in the words of the place.

In: the call that sends the statement. Out: an expression, or nothing where the key that varies is not plain to see.
Read are Diesel's builders, SQL in a string (sqlx, rusqlite, tokio-postgres), and SeaORM's entities.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.model.code import AWAITED, CHAIN_AWAITED, Call, is_literal
from slowpath.program.elements import call_of
from slowpath.program.loops import Loop
from slowpath.program.rust import Function, RustProgram, Site

MAX_CHAIN = 60
PATH = re.compile(r"^[A-Za-z_][\w]*(?:::[A-Za-z_]\w*)*$")
KEYED = re.compile(r"\b([\w.\"`]+)\s*=\s*(\$\d+|\?\d*|:\w+|@\w+)(?=\s|;|\)|$)")
PLACEHOLDER = re.compile(r"\$\d+|\?\d*|(?<!:):[a-z_]\w*|@\w+")
INSERT = re.compile(
    r"^\s*insert\s+(?:or\s+\w+\s+)?into\s+([\w.\"`]+)\s*\(([^()]*)\)\s*values\s*\(((?:\s*(?:\$\d+|\?\d*)\s*,?)+)\)",
    re.I,
)
QUERY = re.compile(r"^(\w+::)?(raw_)?(sql_)?query(_as|_scalar|_with|_as_with|_file\w*)?(_unchecked)?!?$")
"""What takes SQL in a string, by sqlx and Diesel."""
METAVARIABLE = re.compile(r"(^|\W)_[a-z]")
"""A name in a macro's arm that each use of the macro replaces."""
ENDS = {"first": "load", "get_result": "load", "one": "all", "get_results": "load", "load": "load", "all": "all"}
"""Methods that send a statement → the one that yields all rows."""
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
    operand = site.call.receiver
    for _ in range(MAX_CHAIN):
        call = call_of(function, operand)
        if call is None and operand[:1].isalpha() and ":" not in operand:
            local = program.resolver.binding(function, operand, site.call.start, site.call.scope)
            if local is not None and local.init.startswith("#"):
                operand = local.init
                continue
        if call is None or call.receiver == "-":
            break
        steps.append(call)
        operand = call.receiver
    steps.reverse()
    root = function.path_of(operand)
    return Chain(function, root if PATH.match(root) else "", call, tuple(steps))


def batched(program: RustProgram, site: Site) -> str:
    """The statement for all elements, or nothing."""
    made = chain(program, site)
    sql = _sql(made)
    if sql:
        return _batched_sql(sql, _has_arrays(program, site))
    code = _entity(made) or _diesel(program, made)
    return "" if METAVARIABLE.search(code) else code


def runs_element(program: RustProgram, site: Site, loop: Loop) -> bool:
    """Whether what a loop goes over are the statements themselves, as in a script."""
    first = chain(program, site).first
    if first is not None and not QUERY.match(first.name):
        return False
    operand = (first or site.call).args[0] if (first or site.call).args else ""
    for _ in range(MAX_CHAIN):
        call = call_of(site.function, operand)
        if call is not None:
            operand = call.receiver if call.receiver != "-" else next(iter(call.args), "")
            continue
        local = program.resolver.binding(site.function, operand, site.call.start, site.call.scope)
        if local is None:
            break
        if local.scope == loop.scope and (local.init == "|" or local.init.endswith("[]")):
            return True
        if local.init == operand:
            break
        operand = local.init
    return False


def _has_arrays(program: RustProgram, site: Site) -> bool:
    """Whether the database takes arrays: PostgreSQL does; the connection's type or the file's imports name others."""
    call = site.call
    operand = call.args[0] if call.args else call.receiver
    kind = str(program.type_of(site.function, operand, call.start, call.scope)) if operand not in ("", "-") else ""
    uses = " ".join(use.path for use in program.facts[site.function.file].uses)
    if re.search("postgres|Pg[A-Z]", kind + " " + site.function.name):
        return True
    return re.search("sqlite|mysql|maria", f"{kind} {uses} {site.function.name}", re.I) is None


def driver(program: RustProgram, site: Site) -> str:
    """What sends a statement: `sql` in a string, `entity` (SeaORM), `update` by a builder, else `diesel`."""
    made = chain(program, site)
    name = made.first.name if made.first is not None else ""
    if _sql(made) or site.call.name.startswith(("fetch", "query", "exec_")) or QUERY.match(name):
        return "sql"
    if name.rsplit("::", 1)[-1] == "update":
        return "update"
    return "entity" if site.call.name in ENTITY_ENDS or "Entity" in name else "diesel"


def _sql(made: Chain) -> str:
    """The SQL text of a statement, where a literal holds all of it."""
    calls = [made.first] if made.first is not None else []
    for call in (*calls, made.steps[-1]):
        for arg in call.args[:2]:
            if arg[:1] == '"' and " " in arg.strip():
                return " ".join(arg[1:].split('"#')[0].split())
    return ""


def _batched_sql(sql: str, arrays: bool) -> str:
    inserted = INSERT.match(sql)
    if inserted:
        table, columns, values = inserted.groups()
        if arrays and "$" in values:
            listed = ", ".join(values.replace(" ", "").strip(",").split(","))
            return f"INSERT INTO {table} ({' '.join(columns.split())}) SELECT * FROM UNNEST({listed})"
        return f"INSERT INTO {table} ({' '.join(columns.split())}) VALUES (…), (…), …"
    keyed = KEYED.findall(sql)
    verb = sql.split(" ", 1)[0].upper()
    if len(keyed) != 1 or len(PLACEHOLDER.findall(sql)) != 1 or verb not in ("SELECT", "DELETE", "UPDATE"):
        return ""
    column, placeholder = keyed[0]
    return _short(
        KEYED.sub(f"{column} = ANY({placeholder})" if arrays and "$" in placeholder else f"{column} IN (…)", sql)
    )


def _short(sql: str) -> str:
    """A statement that fits a message: of a longer one the part that changed."""
    if len(sql) <= 120:
        return sql
    at = max(sql.upper().find(" WHERE "), 0)
    return f"… {sql[at + 1 : at + 100]}" + (" …" if len(sql) > at + 100 else "")


def _entity(made: Chain) -> str:
    """SeaORM: `Entity::find_by_id(id).one(db)` and the like."""
    first, end = made.first, made.steps[-1]
    name = first.name if first is not None else ""
    owner, _, method = name.rpartition("::")
    if not owner or not end.args:
        return ""
    entity = owner if owner.endswith("Entity") else f"{owner}::Entity" if owner[:1].islower() else owner
    module = owner.removesuffix("::Entity").removesuffix("Entity").rstrip(":")
    column = f"{module}::Column" if module and owner.endswith("Entity") else "Column"
    giver = f"({made.function.path_of(end.args[0])})" if PATH.match(made.function.path_of(end.args[0])) else "(db)"
    if method == "find_by_id":
        return f"{entity}::find().filter({column}::Id.is_in(ids)).all{giver}.await?"
    if method == "delete_by_id":
        return f"{entity}::delete_many().filter({column}::Id.is_in(ids)).exec{giver}.await?"
    if method == "insert" and end.name.startswith("exec"):
        return f"{entity}::insert_many(models).exec{giver}.await?"
    key = _key(made)
    if method in ("find", "delete_many") and key and "Column::" in key:
        ending = "all" if method == "find" else "exec"
        return f"{entity}::{method}().filter({key}.is_in({_plural(key)})).{ending}{giver}.await?"
    return ""


def _diesel(program: RustProgram, made: Chain) -> str:
    first, end = made.first, made.steps[-1]
    verb = first.name.rsplit("::", 1)[-1] if first is not None else ""
    conn = made.function.path_of(end.args[0]) if end.args else ""
    sent = f"({conn if PATH.match(conn) else 'conn'})" + (".await?" if end.flags & (AWAITED | CHAIN_AWAITED) else "?")
    if first is not None and verb == "insert_into" and first.args and made.step("values"):
        target = made.function.path_of(first.args[0])
        return f"{first.name}({target}).values(&rows).execute{sent}" if PATH.match(target) else ""
    if first is not None and verb in ("delete", "update") and first.args:
        inner = _target(program, made.function, first.args[0])
        setter = made.step("set")
        if not inner or (verb == "update" and not (setter is not None and _is_fixed(made.function, setter))):
            return ""
        return f"{first.name}({inner}){'.set(…)' if verb == 'update' else ''}.execute{sent}"
    if made.root and end.name in ENDS and end.name != "all":
        inner = _keyed(made, made.root)
        return f"{inner}.load{sent}" if inner else ""
    return ""


def _target(program: RustProgram, function: Function, operand: str) -> str:
    """`users::table.find(id)`, the target of a delete, by all keys."""
    call = call_of(function, operand)
    if call is None or call.receiver in ("-", ""):
        return ""
    inner = chain(program, Site(function, int(operand[1:].rstrip("?"))))
    return _keyed(inner, inner.root) if inner.root else ""


def _keyed(made: Chain, root: str) -> str:
    """The table filtered by all keys at once."""
    found = made.step("find")
    if found is not None:
        if not found.args or not found.args[0] or made.step("filter") is not None:
            return ""  # a composite key, or a narrower one
        owner = root.removesuffix("::table")
        key = f"{owner}::id" if "::" in root else "id"
    else:
        key = _key(made)
    return f"{root}.filter({key}.eq_any(&{_plural(key)}))" if key and "Column::" not in key else ""


def _key(made: Chain) -> str:
    """The one column that the filters compare with a value that may vary."""
    columns = []
    for step in made.steps:
        if step.name == "filter" and step.args:
            columns += _compared(made.function, step.args[0])
    return columns[0] if len(columns) == 1 else ""


def _compared(function: Function, operand: str, depth: int = 0) -> list[str]:
    """Columns that a condition compares with no literal; two of them where it is not understood."""
    call = call_of(function, operand)
    if call is None or depth > 6:
        return ["", ""]
    if call.name == "and" and call.args:
        return [*_compared(function, call.receiver, depth + 1), *_compared(function, call.args[0], depth + 1)]
    if call.name in ("eq", "is") and call.args and PATH.match(call.receiver):
        return [] if is_literal(call.args[0]) else [call.receiver]
    if call.name in ("is_null", "is_not_null"):
        return []
    return ["", ""]


def _is_fixed(function: Function, setter: Call) -> bool:
    """Whether `.set(..)` gives every row the same value."""
    given = call_of(function, setter.args[0]) if setter.args else None
    return given is not None and given.name == "eq" and bool(given.args) and is_literal(given.args[0])


def _plural(column: str) -> str:
    """A name for the list of a column's values."""
    last = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.rsplit("::", 1)[-1]).lower()
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return f"{last[:-1]}ies"
    return f"{last}es" if last.endswith(("s", "x")) else f"{last}s"
