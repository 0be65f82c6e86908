"""Whether an index could have served a sequential scan, as far as a snapshot tells. Nothing is created."""

from __future__ import annotations

from slowpath.model.snapshot import Snapshot

LIKE = (" ~~ ", " ~~* ", " ~ ", " ~* ")
EQUALITY = {"btree", "hash"}
"""Methods that serve comparisons."""


def hint(table: str, columns: tuple[str, ...], condition: str, known: Snapshot | None) -> str:
    """What to do about a scan of a table by some columns, one sentence."""
    if not columns:
        if any(sign in condition for sign in LIKE):
            return "it looks for a pattern: an index with gin_trgm_ops of pg_trgm serves one that begins with anything"
        return "the filter compares no column with a value: an index on its expression may serve it"
    if known is None:
        return f"whether an index leads with {columns[0]} is unknown: give --before and --after"
    owned = [index for index in known.indexes if index.table == table and index.columns]
    leading = {each.columns[0]: each for each in reversed(owned) if not each.partial and each.method in EQUALITY}
    keys = {column for key in known.foreign_keys if key.table == table for column in key.columns[:1]}
    bare = next((column for column in columns if column in keys and column not in leading), None)
    if bare is not None:
        return f"{bare} is a foreign key without an index: {_create(table, (bare,))}"
    serving = next((leading[column] for column in columns if column in leading), None)
    if serving is not None:
        return f"{serving.name} leads with {serving.columns[0]} and was not used: ANALYZE {table}, or a cast hides it"
    partial = next((each.name for each in owned if each.partial and each.columns[0] in columns), None)
    told = f" ({partial} holds only some rows)" if partial else ""
    return f"no index leads with {' or '.join(columns)}{told}: {_create(table, columns[:2])}"


def _create(table: str, columns: tuple[str, ...]) -> str:
    return f"CREATE INDEX CONCURRENTLY ON {table} ({', '.join(columns)})"
