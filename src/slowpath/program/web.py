"""The front-end program: modules, the import graph, and what a name in one file means in another.

All questions take paths relative to the project root. Unknown paths get the quiet answer (empty, None, False).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from slowpath.model.finding import Span
from slowpath.model.modules import Dynamic, Export, Import, ModuleFacts

Kind = Literal["client", "server", "test", "generated", "config"]
"""What a file is for. `test` covers stories and mocks; `client` is everything that nothing speaks against."""


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
    entries: tuple[str, ...]
    """Files that something outside the package starts or imports."""
    react_compiler: str
    """`on`, `annotation`, or nothing."""


class PackageUse(NamedTuple):
    """One import of an external package that survives compilation."""

    importer: str
    package: str
    specifier: str
    """The package with its subpath, as written."""
    statement: Import | Dynamic | Export
