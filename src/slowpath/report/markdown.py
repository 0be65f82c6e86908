"""A document as GitHub's Markdown. What others wrote stays text: no markup, link, HTML or formula grows out of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from slowpath.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Document,
    Heading,
    Inline,
    Jump,
    Link,
    Listing,
    Paragraph,
    Strong,
    Table,
    Text,
)
from slowpath.report.style import clean

SPECIAL = re.compile(
    r"[\\`*_\[\]<>&|~$#!]|(?<=\w):(?=//)|(?<=www)\.|^\s*(?:[-+=](?=[-=\s]|$)|\d+(?=[.)](?:\s|$)))", re.I
)
"""What begins markup, an entity, a table's cell, a formula, a link that GitHub makes by itself, or a list."""


def render(document: Document, base: str) -> str:
    """`base` leads from the folder of the report to the project, with a slash at its end, or is empty."""
    lines = [f"# {escaped(document.title)}"]
    for section in document.sections:
        lines += ["", f'<a id="{section.id}"></a>', "", f"## {escaped(section.title)}"]
        for block in section.blocks:
            lines += ["", *_block(block, base)]
    return "\n".join(lines) + "\n"


def _block(block: Block, base: str) -> Iterator[str]:
    match block:
        case Paragraph():
            yield ("> " if block.kind in ("missing", "warning") else "") + inline(block.text, base)
        case Heading():
            yield f"### {inline(block.text, base)}"
        case Bullets():
            for number, item in enumerate(block.items, 1):
                yield f"{f'{number}.' if block.numbered else '-'} {inline(item, base)}"
        case Table():
            yield from (f"**{escaped(block.caption)}**", "")
            yield from _table(block, base)
        case Listing():
            fence = "`" * max(3, _run(block.text) + 1)
            yield from (f"{fence}{block.language}", *map(clean, block.text.rstrip("\n").split("\n")), fence)
        case Chart():
            yield f"*Chart in report.html: {escaped(block.caption)}* {escaped(block.summary)}"


def _table(table: Table, base: str) -> Iterator[str]:
    yield _row(tuple(escaped(name) for name in table.head))
    yield _row(tuple("---:" if at in table.right else "---" for at in range(len(table.head))))
    for row in table.rows:
        yield _row(tuple(inline(cell, base, in_table=True) for cell in row))


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def inline(text: Text, base: str = "", in_table: bool = False) -> str:
    """Text within a line."""
    return "".join(_inline(part, base, in_table, first=at == 0) for at, part in enumerate(text))


def _inline(part: Inline, base: str, in_table: bool, first: bool) -> str:
    match part:
        case Code():
            return _code(part.text, in_table)
        case Strong():
            return _strong(part.text)
        case Link():
            target = quote(base + part.path) + (f"#L{part.line}" if part.line else "")
            return f"[{_code(f'{part.path}:{part.line}' if part.line else part.path, in_table)}]({target})"
        case Jump():
            return f"[{escaped(part.text)}](#{part.section})"
    return escaped(part, first)


def _strong(text: str) -> str:
    """Spaces at the ends would undo the stars."""
    inner = text.strip()
    return text.replace(inner, f"**{escaped(inner)}**", 1) if inner else text


def escaped(text: str, first: bool = True) -> str:
    """Plain text in one line; `first` where a line begins with it."""
    line = clean(text.replace("\n", " ").replace("\t", " "))
    return "".join(_pieces(line, first))


def _pieces(line: str, first: bool) -> Iterator[str]:
    at = 0
    for mark in SPECIAL.finditer(line):
        yield line[at : mark.start()]
        at = mark.end()
        if mark[0][-1].isdigit():  # `1.` and `1)` begin a list: the dot is escaped
            yield f"{mark[0]}\\" if first else mark[0]
        elif mark[0].strip() in ("-", "+", "="):
            yield mark[0][:-1] + (f"\\{mark[0][-1]}" if first else mark[0][-1])
        else:
            yield f"\\{mark[0]}"
    yield line[at:]


def _code(text: str, in_table: bool) -> str:
    """A code span: a fence longer than any run of backticks inside; GitHub wants pipes escaped in tables even there."""
    line = clean(text.replace("\n", " ").replace("\t", " "))
    if not line.strip():
        return ""
    if in_table and "\\|" in line:  # no escape is right for this one in all readers
        return escaped(line)
    fence = "`" * (_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    code = f"{fence}{pad}{line}{pad}{fence}"
    return code.replace("|", "\\|") if in_table else code


def _run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
