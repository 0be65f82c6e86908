"""Which files of a project are read, and as what. Vendored, generated and minified files are not."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import pathspec

from slowpath import git
from slowpath.model.finding import Trouble
from slowpath.model.limits import MAX_STARS

SUFFIXES = {
    ".rs": "rust",
    ".ts": "typescript",
    ".mts": "typescript",
    ".cts": "typescript",
    ".tsx": "tsx",
    ".jsx": "tsx",
    ".js": "tsx",
    ".mjs": "tsx",
    ".cjs": "tsx",
    ".sql": "sql",
    ".patch": "patch",
    ".diff": "patch",
    ".toml": "toml",
    ".lock": "toml",
    ".json": "json",
}
NAMED_ONLY = {
    ".toml": re.compile(r"(^|/)((Cargo|diesel|metadata)|\.cargo/config)\.toml$"),
    ".lock": re.compile(r"(^|/)Cargo\.lock$"),
    ".json": re.compile(r"(^|/)(package|tsconfig[\w.-]*|jsconfig|app|babel\.config|\.babelrc)\.json$"),
}
DOCKERFILE = re.compile(r"^(Dockerfile|Containerfile)([._-][\w-]+)*$|\.(Dockerfile|Containerfile)$", re.I)
NO_DOCKERFILE = frozenset([".dockerignore", ".md", ".j2", ".jinja", ".tmpl", ".tpl", ".template", ".in", ".erb"])
"""Endings of what is about a Dockerfile, or yet to become one."""
FOREIGN_FOLDERS = frozenset(
    ".git .hg .svn node_modules vendor vendored third_party third-party .next .nuxt .output .yarn .turbo .cache "
    "__snapshots__ .venv venv __pycache__ storybook-static".split()
)
"""Never the project's own source."""
OUTPUT_FOLDERS = frozenset("target dist build out coverage".split())
"""What tools write, unless the place says otherwise: below `src`, or with a Cargo.toml of its own, it is source."""
MANIFESTS = ("Cargo.toml", "package.json")
SKIPPED_NAMES = re.compile(r"\.min\.[cm]?js$|\.bundle\.js$|\.d\.[cm]?ts$|[.-]generated\.[jt]sx?$|\.snap$|\.gen\.tsx?$")
CODE = frozenset(["rust", "typescript", "tsx", "sql"])

MAX_BYTES = 1_500_000
"""Larger files are data or generated; the largest hand-written one read so far has 0.4 MB."""
MAX_LONG_BYTES = 16_000_000
"""A migration may bring data along, and a Cargo.lock names every crate."""


class Discovery(NamedTuple):
    """Files as (path, language, bytes) by path, and what could not be read.

    `unread` are the Rust and SQL files that are there but were left out: generated, excluded, too large.
    """

    files: list[tuple[str, str, bytes]]
    troubles: list[Trouble]
    unread: frozenset[str] = frozenset()


def language_of(path: str) -> str | None:
    """The language of a file, by its path; None where slowpath has no use for it."""
    name = path.rpartition("/")[2]
    suffix = os.path.splitext(name)[1]
    language = "json" if name == ".babelrc" else SUFFIXES.get(suffix)
    if language is None and suffix not in NO_DOCKERFILE and DOCKERFILE.search(name):
        return "docker"
    if language is None or SKIPPED_NAMES.search(name):
        return None
    named = NAMED_ONLY.get(suffix)
    return language if named is None or named.search(path) else None


class SkippedError(Exception):
    """Why a file that looks like source is not read."""


class TooLargeError(Exception):
    """How many bytes a file has, where that is more than source has."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Tree(Protocol):
    """Where the files of a project are read: the folder as it is, what is staged, what a commit holds."""

    def names(self) -> Iterable[str]:
        """All files that are not ignored, relative to the project."""

    def read(self, name: str, most: int) -> bytes | None:
        """A file's bytes; None for what is no file. Raises SkippedError, TooLargeError and OSError."""


class Disk:
    """The folder as it is. A link may lead anywhere within it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._leads_out = cache(self._leaves)

    def names(self) -> Iterable[str]:
        """By git where it knows the folder, else by an own walk."""
        try:
            return git.names(self.root, untracked=os.environ.get("PRE_COMMIT") != "1")
        except git.GitError:
            return _walked(self.root)

    def read(self, name: str, most: int) -> bytes | None:
        full = os.path.join(self.root, name)
        if self._leads_out(os.path.dirname(name)):  # git lists what was below before the folder was a link
            raise SkippedError("a link that leaves the project")
        found = os.lstat(full)
        if stat.S_ISLNK(found.st_mode):
            if not os.path.exists(full):
                raise SkippedError("a broken link")
            if not Path(full).resolve().is_relative_to(self.root.resolve()):
                raise SkippedError("a link that leaves the project")
            found = os.stat(full)
        if not stat.S_ISREG(found.st_mode):
            return None
        if found.st_size > most:
            raise TooLargeError(found.st_size)
        with open(full, "rb") as file:
            return file.read()

    def _leaves(self, folder: str) -> bool:
        return not Path(os.path.realpath(os.path.join(self.root, folder))).is_relative_to(self.root.resolve())


def discover(root: Path, exclude: Iterable[str] = (), tree: Tree | None = None) -> Discovery:
    """Read the files of a project. `exclude` are gitignore-style patterns relative to `root`."""
    tree = tree or Disk(root)
    excluded = pathspec.GitIgnoreSpec.from_lines(exclude)
    listed = sorted(set(tree.names()))
    is_output = _outputs(listed)
    files, troubles = [], []
    left_out: set[tuple[str, str]] = set()
    for name in listed:
        folder = name.rpartition("/")[0]
        language = language_of(name)
        if language is None or is_output(folder):
            continue
        if excluded.match_file(name):
            left_out.add((language, name))
            continue
        path = printable(name)
        try:
            source = _read(tree, name, language)
        except (FileNotFoundError, NotADirectoryError):
            continue  # git lists what was deleted too, and what a sparse checkout leaves out
        except OSError as error:
            troubles.append(Trouble(path, 0, f"cannot be read: {error.strerror}"))
        except SkippedError as reason:
            troubles.append(Trouble(path, 0, f"{reason}, skipped"))
            left_out.add((language, name))
        else:
            if source is not None and not _generated(language, source):
                files.append((path, language, source))
            else:
                left_out.add((language, name))
    return Discovery(files, troubles, frozenset(name for language, name in left_out if language in ("rust", "sql")))


def printable(name: str) -> str:
    """A file's name as findings write it."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _read(tree: Tree, name: str, language: str) -> bytes | None:
    lock = os.path.basename(name) == "Cargo.lock"
    try:
        return tree.read(name, MAX_LONG_BYTES if lock or language == "sql" else MAX_BYTES)
    except TooLargeError as error:
        if lock or language in CODE:
            raise SkippedError(f"{error.size / 1e6:.1f} MB, too large to be source") from None
        return None


class _Ignores:
    """One .gitignore, for paths below `base`."""

    def __init__(self, base: str, path: str) -> None:
        self.base = base
        try:
            own = stat.S_ISREG(os.lstat(path).st_mode)
            lines = Path(path).read_text("utf-8", errors="replace").splitlines() if own else []
        except OSError:
            lines = []
        lines = [line for line in lines if line.count("*") <= MAX_STARS and _usable(line)]
        self.spec = pathspec.GitIgnoreSpec.from_lines(lines)
        sources = [entry.regex.pattern for entry in self.spec.patterns if entry.regex]
        # Most paths match nothing: one regex for all lines says so ten times faster than one for each.
        self.any = re.compile("|".join(re.sub(r"\(\?P<\w+>", "(?:", str(source)) for source in sources) or r"(?!)")

    def verdict(self, path: str) -> bool | None:
        """Whether the file has a path ignored, or kept by an exception; None where it says nothing."""
        below = path[len(self.base) :]
        return self.spec.check_file(below).include if self.any.search(below) else None


def _usable(line: str) -> bool:
    """What git would not match either, a range of characters that ends before it starts say, matches nothing."""
    try:
        pathspec.GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


def _walked(root: Path) -> Iterator[str]:
    """A walk that follows nested .gitignore files, the innermost that speaks of a path deciding."""
    known: dict[str, tuple[_Ignores, ...]] = {}
    for top, folders, names in os.walk(root):
        folder = os.path.relpath(top, root).replace(os.sep, "/")
        prefix = "" if folder == "." else f"{folder}/"
        ignores = known.get(prefix[:-1].rpartition("/")[0], ())
        if ".gitignore" in names:
            ignores = (_Ignores(prefix, os.path.join(top, ".gitignore")), *ignores)
        known[prefix[:-1]] = ignores
        folders[:] = [name for name in folders if name not in FOREIGN_FOLDERS and _kept(f"{prefix}{name}/", ignores)]
        yield from (prefix + name for name in names if language_of(prefix + name) and _kept(prefix + name, ignores))


def _kept(path: str, ignores: Iterable[_Ignores]) -> bool:
    verdicts = (entry.verdict(path) for entry in ignores)
    return not next((verdict for verdict in verdicts if verdict is not None), False)


class _Outputs:
    """Whether a folder is foreign or tool output, by its name and by the manifests around it."""

    def __init__(self, manifests: set[str]) -> None:
        self.manifests = manifests
        self.skipped = cache(self._skipped)

    def _skipped(self, folder: str) -> bool:
        if not folder:
            return False
        parent, _, name = folder.rpartition("/")
        if name in FOREIGN_FOLDERS or self.skipped(parent):
            return True
        if name not in OUTPUT_FOLDERS or f"{folder}/Cargo.toml" in self.manifests:
            return False
        beside = any((f"{parent}/{manifest}" if parent else manifest) in self.manifests for manifest in MANIFESTS)
        return beside or "src" not in parent.split("/")


def _outputs(listed: Iterable[str]) -> Callable[[str], bool]:
    return _Outputs({name for name in listed if name.endswith(MANIFESTS)}).skipped


GENERATED = re.compile(rb"@generated|DO NOT EDIT|Code generated by", re.I)


def _generated(language: str, source: bytes) -> bool:
    """Says so at its top, or is minified: over 500 bytes a line on average. Diesel's schema.rs says so and is read."""
    if language == "patch":
        return b" -> " not in source
    if language not in ("rust", "typescript", "tsx"):
        return False
    if GENERATED.search(source[:600]) and not (language == "rust" and (b"table!" in source or b"include!" in source)):
        return True
    return len(source) > 5000 and len(source) / (source.count(b"\n") + 1) > 500
