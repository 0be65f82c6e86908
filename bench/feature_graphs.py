"""The features of each published version of a crate, from the index that cargo keeps on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from slowpath import tables

TABLES = Path(__file__).parents[1] / "rules" / "cargo" / "features"
GRAPHS = TABLES / "graphs.json"
SINCE = "2019"
CARGO_HOME = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")

Features = dict[str, list[str]]
Version = tuple[str, Features, dict[str, dict[str, object]]]
Entry = dict[str, Any]
"""What the index says of one version: name, vers, deps, features, features2, yanked, pubtime."""


def load_tables(directory: Path = TABLES) -> dict[str, tuple[str, dict[str, Any]]]:
    """Crate → the name of its evidence table and that table."""
    crates: dict[str, tuple[str, dict[str, Any]]] = {}
    for path in sorted(directory.glob("*.toml")):
        if path.name == tables.SETS:
            continue
        table = tomllib.loads(path.read_text())
        table["needs"] = tables.read(path).needs
        crates |= dict.fromkeys(table.get("crates", [path.stem]), (path.stem, table))
    return crates


def scratch_package(directory: Path, dependencies: Iterable[str]) -> Path:
    """A package that needs the given crates (lines of a manifest); its manifest."""
    (directory / "src").mkdir()
    (directory / "src" / "lib.rs").touch()
    manifest = directory / "Cargo.toml"
    head = '[package]\nname = "scratch"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n[dependencies]\n'
    manifest.write_text(head + "".join(f"{line}\n" for line in dependencies))
    return manifest


def update_index(crates: Iterable[str]) -> None:
    """Has cargo bring its index cache up to date for these crates."""
    with tempfile.TemporaryDirectory() as name:
        lines = [f'{crate} = {{ version = "*", default-features = false }}' for crate in sorted(crates)]
        manifest = scratch_package(Path(name), lines)
        command = ["cargo", "generate-lockfile", "--quiet", "--manifest-path", str(manifest)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:  # crates that cannot live in one build: the index has been read all the same
            print(f"cargo found no common build: {done.stderr.strip().splitlines()[0]}", file=sys.stderr)


def index_entries(crate: str) -> list[Entry]:
    """All versions in cargo's cache: a small header, then version, JSON, version, JSON … with zero bytes between.

    Raises FileNotFoundError where cargo has not read the crate's index yet.
    """
    low = crate.lower()
    prefix = {1: "1", 2: "2", 3: f"3/{low[:1]}"}.get(len(low), f"{low[:2]}/{low[2:4]}")
    found = sorted((CARGO_HOME / "registry" / "index").glob(f"*/.cache/{prefix}/{low}"))
    if not found:
        raise FileNotFoundError(f"{crate}: not in cargo's index cache")
    newest = max(found, key=lambda path: path.stat().st_mtime)
    return [json.loads(part) for part in newest.read_bytes().split(b"\0") if part.startswith(b"{")]


def semver(version: str) -> tuple[int, int, int]:
    """The three numbers of a version that is no pre-release."""
    major, minor, patch = version.partition("+")[0].split(".")
    return int(major), int(minor), int(patch)


def features_of(entry: Entry) -> Features:
    """All features; those that optional dependencies bring by themselves are written out."""
    features = entry["features"] | (entry.get("features2") or {})
    hidden = {value for values in features.values() for value in values if value.startswith("dep:")}
    for dependency in entry["deps"]:
        name = dependency["name"]
        if dependency["optional"] and dependency["kind"] != "dev" and f"dep:{name}" not in hidden:
            features.setdefault(name, [f"dep:{name}"])
    return {name: sorted(features[name]) for name in sorted(features)}


def dependencies_of(entry: Entry, crates: Iterable[str]) -> dict[str, dict[str, object]]:
    """The normal dependencies that features can speak of; platforms are joined."""
    joined: dict[str, dict[str, Any]] = {}
    for dep in entry["deps"]:
        if dep["kind"] != "normal":
            continue
        seen = joined.setdefault(dep["name"], {"optional": True, "features": set(), "default": False})
        seen["package"] = dep.get("package") or dep["name"]
        seen["optional"] &= dep["optional"]
        seen["default"] |= dep["default_features"]
        seen["features"] |= set(dep["features"])
    shown = {}
    for name, dep in sorted(joined.items()):
        if dep["optional"] or dep["package"] in crates:
            shown[name] = {
                **({"default": False} if not dep["default"] else {}),
                **({"features": sorted(dep["features"])} if dep["features"] else {}),
                **({"optional": True} if dep["optional"] else {}),
                **({"package": dep["package"]} if dep["package"] != name else {}),
            }
    return shown


def lockable(entries: Iterable[Entry]) -> list[Entry]:
    """What a lock file may hold, ascending: no pre-releases, nothing older than the tables; yanked versions too, up to
    the last good one.
    """
    known = [
        entry
        for entry in entries
        if "-" not in entry["vers"].partition("+")[0] and entry.get("pubtime", SINCE) >= SINCE
    ]
    known.sort(key=lambda entry: semver(entry["vers"]))
    while known and known[-1]["yanked"]:
        known.pop()
    return known


def published(entries: Iterable[Entry]) -> list[Entry]:
    """What cargo may choose, ascending."""
    return [entry for entry in lockable(entries) if not entry["yanked"]]


def versions_of(entries: Iterable[Entry], crates: Iterable[str]) -> Iterator[Version]:
    """Ascending, each version whose graph differs from the one before."""
    last = None
    for entry in lockable(entries):
        graph = features_of(entry), dependencies_of(entry, crates)
        if graph != last:
            yield entry["vers"], *graph
        last = graph


def regenerate(extra: Iterable[str]) -> None:
    """Writes `graphs.json` for the crates of all tables (and further ones)."""
    known = load_tables()
    crates = sorted({*known, *extra})
    update_index(crates)
    graphs = {}
    for crate in crates:
        table = known[crate][0] if crate in known else crate
        graphs[crate] = {"table": table, "versions": list(versions_of(index_entries(crate), crates))}
    lines = [f"{json.dumps(crate)}: {json.dumps(graph, separators=(',', ':'))}" for crate, graph in graphs.items()]
    TABLES.mkdir(exist_ok=True)
    GRAPHS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(
        f"{GRAPHS.name}: {len(crates)} crates, {sum(len(graph['versions']) for graph in graphs.values())} graphs, "
        f"{GRAPHS.stat().st_size / 1e6:.2f} MB"
    )
