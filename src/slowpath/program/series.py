"""Versions that cargo takes for compatible, and what the releases of known packages need of each other.

`series.json` stands beside the rule pages; `bench/series.py` writes it from the registry's index.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

REQUIREMENT = re.compile(r"[\^~=v\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?")
Series = tuple[int, ...]
Needs = Mapping[str, tuple[str, ...]]
"""Package → the series of it that a release accepts; `*` where several do."""


def series_of(version: str) -> Series:
    """What must be equal for two versions to be compatible: (1,), (0, 25), (0, 0, 3); nothing where it is not said."""
    match = REQUIREMENT.match(version)
    if not match or "," in version:
        return ()
    numbers = [int(part[:9]) for part in match.groups() if part is not None]
    for length, number in enumerate(numbers, 1):
        if number:
            return tuple(numbers[:length])
    return ()


def shown(series: Series) -> str:
    """`0.25`."""
    return ".".join(map(str, series))


class Releases:
    """What is known of packages' releases. A series that is not listed needs what the one before it did."""

    def __init__(self, known: Mapping[str, list[tuple[str, Needs]]]) -> None:
        self._known = {
            package: [(series_of(version), needs) for version, needs in releases] for package, releases in known.items()
        }

    def knows(self, package: str) -> bool:
        return package in self._known

    def needs(self, package: str, series: Series) -> Needs:
        """What a series needs directly, optional dependencies included."""
        found: Needs = {}
        for first, needs in self._known.get(package, ()):
            if first <= series:
                found = needs
        return found

    def after(self, package: str, series: Series) -> Iterator[Series]:
        """Later series that need something else, the nearest first."""
        return (first for first, _ in self._known.get(package, ()) if first > series)

    def below(self, package: str, series: Series) -> dict[str, set[Series]]:
        """All that a series may bring: package → its series, () for any."""
        found: dict[str, set[Series]] = {}
        stack = [(package, series)]
        while stack:
            for name, accepted in self.needs(*stack.pop()).items():
                for one in map(series_of, accepted):
                    if one not in found.setdefault(name, set()):
                        found[name].add(one)
                        stack.append((name, one))
        return found


@cache
def load(path: Path) -> Releases:
    """The releases of a file."""
    return Releases(
        msgspec.json.decode(path.read_bytes(), type=dict[str, list[tuple[str, dict[str, tuple[str, ...]]]]])
    )
