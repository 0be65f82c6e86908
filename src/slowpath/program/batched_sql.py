"""A statement in SQL for one row → the same for many."""

from __future__ import annotations

import re

KEYED = re.compile(r"\b([\w.\"`]+)\s*=\s*(\$\d+|\?\d*|:\w+|@\w+)(?=\s|;|\)|$)")
PLACEHOLDER = re.compile(r"\$\d+|\?\d*|(?<!:):[a-z_]\w*|@\w+")
INSERT = re.compile(
    r"^\s*insert\s+(?:or\s+\w+\s+)?into\s+([\w.\"`]+)\s*\(([^()]*)\)\s*values\s*\(\s*((?:\$\d+|\?\d*)(?:\s*,\s*(?:\$\d+|\?\d*))*)\s*\)",
    re.I,
)
SELECTED = re.compile(r"^\s*select\s+(?P<columns>[^()]*?)\s+from\s", re.I)
MAX_TEXT = 120
"""Characters of a statement that a message shows."""


def batched_sql(sql: str, arrays: bool) -> str:
    """The statement for many rows, nothing where it is not plain; `arrays`: the database takes them as parameters."""
    inserted = INSERT.match(sql)
    if inserted:
        table, columns, values = inserted.groups()
        tail = sql[inserted.end() :]
        into = f"INSERT INTO {table} ({' '.join(columns.split())})"
        if not arrays or "$" not in values:
            return f"{into} VALUES (…), (…), …{_cut(tail)}"
        listed = ", ".join(values.replace(" ", "").strip(",").split(","))
        return f"{into} SELECT * FROM UNNEST({listed}){_cut(tail)}"
    keyed = KEYED.findall(sql)
    verb = sql.split(" ", 1)[0].upper()
    if len(keyed) != 1 or len(PLACEHOLDER.findall(sql)) != 1 or verb not in ("SELECT", "DELETE", "UPDATE"):
        return ""
    if verb == "SELECT":
        sql = _with_key(sql, keyed[0][0])
    listed = f"{keyed[0][0]} = ANY({keyed[0][1]})" if arrays and "$" in keyed[0][1] else f"{keyed[0][0]} IN (…)"
    sql = KEYED.sub(lambda _: listed, sql)
    at = sql.find(listed)
    return sql if len(sql) <= MAX_TEXT else f"… {_cut(sql[max(at - MAX_TEXT // 2, 0) :])}"


def _with_key(sql: str, key: str) -> str:
    """A query that yields the key as well, by which its rows are looked up; nothing for one that counts or groups."""
    found = SELECTED.match(sql)
    if found is None or re.search(r"\b(limit|group by|distinct)\b", sql, re.I):
        return ""
    columns = found["columns"]
    names = {name.strip().rpartition(".")[2].strip('"`') for name in columns.split(",")}
    if "*" in columns or key.rpartition(".")[2].strip('"`') in names:
        return sql
    return f"{sql[: found.start('columns')]}{key}, {sql[found.start('columns') :]}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} …"
