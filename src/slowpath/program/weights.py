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

from slowpath.model.modules import Dynamic, Import
from slowpath.program.web import PackageUse, WebProgram

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
    uses = [use for use in web.uses if use.importer in paths and is_static(use)]
    packages = weigh_packages(uses)
    own = sum(web.modules[path].code for path in paths) * PER_BYTE
    unknown = {use.package for use in uses if use.package not in sizes() and use.specifier not in sizes()}
    return Weight(own + sum(packages.values()), packages, tuple(sorted(unknown & packages.keys())))


def is_static(use: PackageUse) -> bool:
    """Does the package belong to the chunk of the file that imports it?"""
    return not isinstance(use.statement, Dynamic) or (use.statement.required and use.statement.top_level)


def weigh_packages(uses: Iterable[PackageUse]) -> dict[str, float]:
    """kB by package, what the packages need of others included once."""
    by_specifier: dict[str, list[PackageUse]] = defaultdict(list)
    for use in uses:
        if not use.specifier.startswith("node:") and not use.specifier.endswith(NOT_CODE):
            by_specifier[use.specifier].append(use)
    rows: dict[str, float] = defaultdict(float)
    files: dict[str, float] = defaultdict(float)
    shared: dict[str, float] = {}
    for specifier, same in sorted(by_specifier.items()):
        package = same[0].package
        kilobytes, size = estimate(specifier, same)
        if size is None:
            files[package] += kilobytes
            continue
        share = kilobytes / size.kb if size.kb else 0.0
        for name, part in [*size.parts.items(), *((peer, alone(peer)) for peer in size.peers)]:
            shared[name] = max(shared.get(name, 0), part * share if name in size.parts else part)
        rows[package] = max(rows[package], kilobytes - share * sum(size.parts.values()))
    return {
        name: max(min(rows[name] + files[name], most(name, rows[name])), shared.get(name, 0))
        for name in sorted(rows.keys() | files.keys() | shared.keys())
    }


def most(package: str, known: float) -> float:
    """kB of a package that is used all over."""
    size = sizes().get(package)
    return max(known, size.kb) if size is not None else known or UNKNOWN


def alone(package: str) -> float:
    """kB of a package that another needs."""
    size = sizes().get(package)
    return UNKNOWN if size is None else size.kb if size.first is None else size.first


def estimate(specifier: str, uses: Collection[PackageUse]) -> tuple[float, Size | None]:
    """kB of what the given imports of one specifier bring, and the row that says so."""
    size = sizes().get(specifier) or sizes().get(specifier.removesuffix(".js"))
    package = next(iter(uses)).package
    if size is None:
        of_package = sizes().get(package)
        if of_package is None:
            return UNKNOWN, None
        return of_package.first if of_package.first is not None else of_package.kb * SUBPATH, None
    if size.first is None:
        return size.kb, size
    names = {name for use in uses for name in _names(use)}
    if not names or "*" in names:
        return size.kb, size
    named = names - {"default"}
    kilobytes = size.first + size.each * (len(named) - 1) if named else 0.0
    if "default" in names:
        kilobytes = max(kilobytes, size.default if size.default is not None else size.first)
    return min(size.kb, kilobytes), size


def _names(use: PackageUse) -> list[str]:
    statement = use.statement
    if isinstance(statement, Import):
        return [name.imported for name in statement.names if name.use != "type"]
    return ["*"] if isinstance(statement, Dynamic) else [statement.local]
