"""Plans of auto_explain → sequential scans over large tables. Filters lose their values while they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from slowpath.runtime.sql_clean import expression

LARGE = 10_000
"""Rows that a scan reads before it is told of."""
REMOVED = 0.9
"""Share of them that the filter throws away."""
NODES = 20_000
"""Of a plan, at most."""
SHOWN = 500


class Scan(NamedTuple):
    """One node of one plan; rows are those of the whole plan, all its loops."""

    table: str
    alias: str
    filter: str
    kept: float
    removed: float


class Plan(NamedTuple):
    """`text`: the statement as it was sent, with values."""

    text: str
    scans: list[Scan]
    cut: bool


def read(text: str) -> Plan | None:
    """A plan in JSON; of one that is cut, the nodes before the cut. Nothing where it is no plan."""
    told, cut = _decoded(text)
    if not isinstance(told, dict):
        return None
    statement = told.get("Query Text")
    scans = [scan for node in _nodes(told.get("Plan")) if (scan := _scan(node)) is not None]
    return Plan(statement if isinstance(statement, str) else "", scans, cut)


def _decoded(text: str) -> tuple[Any, bool]:
    try:
        return msgspec.json.decode(text), False
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        pass
    try:
        return msgspec.json.decode(_mended(text)), True
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None, True


def _mended(text: str) -> str:
    """Cut behind the last whole value, and closed."""
    closing: list[str] = []
    best, best_closing = 0, ""
    at, size = 0, len(text)
    while at < size:
        sign = text[at]
        if sign == '"':
            end = _string_end(text, at)
            if end < 0:
                break
            at = end
        elif sign in "{[":
            closing.append("}" if sign == "{" else "]")
            if len(closing) > 400:
                return ""
        elif sign in "}]":
            if not closing:
                break
            closing.pop()
            best, best_closing = at + 1, "".join(reversed(closing))
        elif sign == ",":
            best, best_closing = at, "".join(reversed(closing))
        at += 1
    return text[:best] + best_closing


def _string_end(text: str, start: int) -> int:
    """Where a string's closing quote stands; -1 where none does."""
    at = start + 1
    while True:
        quote = text.find('"', at)
        if quote < 0:
            return -1
        back = quote
        while text[back - 1] == "\\":
            back -= 1
        if (quote - back) % 2 == 0:
            return quote
        at = quote + 1


def _nodes(root: Any) -> Iterator[dict[str, Any]]:
    waiting = [root]
    for _ in range(NODES):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            below = node.get("Plans")
            waiting += reversed(below) if isinstance(below, list) else []


def _scan(node: dict[str, Any]) -> Scan | None:
    """Nothing but a sequential scan that reads much and keeps little."""
    table, condition = node.get("Relation Name"), node.get("Filter")
    if node.get("Node Type") != "Seq Scan" or not isinstance(table, str) or not isinstance(condition, str):
        return None
    kept, removed, loops = (_number(node.get(n)) for n in ("Actual Rows", "Rows Removed by Filter", "Actual Loops"))
    loops = max(1.0, loops)
    parts = loops if node.get("Parallel Aware") is True else 1.0  # workers share one scan; loops repeat it
    scanned = (kept + removed) * parts
    if scanned < LARGE or removed < REMOVED * (kept + removed):
        return None
    schema, alias = node.get("Schema"), node.get("Alias")
    named = f"{schema}.{table}" if isinstance(schema, str) and schema != "public" else table
    shown = named if len(named) <= 130 and named.isprintable() else ""
    words = alias if isinstance(alias, str) else ""
    return Scan(shown, words, expression(condition)[:SHOWN], kept * loops, removed * loops)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e15 else 0.0
