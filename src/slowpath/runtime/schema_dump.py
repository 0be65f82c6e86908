"""The text of `pg_dump` → what it makes, as facts of SQL, and the versions of migrations where it holds those rows."""

from __future__ import annotations

import re
from typing import NamedTuple

from slowpath.extract import sql
from slowpath.model.schema import CreateTable, Operation
from slowpath.program.schema import Catalogue
from slowpath.runtime.catalogue import version_key

COPY = re.compile(rb"^COPY ([^\n(]+?) \(([^\n]*)\) FROM stdin;\n(.*?)^\\\.\n", re.M | re.S)
META = re.compile(rb"^\\[^\n]*\n", re.M)
"""What only psql understands: `\\restrict`, `\\connect`."""
BOOKS = {b"__diesel_schema_migrations": b"", b"_sqlx_migrations": b"t"}
"""Tables of versions, and what their column `success` must say."""
HEAD, END = b"-- PostgreSQL database dump\n", b"-- PostgreSQL database dump complete\n"
SERVER = re.compile(rb"^-- Dumped from database version ([^\n]+)$", re.M)


class DumpError(Exception):
    """A file that is no dump in SQL; the text is one line."""


class Dump(NamedTuple):
    """`applied` is None where the dump holds no rows of the table of versions."""

    operations: list[Operation]
    server: str
    applied: frozenset[str] | None
    whole: bool
    """It ends as pg_dump ends."""


def read(text: bytes) -> Dump:
    """Raises DumpError."""
    if text.startswith(b"PGDMP"):
        raise DumpError("a dump in pg_dump's own format: write one in SQL, `pg_dump --schema-only`")
    applied: frozenset[str] | None = None
    text = text.replace(b"\r\n", b"\n")
    for match in COPY.finditer(text):
        rows = _versions(match[1], match[2], match[3])
        if rows is not None:
            applied = (applied or frozenset()) | rows
    server = SERVER.search(text)
    operations = sql.extract(META.sub(b"", COPY.sub(b"", text))).operations
    if not any(isinstance(operation, CreateTable) for operation in operations):
        raise DumpError("no statement in it makes a table: a dump of `pg_dump --schema-only` is wanted")
    whole = HEAD not in text or END in text
    return Dump(
        operations, server[1].decode(errors="replace").strip().partition(" ")[0] if server else "", applied, whole
    )


def settled(catalogue: Catalogue) -> Catalogue:
    """The catalogue with each key once: a dump names those of partitions again that their parents gave them.

    What a view yields is the server's to say: only that it is there is certain.
    """
    for table in catalogue.tables.values():
        table.uncertain |= table.view
        if not table.parent:
            continue
        kept = {(key.kind, key.columns, key.table, key.text): (key, path) for key, path in table.keys}
        table.keys = list(kept.values())
    return catalogue


def _versions(table: bytes, columns: bytes, rows: bytes) -> frozenset[str] | None:
    name = table.rpartition(b".")[2].strip(b'" ')
    listed = [column.strip(b'" ') for column in columns.split(b",")]
    if name not in BOOKS or b"version" not in listed:
        return None
    cells = [line.split(b"\t") for line in rows.splitlines()]
    at, good = listed.index(b"version"), listed.index(b"success") if b"success" in listed else None
    return frozenset(
        version_key(row[at].decode(errors="replace"))
        for row in cells
        if len(row) == len(listed) and (good is None or row[good] == BOOKS[name])
    )
