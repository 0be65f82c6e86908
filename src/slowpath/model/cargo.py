"""Facts about manifests: Cargo.toml, Cargo.lock, `.cargo/config.toml`, diesel.toml and a migration's metadata.toml."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.facts import Facts
from slowpath.model.finding import Span

Scope = Literal["normal", "dev", "build"]
SCOPES: dict[str, Scope] = {
    "dependencies": "normal",
    "dev-dependencies": "dev",
    "dev_dependencies": "dev",
    "build-dependencies": "build",
    "build_dependencies": "build",
}
"""What each table of dependencies is for."""
Form = Literal["string", "inline", "table", "dotted"]
"""`x = "1"`, `x = { .. }`, `[dependencies.x]`, or `x.version = "1"` and its like, one line each."""


class Key(msgspec.Struct, array_like=True, frozen=True):
    """`name = value`, as it stands in a manifest."""

    name: str
    span: Span
    """From the name to the end of the value."""
    value: Span
    items: tuple[Span, ...] = ()
    """The strings of a list, with their quotes."""


class Written(msgspec.Struct, array_like=True, frozen=True):
    """How an entry stands in its manifest. All positions are bytes of that file."""

    form: Form
    lines: tuple[Span, ...]
    """The whole lines, with their ends, that go when the entry goes."""
    name: Span
    """What stands before the entry's options: `x`, in a table's header or a dotted key all that leads to it."""
    home: tuple[Span, ...]
    """`dependencies`, wherever it stands in one key with the entry: `[dependencies.x]`. Else nothing."""
    value: Span
    """The string or the inline table."""
    keys: tuple[Key, ...]
    """The options."""
    text: bytes
    """The lines, one after the other."""
    newline: str = "\n"
    """How lines of the file end."""

    def key(self, *names: str) -> Key | None:
        """The option of one of these names."""
        return next((key for key in self.keys if key.name in names), None)

    def cut(self, span: Span) -> str:
        """What stands there, in one of the lines."""
        before = 0
        for start, end in self.lines:
            if start <= span[0] < end:
                return self.text[before + span[0] - start : before + span[1] - start].decode()
            before += end - start
        return ""


class Table(msgspec.Struct, array_like=True, frozen=True):
    """`[a.b]` and what stands below it."""

    path: tuple[str, ...]
    span: Span
    """From the bracket to the end of its last line that is neither empty nor a comment, without that line's break."""
    keys: tuple[Key, ...] = ()


class Dependency(msgspec.Struct, array_like=True, frozen=True):
    """One entry of a dependency table, as written: nothing is inherited yet."""

    key: str
    """The name that code knows it by."""
    span: Span
    """The entry, its key first; a table of its own from its header on."""
    scope: Scope = "normal"
    target: str = ""
    """The platform of `[target.'…'.dependencies]`."""
    package: str = ""
    """The registry's name, where `package = ".."` renames it."""
    version: str = ""
    path: str = ""
    features: tuple[str, ...] = ()
    workspace: bool = False
    optional: bool = False
    default_features: bool | None = None
    """None where the entry does not say."""
    written: Written | None = None
    """None where it stands in a way that nobody writes: nothing is edited there."""

    @property
    def registered(self) -> str:
        """The name in the registry and in Cargo.lock."""
        return self.package or self.key


class Setting(msgspec.Struct, array_like=True, frozen=True):
    """One key of a Cargo profile."""

    profile: str
    key: str
    value: str
    """As the manifest writes it, without quotes."""
    span: Span
    package: str = ""
    """Whom it is for, where that is not everyone: a package's name, `*` for all dependencies, or `build-override`."""
    comment: str = ""
    """What is said about it, on its line, above it, or above its table."""


class CargoConfig(msgspec.Struct, array_like=True, frozen=True):
    """A `.cargo/config.toml`."""

    profiles: tuple[Setting, ...] = ()
    targets: tuple[str, ...] = ()
    """What `[build]` compiles for."""


class Manifest(msgspec.Struct, array_like=True, frozen=True):
    """A Cargo.toml. Without `name` it is a workspace's root only."""

    name: str = ""
    version: str = ""
    edition: str = ""
    targets: tuple[tuple[str, str, str], ...] = ()
    """Declared targets as (kind, name, path); path is empty where Cargo's conventions say it."""
    proc_macro: bool = False
    dependencies: tuple[Dependency, ...] = ()
    features: dict[str, tuple[str, ...]] = {}
    ignored: tuple[str, ...] = ()
    """Dependencies that `[package.metadata.cargo-machete]` and its like except."""
    workspace: bool = False
    members: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    shared: tuple[Dependency, ...] = ()
    """`[workspace.dependencies]`."""
    tables: tuple[Table, ...] = ()
    """Those with a header of their own, in the order of the file; nothing where positions are not known."""
    newline: str = "\n"
    """How its lines end."""
    libraries: dict[str, str] = {}
    """package → library, where `[package.metadata.cargo-machete.renamed]` or the workspace's says it."""
    lint: str = ""
    """Level of cargo's own `unused_dependencies` in `[lints.cargo]`; `workspace` where the lints are inherited."""
    shared_lint: str = ""
    """The same of `[workspace.lints.cargo]`."""
    odd: tuple[str, ...] = ()
    """What of it cannot be used, in words."""
    root: str = ""
    """`package.workspace`: the folder of the workspace, where that lies elsewhere."""
    profiles: tuple[Setting, ...] = ()
    crate_types: tuple[str, ...] = ()
    """What kinds of library `[lib]` asks for."""
    rust_version: str = ""
    """The oldest compiler that is supported, `workspace` where the package inherits it."""
    shared_rust_version: str = ""
    shared_edition: str = ""
    """Of `[workspace.package]`."""


class Locked(msgspec.Struct, array_like=True, frozen=True):
    """A `[[package]]` of Cargo.lock. `dependencies` are names, with a version where one name has several."""

    name: str
    version: str
    local: bool
    dependencies: tuple[str, ...] = ()
    at: int = 0
    """Where its name stands."""


class PrintedSchema(msgspec.Struct, array_like=True, frozen=True):
    """A file that `diesel print-schema` writes, and what it patches it with."""

    file: str
    patch: str


class DieselConfig(msgspec.Struct, array_like=True, frozen=True):
    """A diesel.toml. `migrations` is their folder, if it says so."""

    schemas: tuple[PrintedSchema, ...] = ()
    migrations: str = ""


class TomlFacts(Facts, array_like=True):
    """Facts of a TOML file: what its content shows it to be, else nothing."""

    manifest: Manifest | None = None
    lock: tuple[Locked, ...] = ()
    diesel: DieselConfig | None = None
    in_transaction: bool = True
    """False for a migration whose metadata.toml says `run_in_transaction = false`."""
    config: CargoConfig | None = None
