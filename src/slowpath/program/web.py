"""The front-end program: modules, the import graph, and what a name in one file means in another.

All questions take paths relative to the project root. Unknown paths get the quiet answer (empty, None, False).
"""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from slowpath.model.finding import Place, Span, Step
from slowpath.model.modules import Compiler, Dynamic, Export, Import, ModuleFacts

Kind = Literal["client", "server", "test", "generated", "config"]
"""What a file is for. `test` covers stories and mocks; `client` is everything that nothing speaks against."""

EntryKind = Literal["app", "page", "server component", "library"]
"""`page`: a file router's; `server component`: one of Next's app folder without `use client`."""

DESKTOP = frozenset(["electron", "@tauri-apps/api"])
MAX_HOPS = 60
"""Re-exports that one question follows, one behind the other."""

Seen = set[tuple[str, str]]
"""(path, name) that a question has been to: files that re-export each other are normal."""


class Declaration(NamedTuple):
    """A top-level declaration of a scanned file. `name` is the local name there, `default` for an anonymous default
    export, `*` for the module's namespace."""

    path: str
    name: str
    span: Span


class External(NamedTuple):
    """An export of a package that is not part of the project, or of Node. `name` as in `Declaration`."""

    package: str
    name: str
    specifier: str
    """The package with its subpath, as written."""


Target = Declaration | External


class Edge(NamedTuple):
    """One import of a scanned file by another that survives compilation."""

    importer: str
    path: str
    span: Span
    """Of the statement or the `import()` expression."""
    names: tuple[str, ...]
    """The imported names; empty for side effects alone, `*` for everything."""
    dynamic: bool
    """Loaded when the code gets there, so it is not part of the importer's own chunk."""


class Package(NamedTuple):
    """A package.json of the project."""

    path: str
    folder: str
    """`""` for the root."""
    name: str
    dependencies: frozenset[str]
    """All that it names, development and peer dependencies included."""
    side_effects: bool
    """False where it promises that unused modules can be dropped."""
    react_compiler: Compiler


class PackageUse(NamedTuple):
    """One import of an external package that survives compilation."""

    importer: str
    package: str
    specifier: str
    """The package with its subpath, as written."""
    statement: Import | Dynamic | Export


class WebProgram:
    """Built by `link.web`."""

    def __init__(
        self,
        modules: Mapping[str, ModuleFacts],
        kinds: Mapping[str, Kind],
        packages: Iterable[Package],
        edges: Mapping[str, list[Edge]],
        uses: list[PackageUse],
        entries: Mapping[str, EntryKind],
        find: Callable[[str, str], str | None],
    ) -> None:
        self.modules = modules
        """Facts of every scanned JavaScript and TypeScript file, by path."""
        self.packages = {package.folder: package for package in packages}
        """By folder."""
        self.uses = uses
        """Imports of external packages, by path."""
        self.entries = entries
        """Files that a browser, a router or another package loads first."""
        self._kinds = kinds
        self._edges = edges
        self._find = find
        self._packages_of: dict[str, Package | None] = {}

    # files

    def kind(self, path: str) -> Kind | None:
        """What a file is for, None if it was not scanned."""
        return self._kinds.get(path)

    def is_client(self, path: str) -> bool:
        """Is the file written for the browser? Next's server components count, see `ships`."""
        return self._kinds.get(path) == "client"

    def package_of(self, path: str) -> Package | None:
        """The package that a file belongs to."""
        folder = posixpath.dirname(path)
        if folder not in self._packages_of:
            at = folder
            while at and at not in self.packages:
                at = posixpath.dirname(at)
            self._packages_of[folder] = self.packages.get(at)
        return self._packages_of[folder]

    def app_of(self, path: str) -> str:
        """The folder of the package that a file belongs to."""
        package = self.package_of(path)
        return package.folder if package is not None else ""

    def on_disk(self, path: str) -> bool:
        """Is the file part of a desktop shell (Electron, Tauri), which loads nothing over a network?"""
        package = self.package_of(path)
        return package is not None and bool(DESKTOP & package.dependencies)

    def react_compiler(self, path: str) -> str:
        """`on`, `annotation`, or nothing: what the package's build configuration says. A dependency proves nothing."""
        package = self.package_of(path)
        if package is None:
            return ""
        mode, paths = package.react_compiler.mode, package.react_compiler.paths
        inside = "/" + path.removeprefix(f"{package.folder}/")
        return mode if not paths or any(piece.lstrip("/") in inside for piece in paths) else ""

    # names

    def file_of(self, path: str, specifier: str) -> str | None:
        """The scanned file that an import in `path` means."""
        return self._find(path, specifier)

    def resolve(self, path: str, name: str) -> Target | None:
        """What a top-level or imported name of a file means; `a.b` is the member `b` of `a`.

        Follows imports, default exports, renames and re-exports to the declaration.
        """
        head, _, rest = name.partition(".")
        target = self._local(path, head, set(), 0)
        for member in rest.split(".") if rest else ():
            if isinstance(target, External):
                target = target._replace(name=member)
            elif target is not None and target.name == "*":
                target = self.exported(target.path, member)
            else:
                return None
        return target

    def imports_name(self, path: str, name: str) -> bool:
        """Does a file import this name from somewhere?"""
        return name in self._imported.get(path, {})

    def exported(self, path: str, name: str) -> Target | None:
        """What a file exports under a name."""
        return self._exported(path, name, set(), 0)

    def _local(self, path: str, name: str, seen: Seen, hops: int) -> Target | None:
        imported = self._imported.get(path, {}).get(name)
        if imported is not None:
            return self._from(path, *imported, seen, hops)
        span = self._declared.get(path, {}).get(name)
        return Declaration(path, name, span) if span is not None else None

    def _from(self, path: str, specifier: str, name: str, seen: Seen, hops: int) -> Target | None:
        target = self._find(path, specifier)
        if target is None:
            return External(package_name(specifier), name, specifier) if is_package(specifier) else None
        return Declaration(target, "*", (0, 0)) if name == "*" else self._exported(target, name, seen, hops)

    def _exported(self, path: str, name: str, seen: Seen, hops: int) -> Target | None:
        if (path, name) in seen or hops > MAX_HOPS or path not in self.modules:
            return None
        seen.add((path, name))
        names, stars = self._exports[path]
        export = names.get(name)
        if export is not None:
            if export.specifier:
                return self._from(path, export.specifier, export.local, seen, hops + 1)
            return self._local(path, export.local, seen, hops + 1)
        if name == "default":
            return None
        found = [self._from(path, specifier, name, seen, hops + 1) for specifier in stars]
        own = [target for target in found if isinstance(target, Declaration)]
        foreign = [target for target in found if target is not None]
        return own[0] if own else foreign[0] if len(foreign) == 1 else None

    @cached_property
    def _exports(self) -> dict[str, tuple[dict[str, Export], list[str]]]:
        """By path: exports by name, and the modules of which everything is exported."""
        return {
            path: (
                {export.name: export for export in facts.exports if export.name != "*"},
                [export.specifier for export in facts.exports if export.name == "*"],
            )
            for path, facts in self.modules.items()
        }

    @cached_property
    def _imported(self) -> dict[str, dict[str, tuple[str, str]]]:
        return {
            path: {
                name.local: (statement.specifier, name.imported)
                for statement in facts.imports
                for name in statement.names
            }
            for path, facts in self.modules.items()
        }

    @cached_property
    def _declared(self) -> dict[str, dict[str, Span]]:
        return {path: {d.name: d.span for d in facts.declared} for path, facts in self.modules.items()}

    # the import graph

    def imports(self, path: str) -> list[Edge]:
        """The scanned files that a file imports, in source order; what only types need is left out."""
        return self._edges.get(path, [])

    def importers(self, path: str) -> list[Edge]:
        """Who imports a file, by path."""
        return self._importers.get(path, [])

    @cached_property
    def _importers(self) -> dict[str, list[Edge]]:
        found: dict[str, list[Edge]] = {}
        for edges in self._edges.values():
            for edge in edges:
                found.setdefault(edge.path, []).append(edge)
        return found

    def ships(self, path: str) -> bool:
        """Does the browser get this file, now or later? Where no entry is known, every client file counts."""
        return path in self._loaded[1] if self.has_app(path) else self.is_client(path)

    def loads_first(self, path: str) -> bool:
        """Is the file on the static path from an entry or page, so that the first load waits for it?"""
        return path in self._loaded[0]

    def has_app(self, path: str) -> bool:
        """Is there an entry or page in the file's package?"""
        return self.package_of(path) in self._apps

    @cached_property
    def _apps(self) -> frozenset[Package | None]:
        return frozenset(self.package_of(path) for path, kind in self.entries.items() if kind != "library")

    def chain(self, path: str) -> list[Edge]:
        """The imports that lead from an entry to a file of the first load, shortest, outermost first."""
        found: list[Edge] = []
        edge = self._loaded[0].get(path)
        while edge is not None:
            found.append(edge)
            edge = self._loaded[0].get(edge.importer)
        return found[::-1]

    def distance(self, path: str, span: Span) -> tuple[int, str, Span]:
        """Sorts imports by how far their file is from an entry."""
        return (len(self.chain(path)), path, span)

    def proof(self, path: str) -> list[Step]:
        """`chain` as a finding shows it."""
        return [Step(Place(edge.importer, edge.span), f"imports {edge.path}") for edge in self.chain(path)]

    def first_load_of(self, *entries: str) -> frozenset[str]:
        """All files on a static path from the given entries or pages."""
        return frozenset(self._spread(list(entries), dynamic=False))

    def first_load_without(self, removed: Iterable[Edge]) -> frozenset[str]:
        """What the first load would hold if the given imports were dynamic."""
        return frozenset(self._spread(self._roots, dynamic=False, removed=frozenset(removed)))

    def lines(self, paths: Iterable[str]) -> int:
        """Lines of source in the given files."""
        return sum(self.modules[path].lines for path in paths)

    def uses_of(self, path: str) -> list[PackageUse]:
        """The packages that a file imports."""
        return self._uses.get(path, [])

    @cached_property
    def _uses(self) -> dict[str, list[PackageUse]]:
        found: dict[str, list[PackageUse]] = {}
        for use in self.uses:
            found.setdefault(use.importer, []).append(use)
        return found

    @property
    def first_load(self) -> frozenset[str]:
        """All files on a static path from an entry or page."""
        return frozenset(self._loaded[0])

    @cached_property
    def _roots(self) -> list[str]:
        return [path for path, kind in self.entries.items() if kind != "library"]

    @cached_property
    def _loaded(self) -> tuple[dict[str, Edge | None], dict[str, Edge | None]]:
        """(first load, everything shipped), each file with the import that brought it."""
        return self._spread(self._roots, dynamic=False), self._spread(self._roots, dynamic=True)

    def _spread(
        self, roots: list[str], *, dynamic: bool, removed: frozenset[Edge] = frozenset()
    ) -> dict[str, Edge | None]:
        """Breadth first. What Next's server components import stays on the server up to a `use client`."""
        reached: dict[tuple[str, bool], Edge | None] = {}
        queue = deque[tuple[str, bool, Edge | None]]((path, not self._on_server(path), None) for path in roots)
        while queue:
            path, client, cause = queue.popleft()
            client = client or self.modules[path].directive == "use client"
            if (path, client) in reached or (path, True) in reached or self._kinds[path] not in ("client", "config"):
                continue
            reached[path, client] = cause
            for edge in self.imports(path):
                if (dynamic or not edge.dynamic) and edge not in removed:
                    queue.append((edge.path, client, edge))
        return {path: cause for (path, client), cause in reached.items() if client}

    def _on_server(self, path: str) -> bool:
        return self.entries.get(path) == "server component"


def package_name(specifier: str) -> str:
    """`@scope/name/sub` → `@scope/name`."""
    return "/".join(specifier.split("/")[: 2 if specifier.startswith("@") else 1])


def is_package(specifier: str) -> bool:
    """Neither a path nor an alias by custom."""
    return bool(specifier) and specifier[0] not in "./#~" and not specifier.startswith(("@/", "@@/"))
