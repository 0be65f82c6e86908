"""What a bundler built, in words that all formats share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, NamedTuple, TypeVar

import msgspec

Size = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]
Shape = TypeVar("Shape")
LONGEST = 300
"""Characters of a module's name that are kept."""


class BundleError(Exception):
    """What cannot be read as a build; the text is one line."""


class Piece(NamedTuple):
    """One file that was built, named as its bundler names it. `size` is what the bundler says, 0 where it does not.

    `modules` are bytes by module: exact in the file, or before it was made small.
    """

    file: str
    entry: bool
    imports: tuple[str, ...] = ()
    """Files that load with it."""
    size: int = 0
    modules: Mapping[str, int] = {}


class Link(NamedTuple):
    """An import between modules."""

    importer: str
    module: str
    dynamic: bool


class Build(NamedTuple):
    """One reading. `entries` are modules; `exact`: the modules' bytes are those in the file, and add up."""

    source: str
    pieces: tuple[Piece, ...]
    links: tuple[Link, ...] = ()
    entries: tuple[str, ...] = ()
    exact: bool = False


def tidy(name: str) -> str:
    """A module's name: without the bundler's marks, query and root; a package's file begins with `node_modules/`."""
    text = name.replace("\\", "/").partition("?")[0].lstrip("\0")
    head, found, tail = text.rpartition("node_modules/")
    text = found + tail if found and (not head or head[-1] in "/.") else text
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return "".join(c for c in "/".join(parts) if c.isprintable())[:LONGEST]


def package_of(module: str) -> str:
    """The package that a module belongs to; nothing where it is the project's own."""
    if not module.startswith("node_modules/"):
        return ""
    parts = module.split("/")[1:]
    return "/".join(parts[: 2 if parts[0].startswith("@") else 1])


def decoded(text: bytes, shape: type[Shape], what: str) -> Shape:
    """JSON in the shape that a format has. Raises BundleError."""
    try:
        return msgspec.json.decode(text, type=shape)
    except msgspec.DecodeError as error:
        raise BundleError(f"{what}: {' '.join(str(error).split())[:200]}") from None
    except RecursionError:
        raise BundleError(f"{what}: nested too deeply") from None


def closure(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> list[str]:
    """All that can be reached, the starts first, breadth first."""
    found = dict.fromkeys(starts)
    for name in (queue := list(found)):
        for other in edges.get(name, ()):
            if other not in found:
                found[other] = None
                queue.append(other)
    return list(found)
