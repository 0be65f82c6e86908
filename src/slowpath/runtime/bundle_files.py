"""Which files lie in a build folder, what they weigh, and what its index.html loads.

The names come from JSON that nobody vouches for: nothing outside the folder is opened, by no `..`, root or link.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import NamedTuple

BLOCK = 1 << 20
MAX_FILE = 1 << 28
"""Larger ones are no code of a web page."""
HTML_BYTES = 1 << 20


class Weight(NamedTuple):
    """On disk, and as a server sends it by gzip."""

    bytes: int
    gzip: int


def place(folder: Path, names: Iterable[str]) -> dict[str, Path]:
    """The file that each name means. Bundlers name them from where they ran: the first folders of it may not count."""
    listed = [(name, _parts(name)) for name in names]
    best: dict[str, Path] = {}
    for skipped in range(6):
        found = {
            name: path
            for name, parts in listed
            if len(parts) > skipped and (path := inside(folder, parts[skipped:])) is not None
        }
        if len(found) > len(best):
            best = found
    return best


def inside(folder: Path, parts: Iterable[str]) -> Path | None:
    """A file in the folder, links followed; nothing where there is none or it lies elsewhere."""
    try:
        root = folder.resolve()
        path = root.joinpath(*parts).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a name too long, with a NUL, or links in a circle
        return None


def _parts(name: str) -> list[str]:
    """The folders of a name and the file; those that lead out, or begin at the root, are left away."""
    pure = PurePosixPath(name.replace("\\", "/").partition("?")[0])
    return [part for part in pure.parts if part not in ("/", "//", "..", ".") and not part.endswith(":")]


def weigh(path: Path) -> Weight | None:
    """None where it cannot be read."""
    packer = zlib.compressobj(wbits=31)
    size = packed = 0
    try:
        if path.stat().st_size > MAX_FILE:
            return None
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                size += len(block)
                packed += len(packer.compress(block))
    except OSError:
        return None
    return Weight(size, packed + len(packer.flush()))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if tag == "script" and known.get("src") and "nomodule" not in known:
            self.loads.append(known["src"])
        if tag == "link" and {"modulepreload", "stylesheet"} & set(known.get("rel", "").split()):
            self.loads.append(known.get("href", ""))


def loaded_by_page(folder: Path) -> dict[str, Path]:
    """The files that index.html loads at once, by their path in the folder; none where there is no page."""
    path = inside(folder, ["index.html"])
    if path is None:
        return {}
    page = _Page()
    try:
        with path.open("rb") as file:
            page.feed(file.read(HTML_BYTES).decode("utf-8", "replace"))
    except OSError:
        return {}
    found = place(folder, (name for name in page.loads if name and "//" not in name))
    root = folder.resolve()
    return {path.relative_to(root).as_posix(): path for path in found.values()}
