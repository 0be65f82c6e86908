"""What a migration's text gives away beside its schema: dialect, rows, locks that somebody thought of."""

from __future__ import annotations

import re

from slowpath.extract.sql_text import Cursor, tokens
from slowpath.model.finding import Span
from slowpath.model.schema import SqlFacts

DIALECTS = (
    ("clickhouse", re.compile(r"\bENGINE\s*=\s*\w*MergeTree\b", re.I)),
    ("mysql", re.compile(r"\bAUTO_INCREMENT\b|\bENGINE\s*=|\bUNSIGNED\b", re.I)),
    (
        "sqlite",
        re.compile(r"\bAUTOINCREMENT\b|\bPRAGMA\b|\bWITHOUT\s+ROWID\b|\bstrftime\s*\(|\bdatetime\s*\(\s*'now'", re.I),
    ),
    (
        "postgres",
        re.compile(
            r"\b(?:BIG|SMALL)?SERIAL\b|\bJSONB\b|\bTIMESTAMPTZ\b|\bBYTEA\b|\bplpgsql\b|::\s*\w|\bCREATE\s+(?:EXTENSION|TYPE)\b"
            r"|\bINDEX\s+CONCURRENTLY\b|\bdiesel_manage_updated_at\b|\bgen_random_uuid\b|\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET|DROP|TYPE)\b|\$\$",
            re.I,
        ),
    ),
)

COMMENT = re.compile(r"--[^\n]*")
SEED = re.compile(r"INSERT\s+INTO\s+(?:public\.)?[`\"]?(\w+)[`\"]?(?:\s*\([^()]*\))?\s*VALUES\b", re.I)
TELLING = 100_000
"""Characters of statements that are asked for their dialect; rows of data tell little."""
LOCKS = re.compile(
    r"\block(?:s|ed|ing)?\b|\bconcurrently\b|\bACCESS EXCLUSIVE\b|\b(?:table|full|validation) scan\b", re.I
)
FUNCTION = re.compile(r"CREATE\s+(?:OR\s+REPLACE\s+)?FUNCTION\s+(?:\w+\.)?\"?(\w+)", re.I)
STEADY = re.compile(r"\b(?:IMMUTABLE|STABLE|RETURNS\s+TRIGGER)\b", re.I)
UNSTEADY = re.compile(r"\bLANGUAGE\s+'?plpgsql\b|\bVOLATILE\b|random|\bnextval\b|\bclock_timestamp\b", re.I)
EMPTYING = re.compile(r"TRUNCATE\b|DELETE\s+FROM\b", re.I)


def signs(text: str, spans: list[Span]) -> SqlFacts:
    """All facts but the operations, given where the statements stand."""
    seeds = {span: match[1].lower() for span in spans if (match := SEED.match(text, *span))}
    others = [span for span in spans if span not in seeds]
    return SqlFacts(
        dialect=_dialect(text, others),
        seeded=sorted(set(seeds.values())),
        emptied=sorted({name for span in others for name in _emptied(text, span)}),
        statements=len(spans),
        no_transaction=text.startswith("-- no-transaction"),
        weighed=_weighed(text, spans),
        volatile=sorted({match[1].lower() for span in others if (match := _volatile(text, span))}),
    )


def _dialect(text: str, spans: list[Span]) -> str:
    parts: list[str] = []
    room = TELLING
    for start, end in spans:
        if room <= 0:
            break
        parts.append(text[start : min(end, start + room)])
        room -= len(parts[-1])
    told = COMMENT.sub(" ", "\n".join(parts))
    return next((name for name, pattern in DIALECTS if pattern.search(told)), "")


def _emptied(text: str, span: Span) -> list[str]:
    """The tables that lose all rows."""
    if not EMPTYING.match(text, *span):
        return []
    cursor = Cursor(tokens(text, span))
    truncated = cursor.accept("TRUNCATE")
    _ = cursor.accept("DELETE", "FROM") or cursor.accept("TABLE")
    cursor.accept("ONLY")
    names = cursor.names()
    return names if truncated or cursor.done() else []


def _weighed(text: str, spans: list[Span]) -> list[Span]:
    ends = [0, *(end for _, end in spans)]
    gaps = zip(ends, spans, strict=False)
    return [span for end, span in gaps if span[0] - end > len("lock") and LOCKS.search(text, end, span[0])]


def _volatile(text: str, span: Span) -> re.Match[str] | None:
    """A function that is run for each row: SQL ones are inlined, and then only what they call counts."""
    match = FUNCTION.match(text, *span)
    return match if match and UNSTEADY.search(text, *span) and not STEADY.search(text, *span) else None
