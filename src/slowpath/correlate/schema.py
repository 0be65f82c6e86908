"""Findings about schema.rs and migrations, beside the running database."""

from __future__ import annotations

import re

from slowpath.correlate.words import listed
from slowpath.model.evidence import SchemaPart
from slowpath.model.finding import Finding, Measured

RULES = frozenset(["schema-drift"])
NAMED = re.compile(r"`(?P<table>[\w.]+?)(?:\.(?P<column>\w+))?`")
"""What a message is about: `table.column`, or a table."""
OTHER = re.compile(r"gives? `(?P<table>[\w.]+)` a column `(?P<column>\w+)`")


def judge(part: SchemaPart, finding: Finding) -> Measured | None:
    """What the database says of a difference between code and migrations."""
    found = OTHER.search(finding.message) or NAMED.search(finding.message)
    if found is None or not {"database", "code"} <= set(part.compared):
        return None
    table, column = found["table"].lower(), (found["column"] or "").lower()
    own = [
        difference
        for difference in part.differences
        if difference.name.lower() in ({f"{table}.{column}", table} if column else {table})
        and difference.database != difference.code
        and difference.code != "unknown"
    ]
    if own:
        return Measured("confirmed", f"so it is in the running database: {listed(each.message for each in own)}")
    subject = f"{table}.{column}" if column else table
    return Measured("contradicted", f"in the running database `{subject}` is as the code has it")
