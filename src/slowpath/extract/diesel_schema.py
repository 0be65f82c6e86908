"""Diesel's declarations in one Rust file: `table!`, `joinable!`, SQL marker types, and what models belong to."""

from __future__ import annotations

import re

from tree_sitter import Node

from slowpath.extract.parsing import text
from slowpath.model.diesel import Joinable, MacroColumn, Model, TableMacro

TOKEN = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|->|::|r#[A-Za-z_]\w*|[^\W\d]\w*|\d+|[^\s\w]",
    re.S,
)

Word = tuple[str, int, int]


def _words(source: str, offset: int) -> list[Word]:
    found = ((m[0], m.start() + offset, m.end() + offset) for m in TOKEN.finditer(source))
    return [word for word in found if not word[0].startswith(("//", "/*"))]


def tables(body: Node) -> list[TableMacro]:
    """The tables of one `table!` body, a token tree."""
    source = (body.text or b"").decode("latin-1")[1:-1]
    words = _words(source, body.start_byte + 1)
    found: list[TableMacro] = []
    at, renamed = 0, ""
    while at < len(words):
        word = words[at][0]
        if word == "use":
            at = _until(words, at, ";")
        elif word == "#":
            at, attribute = _attribute(words, at)
            renamed = attribute or renamed
        else:
            at, table = _table(words, at, renamed)
            renamed = ""
            if table is not None:
                found.append(table)
    return found


def _until(words: list[Word], at: int, sign: str) -> int:
    while at < len(words) and words[at][0] != sign:
        at += 1
    return at + 1


def _close(words: list[Word], at: int) -> int:
    """The place after the bracket that the one at `at` opens."""
    depth = 0
    while at < len(words):
        depth += (words[at][0] in "([{<") - (words[at][0] in ")]}>")
        at += 1
        if depth == 0:
            break
    return at


def _attribute(words: list[Word], at: int) -> tuple[int, str]:
    """Past `#[…]`, and the string of a `sql_name`."""
    end = _close(words, at + 1)
    inner = [word[0] for word in words[at + 2 : end - 1]]
    name = inner[2].strip('"') if inner[:2] == ["sql_name", "="] and len(inner) > 2 else ""
    return end, name


def _table(words: list[Word], at: int, renamed: str) -> tuple[int, TableMacro | None]:
    first = at
    name = words[at][0].removeprefix("r#")
    schema = ""
    at += 1
    if at + 1 < len(words) and words[at][0] == ".":
        schema, name = name, words[at + 1][0].removeprefix("r#")
        at += 2
    primary: tuple[str, ...] = ("id",)
    if at < len(words) and words[at][0] == "(":
        end = _close(words, at)
        primary = tuple(word[0].removeprefix("r#") for word in words[at + 1 : end - 1] if word[0] != ",")
        at = end
    if at >= len(words) or words[at][0] != "{":
        return at + 1, None
    end = _close(words, at)
    columns = _columns(words[at + 1 : end - 1])
    full = renamed or name
    if schema and schema not in ("public", "main"):
        full = f"{schema}.{full}"
    span = (words[first][1], words[at - 1][2])
    return end, TableMacro(full.lower(), name, primary, tuple(columns), span)


def _columns(words: list[Word]) -> list[MacroColumn]:
    found = []
    at, renamed = 0, ""
    while at + 1 < len(words):
        if words[at][0] == "#":
            at, attribute = _attribute(words, at)
            renamed = attribute or renamed
            continue
        if words[at + 1][0] != "->":
            at += 1
            continue
        name, start, _ = words[at]
        first = at = at + 2
        depth = 0
        while at < len(words) and not (words[at][0] == "," and depth == 0):
            depth += (words[at][0] in "<(") - (words[at][0] in ">)")
            at += 1
        rust = name.removeprefix("r#")
        span = (start, words[at - 1][2])
        found.append(MacroColumn((renamed or rust).lower(), _type(words[first:at]), span, rust))
        at, renamed = at + 1, ""
    return found


def _type(words: list[Word]) -> str:
    """A type without paths: `Nullable<Text>`."""
    parts: list[str] = []
    for word, _, _ in words:
        if word == "::":
            del parts[-1:]
        else:
            parts.append(word)
    return "".join(parts)


JOINABLE = re.compile(r"\(?\s*(?:\w+\s*::\s*)*(\w+)\s*->\s*(?:\w+\s*::\s*)*(\w+)\s*\(\s*(\w+)\s*\)")


def joinable(body: Node) -> list[Joinable]:
    """The pair of one `joinable!` body."""
    match = JOINABLE.match(text(body))
    return [Joinable(match[1], match[2], match[3])] if match else []


SQL_TYPE = re.compile(
    r"(?:postgres_type|sqlite_type|mysql_type)\s*\(\s*name\s*=\s*\"([^\"]+)\"|\bpostgres_type\s*=\s*\"([^\"]+)\""
)
TABLE_NAME = re.compile(r"\btable_name\s*=\s*\"?(?:\w+\s*::\s*)*(\w+)")
BELONGS = re.compile(
    r"\bbelongs_to\s*\(\s*(?:parent\s*=\s*\"?)?(?:\w+\s*::\s*)*(\w+)\s*(?:<[^>]*>)?\"?\s*(?:,\s*foreign_key\s*=\s*\"?(\w+))?"
)
DERIVES_TABLE = re.compile(r"\b(?:Identifiable|Insertable|AsChangeset|Associations|Queryable|Selectable)\b")


def sql_type(attributes: str) -> str:
    """The SQL name in the attributes of a marker type."""
    match = SQL_TYPE.search(attributes)
    return (match[1] or match[2]).lower() if match else ""


def model(name: str, attributes: str) -> list[Model]:
    """A model's table and parents, from the attributes above its struct."""
    if not DERIVES_TABLE.search(attributes):
        return []
    table = TABLE_NAME.search(attributes)
    parents = tuple((m[1], m[2] or f"{snake(m[1])}_id") for m in BELONGS.finditer(attributes))
    return [Model(name, table[1] if table else f"{snake(name)}s", parents)] if table or parents else []


def snake(name: str) -> str:
    """`BlogPost` → `blog_post`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
