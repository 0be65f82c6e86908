"""What is said of a scan, by the indexes that a database has; and what a plan's filter compares."""

from __future__ import annotations

import pytest

from slowpath.model.snapshot import ForeignKey, IndexColumns, Snapshot
from slowpath.runtime.index_hints import hint
from slowpath.runtime.shapes import compared, shape

INDEXES = (
    IndexColumns("orders", "orders_pkey", ("id",)),
    IndexColumns("orders", "orders_open", ("status",), partial=True),
    IndexColumns("orders", "orders_tags", ("tags",), method="gin"),
    IndexColumns("orders", "orders_state", ("state", "id")),
    IndexColumns("lines", "lines_order", ("order_id",)),
)
KNOWN = Snapshot(time=0, server="", version=150000, database="", restarted=0, indexes=INDEXES,
                 foreign_keys=(ForeignKey("orders", ("customer_id",), "customers"),))  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("note", "customer_id"), "customer_id is a foreign key without an index: CREATE INDEX CONCURRENTLY ON orders "
                                  "(customer_id)"),
        (("note", "day"), "no index leads with note or day: CREATE INDEX CONCURRENTLY ON orders (note, day)"),
        (("order_id",), "no index leads with order_id: CREATE INDEX CONCURRENTLY ON orders (order_id)"),
        (("note", "state"), "orders_state leads with state and was not used: ANALYZE orders, or a cast hides it"),
        (("status",), "no index leads with status (orders_open holds only some rows): CREATE INDEX CONCURRENTLY ON "
                      "orders (status)"),
        (("tags",), "no index leads with tags: CREATE INDEX CONCURRENTLY ON orders (tags)"),
        (("lower(note)",), "no index leads with lower(note): CREATE INDEX CONCURRENTLY ON orders (lower(note))"),
    ],
)  # fmt: skip
def test_what_an_index_would_do(columns: tuple[str, ...], told: str) -> None:
    assert hint("orders", columns, "", KNOWN) == told


def test_what_is_not_known() -> None:
    assert "is unknown" in hint("orders", ("note",), "", None)
    assert "pg_trgm" in hint("orders", (), "(note ~~ ?::text)", KNOWN)
    assert "on its expression" in hint("orders", (), "((a + b) > ?)", KNOWN)


@pytest.mark.parametrize(
    ("condition", "columns"),
    [
        ("((o.status)::text = ?::text)", ("status",)),
        ("((o.total > ?) AND (o.customer_id = $1))", ("customer_id", "total")),
        ("(lower((o.note)::text) = ?::text)", ("lower(note)",)),
        ("(o.id = ANY (?::integer[]))", ("id",)),
        ("((deleted_at IS NULL) AND (note ~~ ?::text))", ("deleted_at",)),
        ("(customer_id = c.id)", ()),
        ("(hashed SubPlan 1)", ()),
        ("", ()),
    ],
)
def test_columns_of_a_filter(condition: str, columns: tuple[str, ...]) -> None:
    assert compared("orders", "o", condition) == columns


@pytest.mark.parametrize(
    ("text", "verb", "tables", "filters", "limited"),
    [
        ('SELECT "orders"."id" FROM "orders" WHERE ("orders"."customer_id" = $1) LIMIT $2', "select", ("orders",),
         ("orders.customer_id",), True),
        ("select id from public.orders where customer_id = $1 and note in ($2,$3)", "select", ("orders",),
         ("orders.customer_id", "orders.note"), False),
        ('INSERT INTO "orders" ("a","b") VALUES ($1,$2), ($3, DEFAULT) RETURNING "orders"."id"', "insert", ("orders",),
         (), False),
        ('UPDATE "orders" SET "a" = $1 WHERE ("orders"."id" = $2)', "update", ("orders",), ("orders.id",), False),
        ('DELETE  FROM "audit"."log" WHERE ("audit"."log"."id" = $1)', "delete", ("audit.log",), ("audit.log.id",),
         False),
        ("SET …", "other", (), (), False),
        ("no SQL ( at all", "", (), (), False),
    ],
)  # fmt: skip
def test_shapes(text: str, verb: str, tables: tuple[str, ...], filters: tuple[str, ...], limited: bool) -> None:
    found = shape(text)
    assert (found.verb, found.tables, found.filters, found.limited) == (verb, tables, filters, limited)


def test_shape_of_a_join_as_diesel_writes_it() -> None:
    found = shape(
        'SELECT "parts"."name" FROM ("lines" INNER JOIN "parts" ON ("lines"."part_id" = "parts"."id")) '
        'WHERE ("lines"."order_id" = $1) ORDER BY "parts"."weight" DESC'
    )
    assert (found.tables, found.filters) == (("lines", "parts"), ("lines.order_id",))
    assert (found.joins, found.order) == ((("lines.part_id", "parts.id"),), ("parts.weight",))
