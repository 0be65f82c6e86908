"""Whether an index could have served a sequential scan, as far as a snapshot tells. Nothing is created."""

from __future__ import annotations

from slowpath.model.snapshot import Snapshot


def hint(table: str, columns: tuple[str, ...], known: Snapshot | None) -> str:
    """What to do about a scan of a table by some columns, one sentence."""
    if not columns:
        return "the filter compares no column with a value: an index on the expression may serve it"
    plain = [column for column in columns if "(" not in column]
    if known is None:
        return f"whether an index leads with {columns[0]} is unknown: give --after a snapshot"
    owned = [index for index in known.indexes if index.table == table]
    keys = {column for key in known.foreign_keys if key.table == table for column in key.columns[:1]}
    leading = {index.columns[0]: index for index in reversed(owned) if index.columns and not index.partial}
    for column in plain:
        if column in keys and column not in leading:
            return f"{column} is a foreign key without an index: {_create(table, (column,))}"
    serving = next((column for column in columns if column in leading), None)
    if serving is not None:
        name = leading[serving].name
        return f"{name} leads with {serving} and was not used: ANALYZE {table}, or the filter casts the column"
    partial = [index.name for index in owned if index.partial and index.columns and index.columns[0] in columns]
    told = f" ({partial[0]} is partial)" if partial else ""
    return f"no index leads with {' or '.join(columns)}{told}: {_create(table, columns[:2])}"


def _create(table: str, columns: tuple[str, ...]) -> str:
    return f"CREATE INDEX CONCURRENTLY ON {table} ({', '.join(columns)})"
