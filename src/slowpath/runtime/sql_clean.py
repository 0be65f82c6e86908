"""Statement text without its values: literals become `?`, comments go, parameters and names stay.

Each character belongs to a token that is known to hold no value, or the text is dropped whole. So a text that is
lexed wrongly is no leak: a quote behind a backslash (the server may read it either way), a quote that nothing closes,
a nested comment, a `$` within a name and signs that no SQL has give nothing at all.
"""

from __future__ import annotations

import hashlib
import re

MAX_LENGTH = 200_000
"""Longer statements are dropped: lexing takes 30 ms a megabyte, but what follows takes more."""
LONGEST_NAME = 130
KEPT = {"word", "sign", "parameter", "quoted"}
VALUES = {"number", "string", "escaped", "dollar"}
TOKEN = re.compile(
    r"""(?P<space>\s++|--[^\n]*+|/\*(?:(?!/\*|\*/).)*+\*/)
    |(?P<open>/\*)
    |(?P<escaped>[eE]'(?:[^'\\]|\\.|'')*+')
    |(?P<string>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*+')
    |(?P<dollar>\$(?P<tag>(?:[^\W\d]\w*+)?)\$.*?\$(?P=tag)\$)
    |(?P<parameter>\$\d++)
    |(?P<quoted>(?:[uU]&)?"(?:[^"]|"")*+")
    |(?P<number>\.?\d[\w.]*+(?:(?<=[eE])[+-]\d\w*+)?)
    |(?P<word>[^\W\d]\w*+)(?!\$)
    |(?P<sign>[-+*/<>=~!@#%^&|?.,;:()\[\]])
    |(?P<bad>.)""",
    re.X | re.S,
)
MESSAGES = {"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START", "END", "ABORT", "SET", "RESET", "SHOW",
            "COPY", "CREATE", "ALTER", "DROP", "TRUNCATE", "ANALYZE", "VACUUM", "REINDEX", "EXPLAIN", "LOCK", "LISTEN",
            "NOTIFY", "UNLISTEN", "DEALLOCATE", "DISCARD", "DECLARE", "FETCH", "CLOSE", "MOVE", "PREPARE", "EXECUTE",
            "GRANT", "REVOKE", "REFRESH", "CALL", "DO", "COMMENT", "CLUSTER", "CHECKPOINT"}  # fmt: skip
QUERIES = {"SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "MERGE", "TABLE"}
FIRST = re.compile(r"[\s(]*([A-Za-z]{2,12})\b")
LIST = re.compile(r"\?(?: ?, ?\?)+")
ROWS = re.compile(r"\( ?\? ?\)(?: ?, ?\( ?\? ?\))+")


def cleaned(sql: str) -> str:
    """A statement in one line, without values; of what is no query the first word only; nothing where in doubt."""
    text = expression(sql)
    first = FIRST.match(text)
    verb = first[1].upper() if first else ""
    if verb in QUERIES:
        return text
    return f"{verb} …" if verb in MESSAGES and text != verb else verb if verb in MESSAGES else ""


def expression(sql: str) -> str:
    """The same for a filter of a plan."""
    if len(sql) > MAX_LENGTH:
        return ""
    parts: list[str] = []
    for token in TOKEN.finditer(sql):
        kind, text = token.lastgroup, token[0]
        if kind in KEPT and len(text) <= LONGEST_NAME and text.isprintable():
            parts.append(text)
        elif kind == "space":
            parts.append(" ")
        elif kind in VALUES and (kind != "string" or "\\'" not in text):
            parts.append("?")
        else:
            return ""
    return " ".join("".join(parts).split()).rstrip("; ")


def fingerprint(text: str) -> str:
    """`fp:` and a name for a cleaned text: alike for parameters and literals, and for lists of any length."""
    bare = re.sub(r"\$\d+", "?", text)
    short = ROWS.sub("(?)", LIST.sub("?", bare))
    return "fp:" + hashlib.sha256(re.sub(r"\s*([(),=])\s*", r"\1", short).lower().encode()).hexdigest()[:16]
