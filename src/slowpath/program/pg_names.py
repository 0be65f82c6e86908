"""How PostgreSQL names constraints and indexes that a statement leaves without a name.

As `makeObjectName` and `ChooseIndexColumnNames` do: parts joined by `_`, the longer one of table and columns shortened
to fit, a number behind where the name is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from slowpath.model.schema import Index, Key

LONGEST = 63
"""Bytes of a name, one less than NAMEDATALEN."""
ENDINGS = {"primary": "pkey", "unique": "key", "foreign": "fkey", "check": "check"}
CALL = re.compile(r"^\((?:\w+ \. )?(\w+) \(")


class Names(set[str]):
    """Names in use."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        super().__init__(names)
        self.tried: dict[tuple[str, str, str], int] = {}
        """All numbers below this one are in use behind a name."""

    def free(self, name: str) -> None:
        self.discard(name)
        self.tried.clear()


def cut(name: str) -> str:
    """What PostgreSQL keeps of a name that is too long."""
    return name if len(name) <= LONGEST // 4 else name.encode()[:LONGEST].decode(errors="ignore")


def key_name(table: str, key: Key, taken: Names) -> str:
    columns = "" if key.kind == "primary" else "_".join(key.columns)
    return unused(table, columns, ENDINGS[key.kind], taken)


def index_name(table: str, index: Index, taken: Names) -> str:
    columns = "_".join([*map(_column, index.parts), *index.include])
    return unused(table, columns, "idx", taken)


def _column(part: str) -> str:
    call = CALL.match(part)
    return call[1] if call else "expr" if part.startswith("(") else part


def unused(table: str, columns: str, ending: str, taken: Names) -> str:
    """The first of `table_columns_ending`, `…ending1`, … that nobody has."""
    asked = (table.rpartition(".")[2], columns, ending)
    number = taken.tried.get(asked, 0)
    while (name := _joined(*asked[:2], f"{ending}{number or ''}")) in taken:
        number += 1
    taken.tried[asked] = number
    return name


def _joined(table: str, columns: str, ending: str) -> str:
    room = LONGEST - len(ending) - 1 - bool(columns)
    first, second = table.encode(), columns.encode()
    if len(first) + len(second) > room:  # the longer one is cut until both are alike, then each in turn
        first = first[: max(room - len(second), room - room // 2)]
        second = second[: room - len(first)]
    kept = [part.decode(errors="ignore") for part in (first, second)]
    return "_".join([part for part in kept if part] + [ending])
