"""Facts about imports, exports, re-exports and dynamic imports of one JavaScript or TypeScript file."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.finding import Span

Use = Literal["type", "value", "handler"]
"""How a file uses an imported name: only in types (or not at all), in code, or in code that only event handlers run."""


class Member(msgspec.Struct, array_like=True, frozen=True):
    """`name.member` in code, with the bytes of the whole expression."""

    name: str
    span: Span
    unique: bool
    """The member's name stands nowhere else in the file."""


class ImportedName(msgspec.Struct, array_like=True, frozen=True):
    """One name of an import statement. `imported` is `default`, `*` for the namespace, or the exporter's name."""

    imported: str
    local: str
    use: Use
    members: tuple[Member, ...] | None = None
    """Of a package's namespace or default export: all that the code uses of it; None where it may be anything."""
    in_types: bool = False
    """Types of the file speak of it too. Only asked of what has `members`."""


class Import(msgspec.Struct, array_like=True, frozen=True):
    """A static import statement; `names` is empty where it is for side effects alone."""

    specifier: str
    span: Span
    names: tuple[ImportedName, ...] = ()
    type_only: bool = False
    """`import type`; names with an inline `type` have the use `type`."""

    @property
    def erased(self) -> bool:
        """The compiler drops the statement: nothing of it is used at run time."""
        return self.type_only or (bool(self.names) and all(name.use == "type" for name in self.names))


class Export(msgspec.Struct, array_like=True, frozen=True):
    """An exported name: of this file, or of the module `specifier` (a re-export).

    `export * from "x"` has the name `*`; `export * as ns from "x"` the name `ns` and the local `*`. An anonymous
    default export has the local `default`.
    """

    name: str
    local: str
    span: Span
    specifier: str = ""
    type_only: bool = False


DeclarationKind = Literal["function", "class", "variable", "type"]


class Declared(msgspec.Struct, array_like=True, frozen=True):
    """A top-level declaration; a variable's span is its declarator's."""

    name: str
    kind: DeclarationKind
    span: Span


class Dynamic(msgspec.Struct, array_like=True, frozen=True):
    """An `import()` or `require()` with a literal argument."""

    specifier: str
    span: Span
    wrapper: str = ""
    """The function that gets `() => import()`: `lazy`, `React.lazy`, `dynamic`, an own one; empty where none does."""
    bound: str = ""
    """The variable that holds the wrapper's result."""
    member: str = "default"
    """The export that the wrapper shows, as far as `.then((m) => ({ default: m.X }))` says."""
    required: bool = False
    """A `require()`, which runs where it stands."""
    top_level: bool = False
    """Not inside any function."""


class Route(msgspec.Struct, array_like=True, frozen=True):
    """A route of a client-side router, as written: `<Route path element>` or an object of a route table."""

    path: str
    names: tuple[str, ...]
    """The components of its element, outermost first: guards and layouts before the page."""
    span: Span
    to: str = ""
    """Where it redirects."""
    frame: bool = False
    """Other routes stand inside it, so its element is a layout."""


class Compiler(msgspec.Struct, array_like=True, frozen=True):
    """What a build configuration says of React Compiler. `mode` is `on`, `annotation`, or nothing."""

    mode: str = ""
    paths: tuple[str, ...] = ()
    """Pieces of the paths that it is for; nothing for all."""


class ModuleFacts(msgspec.Struct, array_like=True):
    """One file's part. Lists are in source order."""

    imports: list[Import] = []
    exports: list[Export] = []
    declared: list[Declared] = []
    dynamic: list[Dynamic] = []
    routes: list[Route] = []
    directive: str = ""
    """`use client` or `use server`, where the file starts with it."""
    effects: bool = False
    """The file's top level runs statements of its own: a bundler has to keep it."""
    compiler: Compiler = Compiler()
    lines: int = 0
    code: int = 0
    """Bytes that reach a bundle before it is minified: no white space, imports, type declarations or outer comments."""
