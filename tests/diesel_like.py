"""Statements as Diesel sends them over a pool that tests its connections: named, and `SELECT 1` on each checkout."""

from __future__ import annotations

from typing import Any

PARENTS = 'SELECT "customers"."id", "customers"."email" FROM "customers" WHERE ("customers"."id" > $1) LIMIT $2'
CHILDREN = 'SELECT "orders"."id", "orders"."note" FROM "orders" WHERE ("orders"."customer_id" = $1)'
BY_ID = 'SELECT "customers"."id", "customers"."email" FROM "customers" WHERE ("customers"."id" = $1)'


class Pooled:
    """One connection of a pool."""

    def __init__(self, connection: Any) -> None:
        self._raw = connection.pgconn
        self._names: dict[str, bytes] = {}

    def checkout(self) -> None:
        self.simple("SELECT 1")

    def simple(self, sql: str) -> None:
        _accept(self._raw.exec_(sql.encode()))

    def run(self, sql: str, *values: object) -> None:
        name = self._names.get(sql)
        if name is None:
            name = self._names[sql] = f"__diesel_stmt_{len(self._names)}".encode()
            _accept(self._raw.prepare(name, sql.encode()))
        _accept(self._raw.exec_prepared(name, [str(value).encode() for value in values]))


def _accept(result: Any) -> None:
    assert result.status in (1, 2), result.error_message  # a command that ended, or rows
