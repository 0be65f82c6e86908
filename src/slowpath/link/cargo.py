"""Facts → CargoProgram: members inherit from their workspace, and every compiled file goes to its package.

Which files a target compiles is the Rust view's answer; `mod` items inside macro calls, which that one may not see, are
taken as declared.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple, cast

from slowpath.link.cargo_troubles import troubles
from slowpath.link.compiled import claims
from slowpath.model.cargo import Dependency, Manifest, TomlFacts
from slowpath.model.code import CodeFacts
from slowpath.model.rust import RustFacts
from slowpath.program import Program
from slowpath.program.cargo import CargoProgram, Code, Entry, Lock, Package, Role, Workspace
from slowpath.program.rust import Module

SAMPLES = frozenset(["tests", "test", "fixtures", "testdata", "test_data", "test-data", "templates"])
"""A package in such a folder that is no member of a workspace is input of a test."""
DEV_FOLDERS = frozenset(["tests", "benches", "examples"])


def link(program: Program) -> CargoProgram:
    """The Cargo view of a program."""
    facts = {file.path: cast(TomlFacts, file.facts) for file in program.of("toml")}
    manifests = {path: own.manifest for path, own in facts.items() if own.manifest and path.endswith("Cargo.toml")}
    locks = {posixpath.dirname(path): Lock(path, own.lock) for path, own in facts.items() if own.lock}
    folders = {posixpath.dirname(path) for path in manifests}
    code = by_folder(program, folders)
    unread = {nearest(path, folders) for path in program.unread if path.endswith(".rs")}
    packages = {
        path: Package(path, manifest, code.get(posixpath.dirname(path), []), posixpath.dirname(path) in unread)
        for path, manifest in manifests.items()
        if manifest.name and not sample(path, manifests)
    }
    workspaces: dict[str, Workspace] = {}
    for path, package in packages.items():
        root = root_of(path, manifests)
        if root not in workspaces:
            folder = posixpath.dirname(root)
            workspaces[root] = Workspace(folder, root, manifests.get(root), locks.get(folder))
        package.workspace = workspaces[root]
        workspaces[root].packages.append(package)
    configs = {path: own.config for path, own in facts.items() if own.config}
    for workspace in workspaces.values():
        for folder in upwards(workspace.folder):
            path = posixpath.join(folder, ".cargo/config.toml")
            if path in configs:
                workspace.configs.append((path, configs[path]))
    for package in packages.values():
        package.entries = [entry(package, own, packages) for own in package.manifest.dependencies]
    found = tuple(troubles(manifests, workspaces.values(), frozenset(facts)))
    return CargoProgram(workspaces.values(), packages, found)


def upwards(folder: str) -> Iterator[str]:
    """The folder and those above it, up to the project's own."""
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""


def root_of(path: str, manifests: dict[str, Manifest]) -> str:
    """The manifest of the workspace that a package is a member of: its own where there is none."""
    if manifests[path].workspace:
        return path
    folder = own = posixpath.dirname(path)
    if manifests[path].root:
        named = posixpath.normpath(posixpath.join(folder, manifests[path].root, "Cargo.toml"))
        return named if named in manifests else path
    while folder:
        folder = posixpath.dirname(folder)
        above = posixpath.join(folder, "Cargo.toml")
        if above in manifests and manifests[above].workspace:
            inside = posixpath.relpath(own, folder or ".")
            if not any(inside == out or inside.startswith(f"{out}/") for out in manifests[above].exclude):
                return above
    return path


def sample(path: str, manifests: dict[str, Manifest]) -> bool:
    """Whether a manifest is test input rather than part of the product."""
    if not SAMPLES.intersection(path.split("/")[:-1]):
        return False
    root = root_of(path, manifests)
    inside = posixpath.relpath(posixpath.dirname(path), posixpath.dirname(root) or ".")
    return root == path or not any(fnmatchcase(inside, posixpath.normpath(m)) for m in manifests[root].members)


def entry(package: Package, declared: Dependency, packages: dict[str, Package]) -> Entry:
    """A dependency with what it inherits."""
    shared, base = None, package.folder
    root = package.workspace.manifest
    if declared.workspace and root:
        shared = next((other for other in root.shared if other.key == declared.key), None)
        base = package.workspace.folder
    path = (shared or declared).path
    local = packages.get(posixpath.normpath(posixpath.join(base, path, "Cargo.toml"))) if path else None
    return Entry(package, declared, shared, local)


def nearest(path: str, folders: set[str]) -> str:
    """The closest of the folders that a path lies in, or the root."""
    folder = posixpath.dirname(path)
    while folder and folder not in folders:
        folder = posixpath.dirname(folder)
    return folder


def by_folder(program: Program, folders: set[str]) -> dict[str, list[Code]]:
    """The compiled files of each package's folder."""
    facts = {file.path: cast(RustFacts, file.facts) for file in program.of("rust")}
    mentions = {path: own.mentions for path, own in facts.items()}
    owners = claims(program.rust, mentions)
    found: dict[str, list[Code]] = {}
    for path, own in facts.items():
        open_ended = gaps(program.rust.modules.get(path, []), own.code) or any(
            posixpath.normpath(posixpath.join(posixpath.dirname(path), name)) not in facts
            for _, name in own.code.includes
        )
        for folder, roles in sorted(owners.get(path, {}).items()):
            kept = roles - {"dev"} if "normal" in roles else roles
            found.setdefault(folder, []).extend(Code(path, role, own.mentions, open_ended) for role in sorted(kept))
    declared = {folder: Declared.of(code) for folder, code in found.items()}
    for path in sorted(mentions.keys() - owners.keys()):
        folder = nearest(path, folders)
        if folder in declared and (role := declared[folder].role(path, folder)):
            found[folder].append(Code(path, role, mentions[path]))
    return found


class Declared(NamedTuple):
    """What the compiled files of a package say of modules whose files were not followed."""

    modules: frozenset[str]
    by_macro: bool

    @classmethod
    def of(cls, code: list[Code]) -> Declared:
        own = [one.mentions for one in code]
        return cls(frozenset(name for one in own for name in one.modules), any(one.macro_modules for one in own))

    def role(self, path: str, folder: str) -> Role | None:
        """What a file that no target was seen to compile may be compiled for: test harnesses take in files too."""
        inside = path[len(folder) :].lstrip("/").split("/")
        if inside[0] in DEV_FOLDERS:
            return "dev"
        name = inside[-1].removesuffix(".rs")
        module = inside[-2] if name == "mod" and len(inside) > 1 else name
        return "normal" if self.by_macro or module in self.modules else None


def gaps(modules: list[Module], code: CodeFacts) -> bool:
    """Whether a file declares a module that no file was found for."""
    return any(
        mod.module == module.inline and not mod.inline and mod.name not in module.types
        for mod in code.mods
        for module in modules
    )
