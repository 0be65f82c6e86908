"""The sources of published crates, as cargo unpacks them, and what they offer."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from feature_graphs import CARGO_HOME, index_entries, published
from feature_source import Source
from feature_surface import Names, Surface
from platformdirs import user_cache_path

CODE = ("calls", "gates", "items", "macros", "paths", "source", "surface", "syntax", "tokens")


def newest(package: str, series: str) -> str:
    """The newest version of a series that cargo's index cache knows; empty where it knows none."""
    try:
        entries = published(index_entries(package))
    except FileNotFoundError:
        return ""
    fitting = [entry["vers"] for entry in entries if f"{entry['vers']}.".startswith(f"{series}." if series else "")]
    return fitting[-1] if fitting else ""


def unpacked(package: str, series: str) -> Path | None:
    """The source of a crate, which cargo downloads where it is not there."""
    sources = CARGO_HOME / "registry" / "src"
    for directory in sources.glob(f"*/{package}-{newest(package, series)}/.cargo-ok"):
        return directory.parent
    spec = f"{package}@{series}" if series else package
    with tempfile.TemporaryDirectory() as outside:
        command = ["cargo", "info", "--quiet", "--color", "never", spec]
        done = subprocess.run(command, cwd=outside, capture_output=True, text=True, check=False)
    found = re.search(r"^version: (\S+)", done.stdout, re.M)
    return next(sources.glob(f"*/{package}-{found.group(1)}"), None) if found else None


@cache
def of_registry(package: str, series: str, is_part: bool = False) -> Names | None:
    """What a published crate offers: the newest version of a series, or the one named in full. `is_part`: to another
    crate that re-exports it.
    """
    directory = unpacked(package, series)
    if directory is None or not (directory / "Cargo.toml").is_file():
        return None
    code = b"".join(Path(__file__).with_name(f"feature_{name}.py").read_bytes() for name in CODE)
    state = hashlib.sha256(code + bytes([is_part])).hexdigest()[:16]
    kept = user_cache_path("slowpath") / "features" / f"{directory.name}-{state}"
    if kept.is_file():
        names = pickle.loads(kept.read_bytes())
        assert isinstance(names, Names)
        return names
    names = Surface(Source(directory), part, is_part).names()
    kept.parent.mkdir(parents=True, exist_ok=True)
    written = kept.with_name(f"{kept.name}.{os.getpid()}")
    written.write_bytes(pickle.dumps(names))
    written.replace(kept)
    return names


def part(package: str, requirement: str) -> Names | None:
    """What a crate offers to another that re-exports it."""
    return of_registry(package, series(requirement), True)


def series(requirement: str) -> str:
    """The part of a requirement by which the newest fitting version is looked for: `^0.3.31` → `0.3`."""
    found = re.search(r"(=?)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?(\S*)", requirement)
    if not found:
        return ""
    exact, major, minor, patch, rest = found.groups()
    if exact and patch and requirement.strip().startswith("="):
        return f"{major}.{minor}.{patch}{rest}"
    return major if major != "0" or minor is None else f"0.{minor}"
