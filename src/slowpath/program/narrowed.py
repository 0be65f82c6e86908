"""A query and what is done to its rows → the query that does it, as code in the words of the place.

Read are Diesel's builders, SQL in a string, and SeaORM's entities. What cannot be read off stays `…`.
"""

from __future__ import annotations

import re

from slowpath.program.batches import METAVARIABLE
from slowpath.program.chains import chain
from slowpath.program.reductions import Reduction
from slowpath.program.rust import RustProgram
from slowpath.program.statements import Statement

VIEW = r"(?:\.(?:as_str|as_ref|as_deref|clone|to_string|to_owned|copied|cloned)\(\))*"
FIELD = re.compile(rf"^[&*]*(\w+)\.(?:r#)?(\w+){VIEW}$")
COMPARED = re.compile(r"^(.+?)\s*(==|!=|<=|>=|<|>)\s*(.+)$")
NULL = re.compile(r"^(\w+)\.(?:r#)?(\w+)\.is_(some|none)\(\)$")
WITHIN = re.compile(rf"^(.+)\.contains\(&?(\w+)\.(?:r#)?(\w+){VIEW}\)$")
METHODS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
ENTITY_METHODS = {"le": "lte", "ge": "gte"}
FROM = re.compile(r"\sfrom\s", re.I)
TAIL = re.compile(r"\s+order\s+by\s.*$", re.I)
WHERE = re.compile(r"\swhere\s", re.I)
MAX_SHOWN = 110


class Condition:
    """`row.field <operator> value`, of one comparison."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.field, self.method, self.value = "", "", ""
        text = text.strip()
        null, within = NULL.match(text), WITHIN.match(text)
        if "&&" in text or "||" in text:
            return
        if null:
            self.field, self.method = null[2], "is_not_null" if null[3] == "some" else "is_null"
        elif within:
            self.field, self.method, self.value = within[3], "eq_any", within[1].lstrip("&*")
        elif flag := FIELD.match(text.lstrip("!")):
            self.field, self.method, self.value = flag[2], "eq", "false" if text.startswith("!") else "true"
        elif compared := COMPARED.match(text):
            left, sign, right = compared[1].strip(), compared[2], compared[3].strip()
            own, other = FIELD.match(left), FIELD.match(right)
            if (own is None or own[1] not in names) and other is not None:
                own, right, sign = other, left, FLIPPED.get(sign, sign)
            if own is not None:
                self.field, self.method, self.value = own[2], METHODS[sign], right.lstrip("&*")

    def diesel(self, table: str) -> str:
        value = f"&{self.value}" if self.method == "eq_any" else self.value
        return f"{table}::{self.field}.{self.method}({value})"

    def entity(self, module: str) -> str:
        column = "".join(part.capitalize() for part in self.field.split("_"))
        method = {"eq_any": "is_in"}.get(self.method, ENTITY_METHODS.get(self.method, self.method))
        return f"{module}Column::{column}.{method}({self.value})"

    def sql(self) -> str:
        if self.method.startswith("is_"):
            return f"{self.field} IS {'NOT ' if 'not' in self.method else ''}NULL"
        if self.method == "eq_any":
            return f"{self.field} = ANY(…)"
        sign = next(sign for sign, method in METHODS.items() if method == self.method).replace("==", "=")
        return f"{self.field} {sign.replace('!=', '<>')} {self.value if self.value in ('true', 'false') else '…'}"


def narrowed(program: RustProgram, statement: Statement, found: Reduction) -> str:
    """The query that gives what the rows are used for, or nothing."""
    condition = Condition(found.text, found.names) if found.kind in ("filter", "find", "any") else None
    if condition is not None and not condition.field:
        return ""
    if statement.sql:
        return _sql(statement.sql, found, condition)
    made = chain(program, statement.site)
    name = made.first.name if made.first is not None else ""
    if name.endswith("Entity::find") or re.match(r"[A-Z]\w*::find$", name):
        return _entity(name, found, condition, "…" if len(made.steps) > 1 else "")
    if name.endswith("::belonging_to") and condition is None:
        return _diesel(f"{name}(..)", found, None, "…" if made.step("filter") is not None else "")
    if (made.root.endswith("::table") or made.root.islower()) and not METAVARIABLE.search(made.root):
        return _diesel(made.root, found, condition, "…" if len(made.steps) > 1 else "")
    return ""


def _diesel(root: str, found: Reduction, condition: Condition | None, rest: str) -> str:
    table = root.removesuffix("::table")
    query = f"{root}.filter({rest})" if rest else root
    if condition is not None:
        query = f"{query}.filter({condition.diesel(table)})"
    field = FIELD.match(found.text)
    column = f"{table}::{field[2]}" if field else "…"
    if found.kind == "count":
        return f"{query}.count().get_result::<i64>(conn)"
    if found.kind in ("exists", "any"):
        return f"select(exists({query})).get_result::<bool>(conn)"
    if found.kind in ("max", "min", "sum"):
        return f"{query}.select({found.kind}({column})).first(conn)" if field else ""
    if found.kind in ("first", "find"):
        return f"{query}.first(conn).optional()"
    return (
        f"{query}.load(conn)"
        if condition is not None
        else f"{query}.limit(n).load(conn)"
        if found.kind == "cut"
        else ""
    )


def _entity(name: str, found: Reduction, condition: Condition | None, rest: str) -> str:
    module = name.removesuffix("::find").removesuffix("Entity")
    module = module if module.endswith("::") or not module else ""
    query = f"{name}().filter({rest})" if rest else f"{name}()"
    if condition is not None:
        query = f"{query}.filter({condition.entity(module)})"
    if found.kind == "count":
        return f"{query}.count(db)"
    if found.kind in ("first", "find", "exists", "any"):
        return f"{query}.one(db)"
    return f"{query}.all(db)" if condition is not None else f"{query}.limit(n).all(db)" if found.kind == "cut" else ""


def _sql(sql: str, found: Reduction, condition: Condition | None) -> str:
    if len(FROM.findall(sql)) != 1 or not re.match(r"select\s", sql, re.I):
        return ""
    rest = sql[FROM.search(sql).start() :].rstrip(" ;")  # type: ignore[union-attr]
    plain = TAIL.sub("", rest)
    if condition is not None:
        plain += f" {'AND' if WHERE.search(plain) else 'WHERE'} {condition.sql()}"
    if found.kind == "count":
        text = f"SELECT COUNT(*){plain}"
    elif found.kind in ("exists", "any"):
        text = f"SELECT EXISTS (SELECT 1{plain})"
    elif found.kind in ("max", "min", "sum"):
        field = FIELD.match(found.text)
        text = f"SELECT {found.kind.upper()}({field[2]}){plain}" if field else ""
    elif condition is not None:
        text = f"SELECT …{plain}{' LIMIT 1' if found.kind == 'find' else ''}"
    else:
        text = f"SELECT …{rest} LIMIT {'1' if found.kind == 'first' else '…'}" if found.kind in ("first", "cut") else ""
    return text if len(text) <= MAX_SHOWN else ""
