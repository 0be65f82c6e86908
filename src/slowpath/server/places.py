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


def root_of(place: Path, *, folder: bool) -> Path:
    """The root of the project that a file or a folder lies in. Raises NoProjectError.

    A file that is in no folder of the editor's needs a mark above it: what lies around it is nobody's project.
    """
    start = next((each for each in (place, *place.parents) if each.is_dir()), place)
    root = config.project_root([start])
    if not folder and root == start and not config.marked(root):
        raise NoProjectError(f"{place}: lies in no project (no slowpath.toml and no .git above it)")
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
