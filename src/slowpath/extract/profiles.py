"""The `[profile]` tables of a Cargo.toml or a `.cargo/config.toml` → Settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from slowpath.extract.toml_layout import Layout, TablePath
from slowpath.model.cargo import Setting
from slowpath.model.finding import Span

STRINGS = re.compile(rb"\"[^\"\n]*\"|'[^'\n]*'")

LARGEST = 1_000_000
"""Nothing in a profile counts further."""


def settings(values: Mapping[str, Any], source: bytes, layout: Layout) -> Iterator[Setting]:
    """Every key of every profile."""
    if "profile" not in values:
        return
    spans = {(*table.path, key.name): key.span for table in layout.tables for key in table.keys}
    for path, table in tables(values["profile"]):
        head = place(path, spans, layout)
        package = path[-1] if len(path) > 2 else ""
        for key, value in table.items():
            if isinstance(value, str) or (isinstance(value, int) and abs(value) < LARGEST):
                span = place((*path, key), spans, layout)
                words = [comment(source, at) for at in dict.fromkeys([head[0], span[0]])]
                shown = str(value).lower() if isinstance(value, bool) else str(value)
                yield Setting(path[1], key, shown, span, package, " ".join(filter(None, words)))


def tables(profiles: object) -> Iterator[tuple[TablePath, dict[str, Any]]]:
    """The profiles, and what they say for a package or for build scripts."""
    for profile, table in parts(profiles):
        yield ("profile", profile), table
        for name, override in parts(table.get("package")):
            yield ("profile", profile, "package", name), override
        for name, override in parts({"build-override": table.get("build-override")}):
            yield ("profile", profile, name), override


def parts(table: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables in a table, by name."""
    for name, part in table.items() if isinstance(table, dict) else ():
        if isinstance(part, dict):
            yield name, part


def place(path: TablePath, spans: Mapping[TablePath, Span], layout: Layout) -> Span:
    """Where a key stands, or the table that it is written in."""
    while path:
        span = spans.get(path) or layout.span(path)
        if span:
            return span
        path = path[:-1]
    return 0, 0


def comment(source: bytes, at: int) -> str:
    """What stands behind `#` on a line, and on the lines right above it."""
    start, end = source.rfind(b"\n", 0, at) + 1, source.find(b"\n", at)
    line = STRINGS.sub(b"", source[start : end if end >= 0 else len(source)])
    said = [line.partition(b"#")[2].strip()]
    while start > 0:
        above = source.rfind(b"\n", 0, start - 1) + 1
        line = source[above:start].strip()
        if not line.startswith(b"#"):
            break
        said.append(line.strip(b"# "))
        start = above
    words = b" ".join(part for part in reversed(said) if re.search(rb"\w", part))
    return words.decode("utf-8", "replace")
