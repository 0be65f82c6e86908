"""What PostgreSQL's own catalogue says of its tables, read in one query, as the catalogue that a replay leaves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple

from slowpath.model.finding import Place
from slowpath.model.schema import Index, Key, KeyKind
from slowpath.program.schema import Catalogue, Table, TableColumn

if TYPE_CHECKING:
    from psycopg import Connection

CATALOGUE: LiteralString = """
WITH relations AS (
  SELECT c.oid, c.relkind, n.nspname,
         CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
)
SELECT coalesce(json_object_agg(r.name, json_build_object(
  'view', r.relkind IN ('v', 'm'),
  'partitioned', r.relkind = 'p',
  'parent', coalesce((SELECT t.name FROM pg_inherits h JOIN relations t ON t.oid = h.inhparent
                      WHERE h.inhrelid = r.oid ORDER BY h.inhseqno LIMIT 1), ''),
  'columns', (
    SELECT coalesce(json_object_agg(a.attname,
      json_build_array(format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, a.atthasdef OR a.attidentity <> '')),
      '{}')
    FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
  'keys', (
    SELECT coalesce(json_agg(json_build_array(k.contype, k.conname,
      (SELECT coalesce(json_agg(a.attname ORDER BY at.n), '[]')
       FROM unnest(k.conkey) WITH ORDINALITY at (num, n)
       JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = at.num),
      coalesce((SELECT t.name FROM relations t WHERE t.oid = k.confrelid), ''), k.confdeltype)), '[]')
    FROM pg_constraint k WHERE k.conrelid = r.oid AND k.contype IN ('p', 'u', 'f', 'c')),
  'indexes', (
    SELECT coalesce(json_agg(json_build_array(i.relname, x.indisunique, m.amname,
      (SELECT json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n) FROM generate_series(1, x.indnkeyatts) n),
      (SELECT coalesce(json_agg(pg_get_indexdef(i.oid, n, false) ORDER BY n), '[]')
       FROM generate_series(x.indnkeyatts + 1, x.indnatts) n),
      coalesce(pg_get_expr(x.indpred, x.indrelid), ''), x.indisvalid)), '[]')
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
    WHERE x.indrelid = r.oid
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')))
)), '{}') FROM relations r
"""
"""Every table and view outside of extensions, as JSON."""

TYPES: LiteralString = """
SELECT t.typname, CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE '' END, t.typnotnull
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('d', 'e') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
"""Enums and domains: name, what a domain is made of, whether it cannot be NULL."""

BOOKS: LiteralString = """
SELECT c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relname IN ('__diesel_schema_migrations', '_sqlx_migrations')
ORDER BY n.nspname <> 'public', 1
"""
KINDS: dict[str, KeyKind] = {"p": "primary", "u": "unique", "f": "foreign", "c": "check"}
DELETES = {"a": "", "r": "restrict", "c": "cascade", "n": "set", "d": "set", " ": ""}
SAME = {
    "int": "integer", "int4": "integer", "serial": "integer", "serial4": "integer", "int8": "bigint",
    "bigserial": "bigint", "serial8": "bigint", "int2": "smallint", "smallserial": "smallint", "serial2": "smallint",
    "bool": "boolean", "varchar": "character varying", "char": "character", "bpchar": "character",
    "char varying": "character varying", "national character varying": "character varying",
    "national char varying": "character varying", "nchar varying": "character varying", "nchar": "character",
    "national character": "character", "national char": "character", "dec": "numeric", "decimal": "numeric",
    "float8": "double precision", "float": "double precision", "float4": "real",
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone",
    "time": "time without time zone", "timetz": "time with time zone", "varbit": "bit varying",
}  # fmt: skip
NOWHERE = Place("", (0, 0))


RealKey = tuple[str, str, tuple[str, ...], str, str]
"""Kind, name, columns, target, on delete."""


class RealTable(NamedTuple):
    """A table as its database tells, names in lower case."""

    name: str
    view: bool
    columns: dict[str, tuple[str, bool]]
    keys: list[RealKey]
    indexes: list[Index]


class Live(NamedTuple):
    """A running database. `applied` are the versions that Diesel or sqlx noted, None where neither did.

    `invalid` are indexes that a failed CREATE INDEX CONCURRENTLY left: kept up to date, and never used.
    """

    catalogue: Catalogue
    server: str
    applied: frozenset[str] | None
    invalid: frozenset[str]
    unreadable: tuple[str, ...] = ()
    """Tables of versions that this user may not read."""
    failed: tuple[str, ...] = ()
    """Versions that sqlx noted as begun and not finished."""
    digests: Mapping[str, str] = {}
    """SHA-384 of migrations as sqlx ran them, by version."""
    whole: bool = True
    """False where it was read from a dump that was cut off."""


def read(connection: Connection[Any]) -> Live:
    """All of a database, in one transaction. Raises psycopg.Error."""
    with connection.transaction(), connection.cursor() as cursor:
        told = cursor.execute(CATALOGUE).fetchone()
        home = cursor.execute("SELECT current_schema()").fetchone()
        tables = _at_home(_parsed(told[0]) if told else {}, str(home[0]) if home and home[0] else "public")
        catalogue = _catalogue(tables)
        for name, base, required in cursor.execute(TYPES).fetchall():
            catalogue.types[name.lower()] = plain(base) if base else ""
            if required:
                catalogue.required.add(name.lower())
        applied: set[str] | None = None
        unreadable, failed = [], []
        digests: dict[str, str] = {}
        for name, place, may in cursor.execute(BOOKS).fetchall():
            if not may:
                unreadable.append(name)
                continue
            done = "true" if name.startswith("__diesel") else "success"
            asked = f"SELECT version::text, {done}, to_jsonb(b)->>'checksum' FROM {place} b"
            rows = cursor.execute(asked).fetchall()
            applied = (applied or set()) | {version_key(version) for version, good, _ in rows if good}
            failed += [version for version, good, _ in rows if not good]
            digests |= {version_key(version): digest[2:] for version, _, digest in rows if digest}
        server = cursor.execute("SHOW server_version").fetchone()
    invalid = {index[0].lower() for table in tables.values() for index in table["indexes"] if not index[6]}
    return Live(
        catalogue,
        str(server[0]).partition(" ")[0] if server else "",
        frozenset(applied) if applied is not None else None,
        frozenset(invalid),
        tuple(unreadable),
        tuple(failed),
        digests,
    )


def version_key(version: str) -> str:
    """A version as both sides are compared by: digits as they are, without leading zeros."""
    text = version.replace("-", "").strip()
    return text.lstrip("0") or "0" if text.isdigit() else text


def real_tables(told: object) -> dict[str, RealTable]:
    """What CATALOGUE yields, by name in lower case; without checks, and without indexes that are not valid."""
    return {name.lower(): _real(name, table) for name, table in _parsed(told).items()}


def plain(kind: str) -> str:
    """A type as the catalogue names it."""
    kind = kind.lower().replace('"', "").removeprefix("public.")
    base, dot, _ = kind.partition("[")
    name, paren, detail = base.partition("(")
    detail, _, rest = detail.partition(")")
    if name.strip() == "float" and detail.strip().isdigit():
        name, paren, detail = ("real" if int(detail[:3]) <= 24 else "double precision"), "", ""
    name = SAME.get(name.strip(), name.strip())
    if name.startswith(("timestamp ", "time ")) or rest:
        name, _, tail = name.partition(" ")
        rest = rest.strip() or tail
    if name == "character" and not paren:
        paren, detail = "(", "1"
    if name == "numeric" and paren and "," not in detail:
        detail += ",0"
    return name + (f"({detail})" if paren else "") + (f" {rest.strip()}" if rest else "") + ("[]" if dot else "")


def _parsed(told: object) -> dict[str, dict[str, Any]]:
    parsed = json.loads(told) if isinstance(told, str) else told
    return parsed if isinstance(parsed, dict) else {}


def _at_home(tables: dict[str, dict[str, Any]], home: str) -> dict[str, dict[str, Any]]:
    """Names as statements of this user write them: without the schema that is searched first."""
    if home == "public" or not any(name.startswith(f"{home}.") for name in tables):
        return tables

    def named(name: str) -> str:
        return name.removeprefix(f"{home}.") if "." in name or not name else f"public.{name}"

    for table in tables.values():
        table["parent"] = named(table["parent"])
        table["keys"] = [[kind, own, listed, named(to), deletes] for kind, own, listed, to, deletes in table["keys"]]
    return {named(name): table for name, table in tables.items()}


def _real(name: str, told: dict[str, Any]) -> RealTable:
    columns = {column.lower(): (kind, nullable) for column, (kind, nullable, _) in told["columns"].items()}
    known = [key for key in _keys(told) if key.kind != "check"]
    keys: list[RealKey] = [(key.kind, key.name, key.columns, key.table, key.on_delete) for key in known]
    valid = [index for index, entry in zip(_indexes(told), told["indexes"], strict=True) if entry[6]]
    return RealTable(name, told["view"], columns, keys, valid)


def _keys(told: dict[str, Any]) -> Iterator[Key]:
    for kind, own, listed, target, deletes in told["keys"]:
        columns = tuple(column.lower() for column in listed)
        yield Key(KINDS[kind], columns, own.lower(), (0, 0), table=target.lower(), on_delete=DELETES[deletes])


def _indexes(told: dict[str, Any]) -> list[Index]:
    return [
        Index(own.lower(), _bare(parts), unique, method, where, (0, 0), _bare(include))
        for own, unique, method, parts, include, where, _ in told["indexes"]
    ]


def _bare(parts: list[str]) -> tuple[str, ...]:
    return tuple(part.strip('"').lower() for part in parts)


def _catalogue(told: dict[str, dict[str, Any]]) -> Catalogue:
    catalogue = Catalogue("postgres")
    for written, own in told.items():
        table = Table(written.lower(), own["view"])
        table.written = written if written != written.lower() else ""
        table.parent, table.partitioned = own["parent"].lower(), own["partitioned"]
        for name, (kind, nullable, default) in own["columns"].items():
            table.columns[name.lower()] = TableColumn(name.lower(), kind.lower(), nullable, default, NOWHERE, name)
        table.keys = [(key, "") for key in _keys(own)]
        table.indexes = _indexes(own)
        catalogue.tables[table.name] = table
    return catalogue
