"""Cargo's targets and their module trees: which files are compiled, as which modules.

`mod name;` is looked for beside its file as rustc does; `#[path]` and `include!` are followed. A file that two targets
share belongs to the first (libraries come first).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import cast

from slowpath.model.cargo import Manifest, TomlFacts
from slowpath.model.code import CodeFacts
from slowpath.model.rust import RustFacts
from slowpath.program import Program
from slowpath.program.paths import known
from slowpath.program.rust import Crate, Module

MAX_DEPTH = 60


def targets(program: Program, files: Mapping[str, CodeFacts]) -> Iterator[tuple[Crate, str]]:
    """Every target of every package with its root file, libraries first."""
    found = []
    at_root = False
    for file in program.of("toml"):
        if posixpath.basename(file.path) == "Cargo.toml":
            folder = posixpath.dirname(file.path)
            at_root = at_root or not folder
            manifest = cast(TomlFacts, file.facts).manifest or Manifest()
            if manifest.name or not manifest.workspace:
                found += list(package_targets(manifest, folder, files))
    if not at_root:
        found += list(package_targets(Manifest(), "", files))
    order = {"lib": 0, "bin": 1}
    return iter(sorted(found, key=lambda entry: (order.get(entry[0].kind, 2), entry[1])))


def package_targets(manifest: Manifest, folder: str, files: Mapping[str, CodeFacts]) -> Iterator[tuple[Crate, str]]:
    """The targets of one package: those it declares, and those that Cargo finds by convention."""
    name = (manifest.name or posixpath.basename(folder) or "main").replace("-", "_")
    seen = set()
    for kind, own, path in manifest.targets:
        root = posixpath.normpath(posixpath.join(folder, path)) if path else ""
        if root in files:
            seen.add(root)
            yield Crate((own or name).replace("-", "_"), kind, folder), root
    for path, kind, own in conventional(folder, files):
        if path not in seen:
            yield Crate(name if kind == "lib" else f"{name}({own})", kind, folder), path


def conventional(folder: str, files: Mapping[str, CodeFacts]) -> Iterator[tuple[str, str, str]]:
    """(root file, kind, target name) by Cargo's conventions."""
    prefix = f"{folder}/" if folder else ""
    for path, kind, own in (("src/lib.rs", "lib", ""), ("src/main.rs", "bin", "main"), ("build.rs", "build", "build")):
        if prefix + path in files:
            yield prefix + path, kind, own
    for place, kind in (("src/bin", "bin"), ("tests", "test"), ("benches", "bench"), ("examples", "example")):
        start = f"{prefix}{place}/"
        for path in files:
            if path.startswith(start):
                rest = path[len(start) :]
                if "/" not in rest or (rest.count("/") == 1 and rest.endswith("/main.rs")):
                    yield path, kind, rest.split("/")[0].removesuffix(".rs")


def is_for_tests(folder: str) -> bool:
    """Whether a package's name says that only tests and developers run it."""
    words = re.split(r"[-_]", posixpath.basename(folder))
    return any(word in known()["tests"]["packages"] for word in words)


class Tree:
    """Builds the modules of all targets."""

    def __init__(self, program: Program) -> None:
        self.files: dict[str, CodeFacts] = {file.path: cast(RustFacts, file.facts).code for file in program.of("rust")}
        self.modules: dict[str, list[Module]] = {}
        """file → modules in it"""
        self.crates: list[Crate] = []
        self.owned: dict[tuple[str, str], Module] = {}
        for crate, root in targets(program, self.files):
            test = crate.kind in ("test", "bench", "example") or is_for_tests(crate.folder)
            module = Module(crate.name, crate, root, "", None, test)
            crate.root = module
            self.crates.append(crate)
            self.add(module, posixpath.dirname(root), 0)

    def add(self, module: Module, folder: str, depth: int) -> Module:
        """A module with its children; `folder` is where its `mod name;` are looked for."""
        known = self.owned.get((module.file, module.inline))
        if known is not None:
            if known.test and not module.test:
                self.revive(known)
            return known
        self.owned[module.file, module.inline] = module
        self.modules.setdefault(module.file, []).append(module)
        if depth < MAX_DEPTH:
            self.children(module, module.file, module.inline, folder, depth)
        return module

    def revive(self, module: Module) -> None:
        """A module that was first met through a test target is compiled for real as well."""
        module.test = False
        for child in module.types.values():
            if isinstance(child, Module) and child.test and child.parent is module:
                self.revive(child)

    def children(self, module: Module, file: str, inline: str, folder: str, depth: int) -> None:
        facts = self.files[file]
        for mod in facts.mods:
            if mod.module != inline:
                continue
            name = f"{module.name}::{mod.name}"
            test = module.test or mod.test or mod.name in known()["tests"]["modules"]
            if mod.inline:
                path = f"{inline}::{mod.name}" if inline else mod.name
                child = Module(name, module.crate, file, path, module, test)
                module.types[mod.name] = self.add(child, posixpath.join(folder, mod.path or mod.name), depth + 1)
                continue
            place = self.locate(file, folder, mod.name, mod.path, bool(inline))
            if place is not None:
                path, inner = place
                child = Module(name, module.crate, path, "", module, test or self.files[path].test)
                module.types[mod.name] = self.add(child, inner, depth + 1)
        for own, path in facts.includes:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(file), path))
            if own == inline and target in self.files:
                self.include(module, target)

    def include(self, module: Module, file: str) -> None:
        """`include!`: the file's items are the module's own."""
        if (file, "") not in self.owned:
            self.owned[file, ""] = module
            self.modules.setdefault(file, []).append(module)

    def locate(self, file: str, folder: str, name: str, path: str, nested: bool) -> tuple[str, str] | None:
        """The file of `mod name;` and the folder of its own children."""
        if path:
            base = folder if nested else posixpath.dirname(file)
            target = posixpath.normpath(posixpath.join(base, path))
            return (target, posixpath.dirname(target)) if target in self.files else None
        for target in (
            f"{folder}/{name}.rs" if folder else f"{name}.rs",
            f"{folder}/{name}/mod.rs" if folder else f"{name}/mod.rs",
        ):
            if target in self.files:
                return target, f"{folder}/{name}" if folder else name
        return None
