"""Facts about manifests: Cargo.toml, Cargo.lock, diesel.toml and a migration's metadata.toml."""

from __future__ import annotations

from typing import Literal

import msgspec

from slowpath.model.facts import Facts
from slowpath.model.finding import Span

Scope = Literal["normal", "dev", "build"]


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
    """None where the entry does not say it: they are on then."""

    @property
    def registered(self) -> str:
        """The name in the registry and in Cargo.lock."""
        return self.package or self.key


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


class Locked(msgspec.Struct, array_like=True, frozen=True):
    """A `[[package]]` of Cargo.lock. `dependencies` are names, with a version where one name has several."""

    name: str
    version: str
    local: bool
    dependencies: tuple[str, ...] = ()


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
