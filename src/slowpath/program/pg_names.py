"""How PostgreSQL names constraints and indexes that a statement leaves without a name.

As `makeObjectName` and `ChooseIndexColumnNames` do: parts joined by `_`, the longer one of table and columns shortened
to fit, a number behind where the name is taken.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from slowpath.model.schema import Index, Key

LONGEST = 63
"""Bytes of a name, one less than NAMEDATALEN."""
ENDINGS = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check"}
CALL = re.compile(r"^\((?:\w+ \. )?(\w+) \(")


def key_name(table: str, key: Key, taken: Collection[str]) -> str:
    columns = "" if key.kind == "primary" else "_".join(key.columns)
    return unused(table, columns, ENDINGS[key.kind], taken)


def index_name(table: str, index: Index, taken: Collection[str]) -> str:
    columns = "_".join([*map(_column, index.parts), *index.include])
    return unused(table, columns, "idx", taken)


def _column(part: str) -> str:
    call = CALL.match(part)
    return call[1] if call else "expr" if part.startswith("(") else part


def unused(table: str, columns: str, ending: str, taken: Collection[str]) -> str:
    """The first of `table_columns_ending`, `…ending1`, … that nobody has."""
    table = table.rpartition(".")[2]
    name, number = "", 0
    while not name or name in taken:
        name = _joined(table, columns, f"{ending}{number or ''}")
        number += 1
    return name


def _joined(table: str, columns: str, ending: str) -> str:
    room = LONGEST - len(ending) - 1 - bool(columns)
    first, second = table.encode(), columns.encode()
    excess = max(0, len(first) + len(second) - room)
    for _ in range(min(excess, len(first) + len(second))):
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    kept = [part.decode(errors="ignore") for part in (first, second)]
    return "_".join([part for part in kept if part] + [ending])
