"""Writes `rules/cargo/series.json`: which series of heavy crates, and of what is built on them, each release needs.

    python bench/series.py [CRATE …]

From the index that cargo keeps on this machine, brought up to date for the packages of the file and those named. One
line a package: the newest release of each series that differs from the one before, with what it needs of the others;
optional dependencies count, those of a platform too. Of several series that a requirement accepts, the newest counts.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path

from feature_graphs import Entry, index_entries, published, semver, update_index

TARGET = Path(__file__).parents[1] / "rules" / "cargo" / "series.json"
BOUND = re.compile(r"\s*([<>]=?|[\^~=]?)\s*(\d+)(?:\.(\d+))?(?:\.(\d+))?.*")
Numbers = tuple[int, ...]


def series(numbers: Numbers) -> str:
    """`1`, `0.25` or `0.0.3`."""
    length = next((at for at, number in enumerate(numbers, 1) if number), len(numbers))
    return ".".join(map(str, numbers[:length]))


def newest(requirement: str, crate: str) -> str:
    """The newest series of a package that a requirement accepts."""
    fitting = [version for version in versions(crate) if all(meets(version, b) for b in requirement.split(","))]
    return series(fitting[-1]) if fitting else "*"


@cache
def versions(crate: str) -> list[Numbers]:
    return [semver(entry["vers"]) for entry in published(index_entries(crate))]


def meets(version: Numbers, bound: str) -> bool:
    """Whether a version keeps to one part of a requirement."""
    match = BOUND.fullmatch(bound)
    if not match:
        return True  # `*`
    said = tuple(int(part) for part in match.groups()[1:] if part is not None)
    full = (*said, 0, 0)[:3]
    if match[1] in ("", "^", "~", "="):
        return series(version) == series(full) and version >= full
    below = version < full if match[1] in ("<", ">=") else version[: len(said)] <= said
    return below == match[1].startswith("<")


def needs(entry: Entry, crates: set[str]) -> dict[str, list[str]]:
    """What a release needs of the crates."""
    found: dict[str, set[str]] = {}
    for dependency in entry["deps"]:
        name = dependency.get("package") or dependency["name"]
        if name in crates and dependency["kind"] != "dev" and name != entry["name"]:
            found.setdefault(name, set()).add(newest(dependency["req"], name))
    return {name: sorted(found[name]) for name in sorted(found)}


def releases(crate: str, crates: set[str]) -> list[tuple[str, dict[str, list[str]]]]:
    """The newest of each series, where it needs something else than the one before."""
    heads: dict[str, Entry] = {}
    for entry in published(index_entries(crate)):
        heads[series(semver(entry["vers"]))] = entry
    kept: list[tuple[str, dict[str, list[str]]]] = []
    for entry in sorted(heads.values(), key=lambda entry: semver(entry["vers"])):
        own = needs(entry, crates)
        if not kept or kept[-1][1] != own:
            kept.append((entry["vers"], own))
    return kept


def main() -> None:
    """Renew the file, with the packages that are named."""
    known = set(json.loads(TARGET.read_text())) if TARGET.exists() else set()
    crates = known | set(sys.argv[1:])
    update_index(crates)
    lines = [f"{json.dumps(c)}: {json.dumps(releases(c, crates), separators=(',', ':'))}" for c in sorted(crates)]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{TARGET.name}: {len(crates)} packages, {TARGET.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
