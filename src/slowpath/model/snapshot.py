"""PostgreSQL's own counters at one moment. Two of them make a difference; they are never reset."""

from __future__ import annotations

import msgspec

from slowpath.model.evidence import Remark


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """One normalised statement of pg_stat_statements, over all users."""

    id: str
    text: str
    calls: int
    total_ms: float
    rows: int
    blocks_read: int


class TableCount(msgspec.Struct, frozen=True, array_like=True):
    """One table of pg_stat_user_tables; `schema.` left out for public."""

    table: str
    seq_scans: int
    seq_rows: int
    index_scans: int
    rows: int
    """Live rows, estimated."""


class IndexColumns(msgspec.Struct, frozen=True, array_like=True):
    """A usable index. Expressions stand as the server writes them."""

    table: str
    name: str
    columns: tuple[str, ...]
    partial: bool = False
    method: str = "btree"


class ForeignKey(msgspec.Struct, frozen=True, array_like=True):
    table: str
    columns: tuple[str, ...]
    target: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`measure queries --snapshot`."""

    schema: str = "slowpath-snapshot/1"
    time: float
    """By the server's clock."""
    server: str
    version: int
    """server_version_num: 150004."""
    database: str
    restarted: float
    """When the server was started."""
    statements: tuple[Counted, ...] | None = None
    """None without the extension."""
    reset: float = 0.0
    """When pg_stat_statements was reset last, where it tells."""
    evicted: int = 0
    """How often it threw the rarest statements out."""
    tables: tuple[TableCount, ...] = ()
    indexes: tuple[IndexColumns, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    remarks: tuple[Remark, ...] = ()
