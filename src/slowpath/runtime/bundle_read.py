"""Files and folders → the one build that they tell of, its format known by its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from slowpath.parts import MAX_BYTES
from slowpath.runtime import bundle_esbuild, bundle_files, bundle_visualizer, bundle_vite, bundle_webpack
from slowpath.runtime.bundle_shapes import Build, BundleError

MANY = 50
"""Files of a folder that are looked into."""
MOST = 20_000
FOLDERS = ("", "dist", "build", "out")
"""Where a build lies beside the file that tells of it."""
READERS: tuple[tuple[frozenset[str], Callable[[bytes], Build]], ...] = (
    (frozenset(["nodeParts", "nodeMetas"]), bundle_visualizer.read),
    (frozenset(["inputs", "outputs"]), bundle_esbuild.read),
    (frozenset(["chunks", "modules"]), bundle_webpack.read),
)
EMBEDDED = re.compile(rb"const data = (\{[^\n]*\});\s*\n")
"""The raw data in the page that the visualizer writes unless it is told otherwise."""
Raw = dict[str, msgspec.Raw]


class Reading(NamedTuple):
    """A build and its folder."""

    build: Build
    folder: Path


def read(paths: Sequence[Path]) -> Reading:
    """The build that files and folders tell of. A manifest beside other data says what loads with what.

    Raises BundleError.
    """
    builds: list[tuple[Build, Path]] = []
    folders = [path for path in paths if path.is_dir()]
    named = len(folders) < len(paths)
    for path in paths:
        if path.is_dir():  # beside a file that is named, a folder says where the build lies
            found = [build for build in _told_in(path) if not named or build.source == "vite-manifest"]
            builds += [(build, path) for build in found]
        else:
            build = _detected(path)
            if build is None:
                raise BundleError(f"{path}: neither Vite's manifest nor raw data of the visualizer, esbuild or webpack")
            builds.append((build, folders[0] if folders else _home(path, build)))
    if not builds:
        raise BundleError(
            f"{', '.join(map(str, folders))}: no file in it tells what was built: set `build.manifest: true` for Vite, "
            'or add rollup-plugin-visualizer with `template: "raw-data"`, `--metafile` for esbuild, '
            "`--json` for webpack"
        )
    rich = [each for each in builds if each[0].source != "vite-manifest"]
    if len({build.source for build, _ in rich}) > 1 or len(rich) > 1:
        told = ", ".join(build.source for build, _ in rich)
        raise BundleError(f"several builds are told of ({told}): name one file")
    manifest = next((build for build, _ in builds if build.source == "vite-manifest"), None)
    build, folder = (rich or builds)[0]
    if len(build.pieces) > MOST:
        raise BundleError(f"{len(build.pieces)} files were built: more than {MOST} are not looked at")
    return Reading(_merged(build, manifest) if rich and manifest is not None else build, folder)


def _told_in(folder: Path) -> Iterator[Build]:
    """A page of the visualizer counts where no other file names modules."""
    found: set[str] = set()
    for pattern in (".vite/manifest.json", "*.json", "*.html"):
        if pattern == "*.html" and found - {"vite-manifest"}:
            return
        for path in sorted(folder.glob(pattern))[:MANY]:
            inner = bundle_files.inside(folder, path.relative_to(folder).parts)
            build = _detected(inner) if inner is not None else None
            if build is not None:
                found.add(build.source)
                yield build


def _detected(path: Path) -> Build | None:
    """By content; None where it is something else. Raises BundleError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BundleError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        text = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from None
    embedded = EMBEDDED.search(text) if b"nodeParts" in text and text.lstrip()[:1] == b"<" else None
    text = embedded[1] if embedded is not None else text
    try:
        keys = msgspec.json.decode(text, type=Raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    try:
        for needed, reader in READERS:
            if needed <= keys.keys():
                return reader(text)
        if any(b'"file"' in bytes(value) for value in keys.values()):
            return bundle_vite.read(text)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from None
    except RecursionError:
        raise BundleError(f"{path}: nested too deeply") from None
    return None


def _home(path: Path, build: Build) -> Path:
    """The folder of the build that a file beside it or in it tells of: the one that holds most of its files."""
    near = path.parent.parent if path.parent.name == ".vite" else path.parent
    names = [piece.file for piece in build.pieces]
    folders = [near / name for name in FOLDERS]
    return max(folders, key=lambda folder: len(bundle_files.place(folder, names)))


def _merged(build: Build, manifest: Build) -> Build:
    """Modules from one, what loads with what from the other."""
    known = {piece.file: piece for piece in build.pieces}
    told = [
        piece._replace(modules=known[piece.file].modules) if piece.file in known else piece for piece in manifest.pieces
    ]
    extra = [piece for piece in build.pieces if piece.file not in {each.file for each in told}]
    return build._replace(pieces=(*told, *extra), entries=build.entries or manifest.entries)
