"""The Cargo view: packages with their dependencies as inherited, and where their code mentions each crate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from slowpath.model.cargo import CargoConfig, Dependency, Locked, Manifest
from slowpath.model.finding import Place, Trouble
from slowpath.model.mentions import MentionFacts
from slowpath.program.dependency_tree import Cut, DependencyTree
from slowpath.program.series import series_of

Role = Literal["normal", "dev", "build"]
"""What a file is compiled for: the product, its tests, benches and examples, or the build script."""


class Use(NamedTuple):
    """One mention of another crate."""

    path: str
    """The mentioned path, `tokio::time::sleep`."""
    place: Place
    role: Role
    """`dev` also for what `#[cfg(test)]` holds in a file of the product."""
    bare: bool


class Code(NamedTuple):
    """One compiled file."""

    path: str
    role: Role
    mentions: MentionFacts
    gaps: bool = False
    """It declares a module whose file was not read: generated, too large, or in a folder that scans leave out."""


class Package:
    """A Cargo.toml with a `[package]`, and the files that its targets compile."""

    def __init__(self, path: str, manifest: Manifest, code: list[Code], unread: bool = False) -> None:
        self.path = path
        self.manifest = manifest
        self.code = code
        self.unread = unread
        """Some of its Rust files were left out: they may use what nothing else does."""
        self.entries: list[Entry] = []
        self.workspace: Workspace

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def library(self) -> str:
        """The name by which other packages' code knows it."""
        declared = next((name for kind, name, _ in self.manifest.targets if kind == "lib" and name), "")
        return (declared or self.manifest.name).replace("-", "_")

    @cached_property
    def uses(self) -> dict[str, list[Use]]:
        """Mentions by the crate that they start with, in the order of files and paths."""
        found: dict[str, list[Use]] = {}
        for path, role, facts, _ in self.code:
            for mention in facts.mentions:
                root = mention.path.split("::", 1)[0]
                place = Place(path, (mention.at, mention.at + len(root)))
                own: Role = "dev" if mention.test and role == "normal" else role
                found.setdefault(root, []).append(Use(mention.path, place, own, mention.bare))
        return found

    @cached_property
    def through(self) -> dict[str, list[Use]]:
        """Uses of its dependencies by another crate's re-export: `rocket::tokio::fs` as `tokio::fs`."""
        names = {entry.name for entry in self.entries}
        found: dict[str, list[Use]] = {}
        for uses in self.uses.values():
            for use in uses:
                parts = use.path.split("::")
                for at in range(1, len(parts) - 1):
                    if parts[at] in names and parts[at] != parts[0]:
                        inner = use._replace(path="::".join(parts[at:]), bare=False)
                        found.setdefault(parts[at], []).append(inner)
        return found

    @cached_property
    def words(self) -> str:
        """The words of all its code."""
        return "".join(code.mentions.words for code in self.code)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Each of them once."""
        return frozenset(self.words.split(" "))

    @cached_property
    def generated(self) -> bool:
        """Part of its code is written by a build script, and cannot be read."""
        return any(code.mentions.generated for code in self.code)

    @cached_property
    def gaps(self) -> bool:
        """Some of its modules were not read."""
        return any(code.gaps for code in self.code)

    @cached_property
    def modules(self) -> frozenset[str]:
        """All modules that its files declare."""
        return frozenset(name for code in self.code for name in code.mentions.modules)

    @cached_property
    def switched(self) -> frozenset[str]:
        """The dependencies that `[features]` speaks of, or features of its own."""
        parts = (part for parts in self.manifest.features.values() for part in parts)
        return frozenset(part.removeprefix("dep:").replace("?", "").partition("/")[0] for part in parts)

    @cached_property
    def unexplained(self) -> frozenset[str]:
        """The roots of paths that no entry, no module and not its own library has the name of."""
        known = {entry.name for entry in self.entries} | self.modules | {self.library}
        return frozenset(self.uses.keys() - known)

    @property
    def lint(self) -> str:
        """The level of cargo's own lint for unused dependencies, where a manifest sets it."""
        root = self.workspace.manifest
        return self.manifest.lint if self.manifest.lint != "workspace" else root.shared_lint if root else ""

    @cached_property
    def below(self) -> tuple[Package, ...]:
        """The project's packages that it is built with, itself among them."""
        found = {self.path: self}
        stack = [self]
        while stack:
            for entry in stack.pop().entries:
                local = entry.local
                if local and local.path not in found and entry.declared.scope == "normal" and not entry.optional:
                    found[local.path] = local
                    stack.append(local)
        return tuple(found.values())

    def writes(self, crate: str) -> bool:
        """Whether its macros may expand to the name of a crate."""
        if self.manifest.proc_macro:
            return any(crate in package.uses for package in self.below)
        return any(crate in code.mentions.in_macros for code in self.code)

    def says(self, word: str) -> bool:
        """Whether a file has the word as a method, a path's later segment, a derive or a macro."""
        return word in self.vocabulary


class Entry(NamedTuple):
    """A dependency of a package, with what it inherits."""

    package: Package
    declared: Dependency
    shared: Dependency | None
    """The entry of `[workspace.dependencies]` that it inherits."""
    local: Package | None
    """The package of the project that it names by path."""

    @property
    def registered(self) -> str:
        return (self.shared or self.declared).registered

    @property
    def name(self) -> str:
        """The name in code, as far as the manifests say: a registry's package may name its library otherwise."""
        origin = self.shared or self.declared
        if origin.package and origin.package != origin.key:
            return origin.key.replace("-", "_")
        return self.local.library if self.local else self.declared.key.replace("-", "_")

    @property
    def renamed(self) -> bool:
        return bool((self.shared or self.declared).package)

    @property
    def optional(self) -> bool:
        return self.declared.optional

    @property
    def takes_default(self) -> bool:
        """Whether the crate's default features are on; what inherits cannot switch off what the workspace has on."""
        own = self.declared.default_features
        return own is not False if self.shared is None else self.shared.default_features is not False or own is True

    @property
    def version(self) -> str:
        return (self.shared or self.declared).version

    @property
    def place(self) -> Place:
        return Place(self.package.path, self.declared.span)


class Lock:
    """A Cargo.lock."""

    def __init__(self, path: str, packages: tuple[Locked, ...]) -> None:
        self.path = path
        self.packages = packages
        self.by_name: dict[str, list[Locked]] = {}
        for package in packages:
            self.by_name.setdefault(package.name, []).append(package)

    def chosen(self, entry: Entry) -> Locked | None:
        """The package that an entry gets: of the versions that are there, the one that its requirement allows."""
        found = self.by_name.get(entry.registered, ())
        if len(found) < 2:
            return found[0] if found else None
        wanted = series_of(entry.version)
        return next((one for one in found if wanted and series_of(one.version)[: len(wanted)] == wanted), None)

    def dependants(self, name: str) -> list[Locked]:
        """Packages of the registry that depend on one of that name."""
        return self._dependants.get(name, [])

    @cached_property
    def _dependants(self) -> dict[str, list[Locked]]:
        found: dict[str, list[Locked]] = {}
        for package in self.packages:
            if not package.local:
                for name in dict.fromkeys(entry.partition(" ")[0] for entry in package.dependencies):
                    found.setdefault(name, []).append(package)
        return found

    @cached_property
    def tree(self) -> DependencyTree:
        """Its packages as a graph."""
        return DependencyTree(self.packages)


class Workspace:
    """Packages that are resolved together, and their lock file if there is one."""

    def __init__(self, folder: str, path: str, manifest: Manifest | None, lock: Lock | None) -> None:
        self.folder = folder
        self.path = path
        self.manifest = manifest
        self.lock = lock
        self.packages: list[Package] = []
        self.configs: list[tuple[str, CargoConfig]] = []
        """Those that a build in its folder reads, the nearest first, by path."""

    def entries(self, registered: str) -> list[Entry]:
        """Every member's dependency of that name."""
        return self._entries.get(registered, [])

    @cached_property
    def _entries(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for package in self.packages:
            for entry in package.entries:
                found.setdefault(entry.registered, []).append(entry)
        return found

    @cached_property
    def tests_alone(self) -> tuple[Cut, ...]:
        """The edges of Cargo.lock that stand for nothing but dev-dependencies."""
        return self.edges(lambda entry: entry.declared.scope == "dev")

    def edges(self, such: Callable[[Entry], bool]) -> tuple[Cut, ...]:
        """The edges of Cargo.lock that stand for nothing but entries of a kind."""
        found: dict[Cut, bool] = {}
        for package in self.packages:
            for entry in package.entries:
                edge = package.manifest.name, entry.registered
                found[edge] = found.get(edge, True) and such(entry)
        return tuple(edge for edge, alone in found.items() if alone)


class CargoProgram:
    """Workspaces and packages, by path."""

    def __init__(
        self, workspaces: Iterable[Workspace], packages: Mapping[str, Package], troubles: tuple[Trouble, ...] = ()
    ) -> None:
        self.workspaces = list(workspaces)
        self.packages = packages
        self.troubles = troubles
        """What of the manifests and lock files could not be used."""
