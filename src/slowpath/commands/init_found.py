"""What a repository holds, as its manifests, its folders and its .gitattributes say: files in, a few words out."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pathspec

from slowpath.discover import Discovery
from slowpath.link import layout
from slowpath.link.migrations import FOREIGN
from slowpath.model.limits import MAX_STARS
from slowpath.report.text import plural

LANGUAGES = {"rust": "Rust", "typescript": "TypeScript", "tsx": "TypeScript", "sql": "SQL"}
CRATES = {
    "actix-web": "actix-web",
    "axum": "axum",
    "rocket": "Rocket",
    "warp": "warp",
    "poem": "poem",
    "ntex": "ntex",
    "tonic": "tonic",
    "async-graphql": "async-graphql",
    "tauri": "Tauri",
    "tokio": "tokio",
    "diesel": "Diesel",
    "sqlx": "sqlx",
    "sea-orm": "SeaORM",
    "tokio-postgres": "tokio-postgres",
}
PACKAGES = {
    "react": "React",
    "react-router": "React Router",
    "react-router-dom": "React Router",
    "@tanstack/react-router": "TanStack Router",
    "@tanstack/react-query": "React Query",
    "next": "Next.js",
    "@remix-run/react": "Remix",
    "vite": "Vite",
    "webpack": "webpack",
    "esbuild": "esbuild",
    "@rspack/core": "Rspack",
}
"""By the name in the manifest; what is not slowpath's subject is not named."""
GENERATED_FOLDERS = frozenset(["generated", "__generated__"])
MAX_ATTRIBUTES = 200_000
SHOWN = 3
"""Folders of migrations that are named."""


class Marked(NamedTuple):
    """A pattern whose files nobody here writes, who says so, and how many of them would be read."""

    pattern: str
    source: str
    files: int


class Found(NamedTuple):
    """What is there. `migrations` are folders, each with the name of its newest."""

    files: tuple[tuple[str, int], ...]
    crates: int
    packages: int
    libraries: tuple[str, ...]
    migrations: tuple[tuple[str, str], ...]
    generated: tuple[Marked, ...]
    vendored: tuple[Marked, ...]

    def told(self) -> Iterator[str]:
        """A line each."""
        counts = [f"{plural(count, f'{language} file')}" for language, count in self.files]
        manifests = [(self.crates, "crate"), (self.packages, "package")]
        within = " and ".join(plural(count, noun) for count, noun in manifests if count)
        libraries = f" ({', '.join(self.libraries)})" if self.libraries else ""
        yield f"found {', '.join(counts)}" + (f" in {within}" if within else "") + libraries
        if self.migrations:
            folders = [folder for folder, _ in self.migrations]
            more = f" and {plural(len(folders) - SHOWN, 'more folder')}" if len(folders) > SHOWN else ""
            yield f"found migrations in {', '.join(folders[:SHOWN])}{more}"


def look(root: Path, discovery: Discovery) -> Found:
    """What the files of a project say of it."""
    paths = [path for path, _, _ in discovery.files]
    counts = Counter(LANGUAGES[language] for _, language, _ in discovery.files if language in LANGUAGES)
    cargo = [_cargo(text) for path, _, text in discovery.files if _named(path, "Cargo.toml")]
    npm = [_package(text) for path, _, text in discovery.files if _named(path, "package.json")]
    crates = {name for own in cargo for name in own}
    packages = {name for own in npm for name in own}
    libraries = [word for name, word in CRATES.items() if name in crates]
    libraries += [word for name, word in PACKAGES.items() if name in packages]
    code = [path for path, language, _ in discovery.files if language in LANGUAGES]
    marked = dict(_attributes(root, code))
    return Found(
        tuple((name, counts[name]) for name in dict.fromkeys(LANGUAGES.values()) if counts[name]),
        len(cargo),
        len(npm),
        tuple(dict.fromkeys(libraries)),
        tuple(_migrations(paths)),
        (*marked.get("generated", ()), *_generated(code)),
        tuple(marked.get("vendored", ())),
    )


def _named(path: str, name: str) -> bool:
    return path == name or path.endswith(f"/{name}")


def _cargo(text: bytes) -> set[str]:
    """The crates that a manifest names."""
    try:
        manifest = tomllib.loads(text.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return set()
    tables = [manifest, manifest.get("workspace", {})]
    return {name for table in tables if isinstance(table, dict) for name in _keys(table.get("dependencies"))}


class _Package(msgspec.Struct):
    dependencies: dict[str, Any] = {}
    devDependencies: dict[str, Any] = {}  # noqa: N815


def _package(text: bytes) -> set[str]:
    """The packages that a package.json names."""
    try:
        package = msgspec.json.decode(text, type=_Package)
    except (msgspec.DecodeError, RecursionError):
        return set()
    return {*package.dependencies, *package.devDependencies}


def _keys(table: object) -> Iterable[str]:
    return table if isinstance(table, dict) else ()


def _migrations(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    newest: dict[str, tuple[layout.Order, str]] = {}
    for path in paths:
        known = layout.version(path) if path.endswith(".sql") else None
        if known is not None and FOREIGN not in known.folder.lower():
            folder, _, name = path.rpartition("/")
            own = (
                known.order,
                folder.rpartition("/")[2] if known.diesel else name.removesuffix(".sql").removesuffix(".up"),
            )
            newest[known.folder] = max(newest.get(known.folder, own), own)
    for folder, (_, name) in sorted(newest.items()):
        yield folder, name


def _attributes(root: Path, paths: list[str]) -> Iterator[tuple[str, list[Marked]]]:
    """What .gitattributes calls generated or vendored, and discovery reads all the same."""
    file = root / ".gitattributes"
    try:
        usable = file.is_file() and not file.is_symlink() and file.stat().st_size <= MAX_ATTRIBUTES
        lines = file.read_text("utf-8", errors="replace").splitlines() if usable else []
    except OSError:
        lines = []
    for word in ("generated", "vendored"):
        found = []
        for line in lines:
            pattern, *attributes = line.split() or [""]
            if {f"linguist-{word}", f"linguist-{word}=true"} & {*attributes} and pattern[0] not in '#"!':
                found.append(Marked(pattern, ".gitattributes", _matches(pattern, paths)))
        yield word, [each for each in found if each.files]


def _matches(pattern: str, paths: list[str]) -> int:
    if pattern.count("*") > MAX_STARS:
        return 0
    try:
        spec = pathspec.GitIgnoreSpec.from_lines([pattern])
    except (ValueError, re.error):
        return 0
    return sum(spec.match_file(path) for path in paths)


def _generated(paths: Iterable[str]) -> Iterator[Marked]:
    """Folders that are called so."""
    counts: Counter[str] = Counter()
    for path in paths:
        parts = path.split("/")[:-1]
        at = next((index for index, part in enumerate(parts) if part in GENERATED_FOLDERS), None)
        if at is not None:
            counts["/".join(parts[: at + 1]) + "/"] += 1
    for pattern, count in sorted(counts.items()):
        yield Marked(pattern, "by its name", count)
