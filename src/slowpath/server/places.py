"""Files as an editor names them: URIs, in the spelling of the folders that it opened."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slowpath import config


class NoProjectError(Exception):
    """Why a folder is not analysed; the text names it."""


def named(uri: str) -> Path | None:
    """The file as the client spells it, links and all; None for an untitled buffer, a diff, a notebook's cell."""
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.fragment or parts.netloc not in ("", "localhost"):
        return None
    name = unquote(parts.path)
    return Path(name[1:] if name[2:3] == ":" else name)  # /c:/…


def path_of(uri: str) -> Path | None:
    """The file, with the links of its folder followed."""
    path = named(uri)
    return path.parent.resolve() / path.name if path is not None else None


def root_of_file(place: Path, opened: Iterable[Path]) -> Path:
    """The root of the project that a file lies in, marked or one of those that are `opened`. Raises NoProjectError."""
    marked = next((folder for folder in place.parents if config.marked(folder)), None)
    if marked is not None:
        return checked(marked)
    around = [root for root in opened if place.is_relative_to(root)]
    if not around:
        raise NoProjectError(f"{place}: lies in no project (no slowpath.toml and no .git above it)")
    return max(around, key=lambda root: len(root.parts))


def root_of_folder(folder: Path) -> Path:
    """The root of the project that a folder of the editor's lies in, or is. Raises NoProjectError and ConfigError."""
    return checked(config.project_root([folder]))


def checked(root: Path) -> Path:
    """The root, unless it is no project's. Raises NoProjectError."""
    home = Path.home().resolve()
    if root in (home, *home.parents):
        raise NoProjectError(f"{root}: is no project, and is not read: open the folder of one")
    return root


def shown_root(root: Path, opened: Iterable[Path]) -> Path:
    """The root as the editor would name it: by the folder that it opened, which may be a link."""
    for folder in opened:
        real = folder.resolve()
        if root.is_relative_to(real):
            return folder / root.relative_to(real)
        above = len(real.parts) - len(root.parts)
        if real.is_relative_to(root) and len(folder.parents) >= above and folder.parents[above - 1].resolve() == root:
            return folder.parents[above - 1]
    return root
