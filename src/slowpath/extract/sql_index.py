"""What an index lists and its predicate, from tokens to text."""

from __future__ import annotations

import re

from slowpath.extract.sql_text import Cursor

DOUBLED = re.compile(r"\( \( (\w+) \) \)")
OPERATOR = frozenset("<>=!|+-*/~@#&?")
TYPE_WORDS = frozenset(["PRECISION", "VARYING", "WITH", "WITHOUT", "TIME", "ZONE"])
"""Words after the first of a type's name."""


def parts(cursor: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns and expressions in parentheses, and what follows each: a length, an operator class, a direction."""
    listed, options = [], []
    for part in cursor.group():
        listed.append(_part(part))
        options.append(" ".join(item[1].lower() for item in part.items[part.at :]))
    return tuple(listed), tuple(options) if any(options) else ()


def _part(part: Cursor) -> str:
    """What a part is about; the cursor stops behind it."""
    if part.peek() == "(":
        part.skip()
        if part.peek() not in OPERATOR:
            return _expression(part)
    name = part.name()
    if part.peek() == "(":
        if part.at + 1 < len(part.items) and part.items[part.at + 1][0] == "number":
            return name
        part.skip()
        if part.peek() not in OPERATOR and part.peek() != ":":
            return _expression(part)
    elif name and part.peek() not in OPERATOR:
        return name
    part.at = len(part.items)
    return _expression(part)


def _expression(part: Cursor) -> str:
    """What comes before the cursor."""
    return f"({expression(Cursor(part.items[: part.at]))})"


def expression(cursor: Cursor) -> str:
    """The rest as text: lower case, one space between words, strings quoted, casts and outer parentheses gone."""
    words: list[str] = []
    last = -1
    while not cursor.done():
        kind, text, start, end = cursor.items[cursor.at]
        cursor.at += 1
        if kind == "sign" and text == "::":
            _skip_type(cursor)
        elif words and kind == "sign" and text in OPERATOR and words[-1][-1] in OPERATOR and start == last:
            words[-1] += text
        else:
            words.append(f"'{text}'" if kind == "string" else text.lower())
        last = end
    outer = _around(words)
    words = words[outer : len(words) - outer]
    return DOUBLED.sub(r"( \1 )", " ".join(words))


def _skip_type(cursor: Cursor) -> None:
    cursor.name()
    while cursor.peek() in TYPE_WORDS or cursor.peek() in ("(", "["):
        if cursor.peek() == "[":
            cursor.at += 2
        else:
            cursor.skip()


def _around(words: list[str]) -> int:
    """How many pairs of parentheses are around all of it."""
    opened: list[int] = []
    closed: dict[int, int] = {}
    for number, word in enumerate(words):
        if word == "(":
            opened.append(number)
        elif word == ")" and opened:
            closed[opened.pop()] = number
    count = 0
    while closed.get(count) == len(words) - 1 - count:
        count += 1
    return count
