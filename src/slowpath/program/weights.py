"""What code weighs in the browser, in kilobytes of minified JavaScript: estimates, made without a build.

A file counts by its bytes of code. A package counts by `package_sizes.toml`: whole, or by how many of its names are
used where bundlers can drop the rest.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from slowpath.model.modules import Dynamic, Import, ImportedName
from slowpath.program.web import Edge, PackageUse, WebProgram

PER_BYTE = 0.72 / 1000
"""Minified kB per byte of a file's code: esbuild over 1,144 files of eight front ends, each within a quarter of it."""
UNKNOWN = 10.0
"""kB of a package that the table does not know."""
SUBPATH = 0.05
"""Share of a package that one of its files is, where it says nothing else."""
NOT_CODE = (".css", ".scss", ".sass", ".less", ".json", ".svg", ".png", ".woff2", ".wasm")


class Size(NamedTuple):
    """A row of the table, kB minified.

    `first` and `each`: where a bundler drops what nobody names, the first name and each further one; `parts`: how much
    of it lies in other packages, by name; `peers`: packages that come on top.
    """

    kb: float
    gzip: float
    first: float | None
    each: float
    default: float | None
    parts: dict[str, float]
    peers: tuple[str, ...] = ()


UNMEASURED = Size(UNKNOWN, UNKNOWN / 3, None, 0, None, {})


class Weight(NamedTuple):
    """Of some files with what they import statically."""

    kilobytes: float
    """Packages included."""
    packages: dict[str, float]
    unknown: tuple[str, ...]
    """Packages that the table does not know."""


@cache
def sizes() -> dict[str, Size]:
    """By specifier."""
    with (Path(__file__).parent / "package_sizes.toml").open("rb") as file:
        tables: dict[str, dict[str, dict[str, Any]]] = tomllib.load(file)
    return {
        name: Size(
            row["kb"],
            row["gzip"],
            row.get("first"),
            row.get("each", 0),
            row.get("default"),
            row.get("with", {}),
            tuple(row.get("peers", ())),
        )
        for table in tables.values()
        for name, row in table.items()
    }


def weigh(web: WebProgram, paths: Collection[str]) -> Weight:
    """What the given files weigh, and the packages that they import statically."""
    uses = [use for path in paths for use in web.uses_of(path) if is_static(use)]
    packages = weigh_packages(uses)
    own = sum(web.modules[path].code for path in paths) * PER_BYTE
    unknown = {use.package for use in uses if _row(use) not in sizes()}
    return Weight(own + sum(packages.values()), packages, tuple(sorted(unknown & packages.keys())))


def kilobytes_of(uses: Iterable[PackageUse]) -> float:
    """kB that the given imports bring, were they the only ones."""
    return sum(weigh_packages(uses).values())


def saved(web: WebProgram, removed: Iterable[Edge]) -> Weight:
    """What leaves the first load if the given imports become dynamic."""
    rest = web.first_load_without(removed)
    before, after = weigh(web, web.first_load), weigh(web, rest)
    packages = {name: kb - after.packages.get(name, 0) for name, kb in before.packages.items()}
    return Weight(before.kilobytes - after.kilobytes, {name: kb for name, kb in packages.items() if kb >= 1}, ())


def is_static(use: PackageUse) -> bool:
    """Does the package belong to the chunk of the file that imports it?"""
    return not isinstance(use.statement, Dynamic) or (use.statement.required and use.statement.top_level)


def weigh_packages(uses: Iterable[PackageUse]) -> dict[str, float]:
    """kB by package, what the packages need of others included once."""
    by_row: dict[str, list[PackageUse]] = defaultdict(list)
    for use in uses:
        if not use.specifier.startswith("node:") and not use.specifier.endswith(NOT_CODE):
            by_row[_row(use)].append(use)
    own: dict[str, float] = defaultdict(float)
    shared: dict[str, float] = defaultdict(float)
    peers: set[str] = set()
    for row, same in sorted(by_row.items()):
        size = sizes().get(row, UNMEASURED)
        kilobytes = estimate(size, row, same)
        share = kilobytes / size.kb
        for name, part in size.parts.items():
            shared[name] = max(shared[name], part * share)
        peers |= set(size.peers)
        package = same[0].package
        own[package] = max(own[package], kilobytes - share * sum(size.parts.values()))
    for name in peers - own.keys():
        shared[name] = sizes().get(name, UNMEASURED).kb
    return {name: max(own[name], shared[name]) for name in sorted(own.keys() | shared.keys())}


def estimate(size: Size, row: str, uses: Iterable[PackageUse]) -> float:
    """kB of what the given imports bring of the package or file that a row is about."""
    names = {name for use in uses for name in ([use.specifier] if _row(use) != use.specifier else _names(use))}
    files = {name for name in names if name.startswith(row + "/")}
    if size.first is None:
        return min(size.kb, size.kb * SUBPATH * len(files)) if files and files == names else size.kb
    if not names or "*" in names:
        return size.kb
    named = names - {"default"}
    kilobytes = size.first + size.each * (len(named) - 1) if named else 0.0
    if "default" in names:
        kilobytes = max(kilobytes, size.default if size.default is not None else size.first)
    return min(size.kb, kilobytes)


def _row(use: PackageUse) -> str:
    """The row that is about an import: of that very file, else of the package."""
    return next((name for name in (use.specifier, use.specifier.removesuffix(".js")) if name in sizes()), use.package)


def _names(use: PackageUse) -> list[str]:
    statement = use.statement
    if isinstance(statement, Import):
        return [part for name in statement.names if name.use != "type" for part in parts(name)]
    return ["*"] if isinstance(statement, Dynamic) else [statement.local]


def parts(name: ImportedName) -> list[str]:
    """The exports that an imported name keeps in the bundle; a namespace keeps what is read off it."""
    if name.imported != "*" or name.members is None:
        return [name.imported]
    return [member.name for member in name.members]
