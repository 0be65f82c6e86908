"""What Cargo's profiles come to: which settings a build gets, and what kind of product it builds."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from slowpath.model.cargo import Setting
from slowpath.model.finding import Place
from slowpath.program.cargo import Package, Use, Workspace
from slowpath.program.rust import RustProgram

Kind = Literal["server", "wasm", "program", "library"]
"""`program` is whatever runs and is no server; a `library` is compiled with the profiles of those that use it."""
MAX_PARENTS = 9
BUILT_IN = {"dev": "0", "test": "0", "debug": "0", "release": "3", "bench": "3"}
"""Cargo's own profiles, and their `opt-level`."""
RUNS = frozenset(["cdylib", "staticlib"])


class Value(NamedTuple):
    """A setting that a build gets, and where it is written."""

    setting: Setting
    place: Place


Values = dict[tuple[str, str], Value]
"""By (package, key)."""


class Product(NamedTuple):
    """What a workspace builds to run."""

    kind: Kind
    serves: Use | None = None


def values(workspace: Workspace, profile: str) -> Values:
    """What a profile comes to: a config outranks the manifest, a profile the one that it inherits from."""
    found: Values = {}
    for _ in range(MAX_PARENTS):
        own = written(workspace, profile)
        for key, value in own.items():
            found.setdefault(key, value)
        parent = own.get(("", "inherits"))
        if parent is None:
            break
        profile = parent.setting.value
    return found


def optimised(workspace: Workspace, profile: str) -> bool | None:
    """Whether a profile makes fast code; None where there is no such profile."""
    level = values(workspace, profile).get(("", "opt-level"))
    for _ in range(MAX_PARENTS):
        if level or profile in BUILT_IN:
            return (level.setting.value if level else BUILT_IN[profile]) not in ("0", "1")
        parent = written(workspace, profile).get(("", "inherits"))
        if parent is None:
            return None
        profile = parent.setting.value
    return None


def written(workspace: Workspace, profile: str) -> Values:
    """What the files say about a profile itself."""
    sources = [(path, config.profiles) for path, config in workspace.configs]
    if workspace.manifest:
        sources.append((workspace.path, workspace.manifest.profiles))
    found: Values = {}
    for path, settings in sources:
        for setting in settings:
            if setting.profile == profile:
                found.setdefault((setting.package, setting.key), Value(setting, Place(path, setting.span)))
    return found


def product(workspace: Workspace, rust: RustProgram, serves: Iterable[str], wasm: Iterable[str]) -> Product:
    """What a workspace builds. `serves` are paths that only servers name, `wasm` are packages that only wasm needs."""
    runs = [package for package in workspace.packages if runnable(package, rust)]
    if not runs:
        return Product("library")
    if any(target.startswith("wasm") for _, config in workspace.configs for target in config.targets):
        return Product("wasm")
    names = frozenset(wasm)
    if all(any(entry.registered in names for entry in package.entries) for package in runs):
        return Product("wasm")
    use = next(uses(workspace, tuple(serves)), None)
    return Product("server", use) if use else Product("program")


def runnable(package: Package, rust: RustProgram) -> bool:
    """Whether a package has a target that is run: a binary, or a library for another language."""
    if RUNS.intersection(package.manifest.crate_types):
        return True
    return any(
        crate.kind == "bin" and crate.folder == package.folder and crate.root and not crate.root.test
        for crate in rust.crates
    )


def uses(workspace: Workspace, wanted: tuple[str, ...]) -> Iterator[Use]:
    """Where the product names one of these paths, or what is below it."""
    roots = {path.split("::", 1)[0] for path in wanted}
    for package in workspace.packages:
        for root in sorted(roots & package.uses.keys()):
            for use in package.uses[root]:
                if use.role == "normal" and any(
                    use.path == path or use.path.startswith(f"{path}::") for path in wanted
                ):
                    yield use


def is_member(package: Package) -> bool:
    """Whether Cargo builds the package as a member of the workspace above it, and not by itself."""
    workspace = package.workspace
    if workspace.manifest is None or package.path == workspace.path:
        return False
    inside = posixpath.relpath(package.folder, workspace.folder or ".").split("/")
    for pattern in workspace.manifest.members:
        parts = posixpath.normpath(pattern).split("/")
        if len(parts) == len(inside) and all(map(fnmatchcase, inside, parts)):
            return True
    return any(entry.local is package for other in workspace.packages for entry in other.entries)


def catches(workspace: Workspace, rust: RustProgram, names: Iterable[str]) -> Iterator[Place]:
    """Where the product catches panics, by the last names of the calls that do."""
    wanted = tuple(names)
    files = {
        code.path
        for package in workspace.packages
        for code in package.code
        if code.role == "normal" and any(f" {name} " in code.mentions.words for name in wanted)
    }
    for name in wanted:
        for site in rust.sites.get(name.rpartition("::")[2], ()):
            if site.function.file in files and not site.function.test:
                yield site.place
