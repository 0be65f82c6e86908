"""What a diagnosis says, before it is Markdown or HTML: sections of blocks of inline text.

All text here is plain, whoever wrote it: a writer escapes what its format would read as more than text.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

BACKTICKS = re.compile(r"`([^`]+)`")


class Code(msgspec.Struct, frozen=True):
    text: str


class Strong(msgspec.Struct, frozen=True):
    text: str


class Link(msgspec.Struct, frozen=True):
    """To a line of a file of the project; shown as `path:line`."""

    path: str
    line: int


class Jump(msgspec.Struct, frozen=True):
    """To a section of the document."""

    text: str
    section: str


Inline = str | Code | Strong | Link | Jump
Text = tuple[Inline, ...]


class Paragraph(msgspec.Struct, frozen=True):
    text: Text
    kind: Literal["", "lead", "missing", "warning"] = ""


class Heading(msgspec.Struct, frozen=True):
    """Below a section's title."""

    text: Text


class Bullets(msgspec.Struct, frozen=True):
    items: tuple[Text, ...]
    numbered: bool = False


class Table(msgspec.Struct, frozen=True):
    """`right` are the columns of numbers."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    right: frozenset[int] = frozenset()


class Listing(msgspec.Struct, frozen=True):
    """A file's text."""

    text: str
    language: str


class Chart(msgspec.Struct, frozen=True):
    """`figure` is Plotly's; `summary` is for those who do not see it. The figures stand in a table as well."""

    id: str
    caption: str
    summary: str
    figure: dict[str, Any]
    broad: bool = False
    """It scrolls by itself where the window is narrow."""


Block = Paragraph | Heading | Bullets | Table | Listing | Chart


class Section(msgspec.Struct, frozen=True):
    id: str
    title: str
    blocks: tuple[Block, ...]


class Document(msgspec.Struct, frozen=True):
    title: str
    sections: tuple[Section, ...]


def told(text: str) -> Text:
    """A message whose `code` stands in backticks."""
    parts = BACKTICKS.split(text)
    return tuple(Code(part) if at % 2 else part for at, part in enumerate(parts) if part)


def missing(what: str, command: str) -> Paragraph:
    """A part that nobody measured, and how to."""
    return Paragraph((Strong("Not measured: "), f"{what}. To measure it: ", Code(command)), "missing")
