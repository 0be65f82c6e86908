"""A project as a commit or the index holds it, read like the folder itself.

What the checkout holds in another form, because git changes line ends or filters the file, is given in that form: it is
compared with what a checkout holds, and no filter is run.
"""

from __future__ import annotations

import errno
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from slowpath import git
from slowpath.discover import Discovery, Disk, SkippedError, TooLargeError, discover, printable

MAX_HOPS = 8
"""Of links that lead to links."""
MAX_LINK = 4096


class Snapshot:
    """A tree whose contents git holds. `beside` gives the checkout's own bytes of a file, where it has that file.

    `same` are the files that the checkout has as they are here, in the form that its filters gave them.
    """

    def __init__(
        self,
        entries: Mapping[str, git.Entry],
        blobs: git.Blobs,
        beside: Callable[[str], bytes | None],
        same: Iterable[str] = (),
    ) -> None:
        self.entries = entries
        self.blobs = blobs
        self.beside = beside
        self.same = frozenset(same)

    def names(self) -> Iterable[str]:
        """All files."""
        return [name for name, entry in self.entries.items() if entry.mode != git.SUBMODULE]

    def read(self, name: str, most: int) -> bytes | None:
        entry = self.entries[name]
        if entry.mode == git.LINK:
            name = self._target(name)
            entry = self.entries[name]
        own = self.beside(name)
        if own is not None and (name in self.same or git.blob_id(own, entry.oid) == entry.oid):
            return own
        size, content = self.blobs.read(entry.oid, most)
        if size > most:
            raise TooLargeError(size)
        return own if own is not None and _plain(own) == _plain(content) else content

    def _target(self, name: str) -> str:
        """The file that a link leads to."""
        for _ in range(MAX_HOPS):
            entry = self.entries.get(name)
            if entry is None:
                raise SkippedError("a broken link")
            if entry.mode != git.LINK:
                return name
            _, to = self.blobs.read(entry.oid, MAX_LINK)
            name = posixpath.normpath(posixpath.join(posixpath.dirname(name), os.fsdecode(to)))
            if name.startswith(("../", "/")):
                raise SkippedError("a link that leaves the project")
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def staged(root: Path, exclude: Iterable[str]) -> Discovery:
    """The project as the next commit would hold it, but for what a sparse checkout leaves out. Raises GitError."""
    entries = {name: entry for name, entry in git.index(root).items() if not entry.sparse}
    with git.blobs(root) as blobs:
        return discover(root, exclude, Snapshot(entries, blobs, _reader(Disk(root))))


def committed(root: Path, exclude: Iterable[str], commit: str, texts: Mapping[str, bytes]) -> Discovery:
    """The project as a commit holds it, in the form of `texts`, which are those that are compared. Raises GitError.

    What a sparse checkout leaves out is left out here as well.
    """
    index = git.index(root)
    entries = git.tree(root, commit)
    left_out = {name for name, entry in index.items() if entry.sparse and printable(name) not in texts}
    kept = {name: entry for name, entry in entries.items() if name not in left_out}
    unsure = [
        name
        for name, entry in kept.items()
        if (own := texts.get(printable(name))) is not None
        and name in index
        and index[name].oid == entry.oid
        and git.blob_id(own, entry.oid) != entry.oid
    ]
    same = git.filtered(root, unsure)
    with git.blobs(root) as blobs:
        return discover(root, exclude, Snapshot(kept, blobs, lambda name: texts.get(printable(name)), same))


MAX_BESIDE = 16_000_000


def _reader(disk: Disk) -> Callable[[str], bytes | None]:
    def read(name: str) -> bytes | None:
        try:
            return disk.read(name, MAX_BESIDE)
        except (OSError, SkippedError, TooLargeError):
            return None

    return read


def _plain(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")
