"""How much Rust there is in the crates that findings would save, where cargo has their sources on this machine.

Names come from a lock file, which nobody vouches for: only what cargo itself would accept becomes a path, and no link
is followed. A registry's sources never change, so their counts are cached; those of the project's own `vendor` are not.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from slowpath.cache import Cache, key
from slowpath.model.finding import Finding

Crate = tuple[str, str]

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
VERSION = re.compile(r"\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]{1,64})?")
DECLARED = re.compile(rb'^version\s*=\s*"([^"\n]*)"', re.M)
CODE = re.compile(rb"^[^\S\n]*[^\s]", re.M)
ASIDE = frozenset(["tests", "benches", "examples"])
"""Folders of a package that no dependant compiles."""
MAX_FILES = 5_000
MAX_BYTES = 16_000_000
"""Per file; the largest generated bindings have less."""
SALT = b"lines of a crate"


class CrateSources:
    """Folders with sources: cargo's own, and one that the project keeps."""

    def __init__(self, home: Path, project: Path) -> None:
        self.registries = [Path(entry) for entry in sorted(_folders(home / "registry" / "src"))]
        self.vendor = project / "vendor"

    def registered(self, name: str, version: str) -> Path | None:
        """Where cargo has unpacked a release."""
        return next((f for r in self.registries if _is_folder(f := r / f"{name}-{version}")), None)

    def vendored(self, name: str, version: str) -> Path | None:
        """Where the project keeps a release: `cargo vendor` leaves the version out of a folder's name where it can."""
        if not _is_folder(self.vendor):
            return None
        if _is_folder(full := self.vendor / f"{name}-{version}"):
            return full
        plain = self.vendor / name
        declared = DECLARED.search(_read(plain / "Cargo.toml")) if _is_folder(plain) else None
        return plain if declared and declared[1].decode("utf-8", "replace") == version else None


def with_lines(findings: Iterable[Finding], sources: CrateSources, cache: Cache | None) -> list[Finding]:
    """The findings, with the lines of Rust in what they save."""
    findings = list(findings)
    counts = counted({crate for finding in findings if finding.saves for crate in finding.saves.crates}, sources, cache)
    return [_weighed(finding, counts) for finding in findings]


def _weighed(finding: Finding, counts: Mapping[Crate, int]) -> Finding:
    known = [counts[crate] for crate in finding.saves.crates if crate in counts] if finding.saves else []
    if not finding.saves or not known:
        return finding
    return msgspec.structs.replace(finding, saves=msgspec.structs.replace(finding.saves, lines=sum(known)))


def counted(crates: Iterable[Crate], sources: CrateSources, cache: Cache | None) -> dict[Crate, int]:
    """Lines of Rust per crate, of those whose sources are at hand."""
    counts: dict[Crate, int] = {}
    folders: dict[Crate, Path] = {}
    for name, version in sorted(crates):
        if not NAME.fullmatch(name) or not VERSION.fullmatch(version):
            continue
        if registered := sources.registered(name, version):
            folders[name, version] = registered
        elif vendored := sources.vendored(name, version):
            counts[name, version] = lines_below(vendored)
    keys = {crate: key(SALT, " ".join(crate).encode()) for crate in folders}
    stored = cache.get(keys.values()) if cache is not None else {}
    fresh: dict[bytes, bytes] = {}
    for crate, folder in folders.items():
        row = stored.get(keys[crate], b"")
        if not row.isdigit():
            row = fresh[keys[crate]] = str(lines_below(folder)).encode()
        counts[crate] = int(row)
    if cache is not None:
        cache.put(fresh)
    return counts


def lines_below(folder: Path) -> int:
    """Lines of Rust that are not blank."""
    return sum(len(CODE.findall(_read(path))) for path in _rust(folder))


def _rust(folder: Path) -> Iterator[Path]:
    stack = [str(folder)]
    left = MAX_FILES
    while stack:
        for entry in _entries(stack.pop()):
            left -= 1
            if left < 0:
                return
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in ASIDE and not entry.name.startswith("."):
                    stack.append(entry.path)
            elif entry.name.endswith(".rs") and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _folders(folder: Path) -> Iterator[str]:
    for entry in _entries(str(folder)):
        if entry.is_dir(follow_symlinks=False):
            yield entry.path


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def _read(path: Path) -> bytes:
    """A regular file's content, as far as it counts."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return b""
