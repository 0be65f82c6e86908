"""What is known of crates' features: the graphs of each release, and what code of each feature looks like.

`graphs.json` is generated from the registry's index; the tables beside it, one TOML per crate, are written by hand and
checked against the crates' sources (`bench/feature_tables.py` does both).
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from functools import cache
from pathlib import Path

import msgspec

GRAPHS = "graphs.json"
SETS = "sets.toml"
"""Lists of signs that several tables share."""
NUMBER = re.compile(r"\d+")
Version = tuple[int, ...]


class Asked(msgspec.Struct, frozen=True):
    """How a release depends on another crate."""

    optional: bool = False
    features: tuple[str, ...] = ()
    default: bool = True
    package: str = ""
    """Its name in the registry, where it is another."""


class Release(msgspec.Struct, array_like=True, frozen=True):
    """A version from which on a crate has this graph: feature → what it switches on, in the registry's notation."""

    version: str
    features: dict[str, tuple[str, ...]]
    dependencies: dict[str, Asked] = {}


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What code of each feature of a crate looks like. A feature that is not in `needs` is never judged."""

    crates: tuple[str, ...] = ()
    aggregates: tuple[str, ...] = ()
    """Features that only stand for others, as `default` does."""
    cheap: tuple[str, ...] = ()
    """Not worth a finding of their own."""
    together: tuple[tuple[str, ...], ...] = ()
    """Alternatives: where the code shows none of them, it does not show which it needs."""
    silent: tuple[str, ...] = ()
    """They work without being named in code, so they stay."""
    internal: tuple[str, ...] = ()
    """They come with others; nobody asks for them."""
    sets: dict[str, tuple[str, ...]] = {}
    """Lists of signs by name, for `+name` among the signs of a feature."""
    needs: dict[str, tuple[str, ...]] = {}
    """Feature → signs of code that needs it; without a sign, it goes with an aggregate that it is part of."""
    instead: dict[str, str] = {}
    """What must be on when a feature goes."""
    covered: dict[str, tuple[str, ...]] = {}
    """Public names that need no sign, with the reason; for the script that checks the table."""


class Crate(msgspec.Struct, frozen=True):
    """One crate of `graphs.json`, oldest release first."""

    table: str
    versions: tuple[Release, ...]

    def release(self, version: str) -> Release | None:
        """The graph of a version; of the newest compatible one where only `1` or `1.4` is said."""
        wanted = numbers(version)
        if not wanted:
            return None
        wanted += (1 << 30,) * (3 - len(wanted))
        at = bisect_right(self.versions, wanted, key=lambda release: numbers(release.version))
        return self.versions[at - 1] if at else None


class Tables:
    """All crates in a folder of tables. Each is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        raw = (folder / GRAPHS).read_bytes()
        self._crates = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        self._read: dict[str, Crate] = {}

    @property
    def names(self) -> list[str]:
        return list(self._crates)

    def crate(self, name: str) -> Crate | None:
        """The releases of a crate."""
        if name not in self._read and name in self._crates:
            self._read[name] = msgspec.json.decode(self._crates[name], type=Crate)
        return self._read.get(name)

    @cache  # noqa: B019 (tables live as long as the program)
    def table(self, name: str) -> Table:
        """What code of the crate's features looks like."""
        crate = self.crate(name)
        return read(self.folder / f"{crate.table if crate else name}.toml")


def read(path: Path) -> Table:
    """The table of a file, with the sets in the place of their names. Raises KeyError for a set that is not there."""
    table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Table)
    sets = shared(path.parent) | table.sets
    needs = {
        feature: tuple(own for sign in signs for own in (sets[sign[1:]] if sign[0] == "+" else (sign,)))
        for feature, signs in table.needs.items()
    }
    return msgspec.structs.replace(table, needs=needs)


@cache
def shared(folder: Path) -> dict[str, tuple[str, ...]]:
    """The sets for all tables of a folder."""
    return msgspec.convert(tomllib.loads((folder / SETS).read_text(encoding="utf-8")), dict[str, tuple[str, ...]])


@cache
def load(folder: Path) -> Tables:
    """The tables of a folder."""
    return Tables(folder)


def numbers(version: str) -> Version:
    """`=1.4.0-rc.1` → (1, 4, 0)."""
    return tuple(int(part[:9]) for part in NUMBER.findall(version.split("-")[0].split("+")[0])[:3])
