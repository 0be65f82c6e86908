"""PostgreSQL's catalogue → the statements that drop its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from slowpath.runtime.baseline_sql import BOOKS, firsts, own

if TYPE_CHECKING:
    from psycopg import Connection

DROPS: LiteralString = (
    """SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN
  'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE' ELSE 'TABLE' END, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c') AND NOT c.relispartition AND """
    + BOOKS
    + " AND "
    + own("c")
    + " ORDER BY position(c.relkind::text in 'vmrpSc'), c.oid DESC"
)
DROP_FUNCTIONS: LiteralString = (
    "SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p "
    "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p') AND "
    + own("p")
    + " ORDER BY p.oid DESC"
)
DROP_TYPES: LiteralString = (
    "SELECT format('DROP %s IF EXISTS %I.%I CASCADE', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, "
    "n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE t.typtype IN ('d', 'e') AND " + own("t") + " ORDER BY t.typtype, t.oid DESC"
)
DROP_SCHEMAS: LiteralString = (
    "SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', n.nspname) FROM pg_namespace n WHERE n.nspname <> 'public' AND "
    + own("n")
    + " ORDER BY 1"
)


def down(connection: Connection[Any]) -> str:
    """What drops all that `up` makes, but extensions: others may need them. Raises psycopg.Error."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = pg_catalog")
        parts: list[str] = []
        for query in (DROPS, DROP_FUNCTIONS, DROP_TYPES, DROP_SCHEMAS):
            parts += firsts(cursor.execute(query).fetchall())
    return "".join(f"{part};\n" for part in parts)
