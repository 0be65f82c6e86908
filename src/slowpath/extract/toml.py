"""One file's bytes → TomlFacts. tomllib gives the values, the layout the positions: it has none.

What a file is shows in its content. A Cargo.lock has thousands of lines in one shape, so it is read by pattern.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from slowpath.extract.profiles import settings
from slowpath.extract.toml_layout import Layout, TablePath
from slowpath.model.cargo import (
    SCOPES,
    CargoConfig,
    Dependency,
    DieselConfig,
    Locked,
    Manifest,
    PrintedSchema,
    Scope,
    TomlFacts,
)

LOCKED = re.compile(
    rb'^\[\[package\]\]\r?\nname = "([^"\n]*)"\r?\nversion = "([^"\n]*)"\r?\n'
    rb"(source = [^\n]*\n)?(?:(?:checksum|replace) = [^\n]*\n)*(?:dependencies = \[([^\]]*)\])?",
    re.M,
)
PACKAGES = re.compile(rb"^\[\[package\]\]", re.M)
CONFLICT = re.compile(rb"^<{7} .*$", re.M)
QUOTED = re.compile(rb'"([^"\n]*)"')
DEEP = re.compile(rb"(?<![\w-])(?:[\w-]+[ \t\"']*\.[ \t\"']*)+")
DEEPEST = 64
"""tomllib takes minutes for a key of a hundred thousand names."""
EXCEPTIONS = ("cargo-machete", "cargo-udeps", "cargo-shear")
LINT = ("unused_dependencies", "unused-dependencies", "style")
"""Cargo's own lint by its names, and its group."""
LISTED = {"bin": "bin", "test": "test", "bench": "bench", "example": "example"}


def extract(source: bytes) -> TomlFacts:
    """The facts of one file."""
    if PACKAGES.search(source):
        lock = tuple(locked(source))
        unclear = CONFLICT.search(source) or (None if lock else PACKAGES.search(source))
        return TomlFacts(lock=lock, broken=[unclear.span()] if unclear else [])
    if any(found[0].count(b".") > DEEPEST for found in DEEP.finditer(source)):
        return TomlFacts(broken=[(0, len(source))])
    try:
        values = tomllib.loads(source.decode("utf-8").removeprefix("\ufeff"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return TomlFacts(broken=[(0, len(source))])
    if "package" in values or "workspace" in values:
        return TomlFacts(manifest=manifest(values, source))
    if "print_schema" in values or "migrations_directory" in values:
        return TomlFacts(diesel=diesel(values))
    if "profile" in values or "build" in values:
        return TomlFacts(config=config(values, source))
    return TomlFacts(in_transaction=values.get("run_in_transaction") is not False)


def locked(source: bytes) -> Iterator[Locked]:
    """The packages of a Cargo.lock."""
    for entry in LOCKED.finditer(source):
        needs = [match[1].decode().split(" (")[0] for match in QUOTED.finditer(entry[4] or b"")]
        yield Locked(entry[1].decode(), entry[2].decode(), not entry[3], tuple(needs), entry.start(1))


def diesel(values: dict[str, Any]) -> DieselConfig:
    """A diesel.toml; several schemas may stand below `print_schema`."""
    first = table(values, "print_schema")
    parts = [first, *(part for part in first.values() if isinstance(part, dict))]
    return DieselConfig(
        schemas=tuple(PrintedSchema(text(part, "file"), text(part, "patch_file")) for part in parts if "file" in part),
        migrations=text(table(values, "migrations_directory"), "dir"),
    )


def config(values: dict[str, Any], source: bytes) -> CargoConfig:
    """A `.cargo/config.toml`."""
    target = table(values, "build").get("target")
    return CargoConfig(
        profiles=tuple(settings(values, source, Layout(source))),
        targets=(target,) if isinstance(target, str) else texts(target),
    )


def manifest(values: dict[str, Any], source: bytes) -> Manifest:
    """A Cargo.toml."""
    package, workspace, library = (table(values, name) for name in ("package", "workspace", "lib"))
    layout = Layout(source)
    found = dependencies(values, (), "", layout)
    for platform, tables in table(values, "target").items():
        if isinstance(tables, dict):
            found += dependencies(tables, ("target", platform), platform, layout)
    return Manifest(
        name=text(package, "name"),
        version=text(package, "version"),
        edition=text(package, "edition"),
        targets=tuple(targets(values, package, library)),
        proc_macro=library.get("proc-macro") is True or library.get("proc_macro") is True,
        dependencies=tuple(found),
        features={name: texts(parts) for name, parts in table(values, "features").items()},
        ignored=tuple(sorted({*excepted(package), *excepted(workspace), *allowed(values), *allowed(workspace)})),
        workspace="workspace" in values,
        members=texts(workspace.get("members")),
        exclude=texts(workspace.get("exclude")),
        shared=tuple(listed(table(workspace, "dependencies"), ("workspace", "dependencies"), "normal", "", layout)),
        tables=tuple(layout.tables),
        newline=layout.newline,
        libraries={**libraries(workspace), **libraries(package)},
        lint=level(values),
        shared_lint=level(workspace),
        odd=tuple(odd(values)),
        root=text(package, "workspace"),
        profiles=tuple(settings(values, source, layout)),
        crate_types=texts(library.get("crate-type") or library.get("crate_type")),
        rust_version=text(package, "rust-version") or ("workspace" if table(package, "rust-version") else ""),
        shared_rust_version=text(table(workspace, "package"), "rust-version"),
        shared_edition=text(table(workspace, "package"), "edition"),
    )


def dependencies(tables: dict[str, Any], prefix: TablePath, platform: str, layout: Layout) -> list[Dependency]:
    """The entries of all dependency tables below `prefix`."""
    found: list[Dependency] = []
    for name, scope in SCOPES.items():
        found += listed(table(tables, name), (*prefix, name), scope, platform, layout)
    return found


def listed(
    entries: dict[str, Any], prefix: TablePath, scope: Scope, platform: str, layout: Layout
) -> Iterator[Dependency]:
    """The entries of one dependency table."""
    for key, value in entries.items():
        if not isinstance(value, str | dict):
            continue
        options: dict[str, Any] = value if isinstance(value, dict) else {"version": value}
        default = options.get("default-features", options.get("default_features"))
        yield Dependency(
            key=key,
            span=layout.span((*prefix, key)) or layout.span(prefix) or (0, 0),
            scope=scope,
            target=platform,
            package=text(options, "package"),
            version=text(options, "version"),
            path=text(options, "path"),
            features=texts(options.get("features")),
            workspace=options.get("workspace") is True,
            optional=options.get("optional") is True,
            default_features=default if isinstance(default, bool) else None,
            written=layout.written((*prefix, key)),
        )


def odd(values: dict[str, Any]) -> Iterator[str]:
    """What stands where Cargo wants a table, a version or a list."""
    owners = [("", values), ("workspace.", table(values, "workspace"))]
    owners += [(f"target.{name}.", part) for name, part in table(values, "target").items() if isinstance(part, dict)]
    for prefix, owner in owners:
        for name in SCOPES.keys() & owner.keys():
            if not isinstance(owner[name], dict):
                yield f"`{prefix}{name}` is no table"
                continue
            for key, value in owner[name].items():
                if not isinstance(value, str | dict):
                    yield f"`{prefix}{name}.{key}` is neither a version nor a table"
    for name in ("package", "workspace", "features", "target"):
        if not isinstance(values.get(name, {}), dict):
            yield f"`{name}` is no table"
    for name in ("members", "exclude"):
        if not isinstance(table(values, "workspace").get(name, []), list):
            yield f"`workspace.{name}` is no list"


def targets(values: dict[str, Any], package: dict[str, Any], library: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The targets that a manifest declares."""
    if library:
        yield "lib", text(library, "name"), text(library, "path") or "src/lib.rs"
    for kind in LISTED:
        for entry in listing(values, kind):
            if isinstance(entry, dict):
                yield LISTED[kind], text(entry, "name"), text(entry, "path")
    if text(package, "build"):
        yield "build", "build", text(package, "build")


def excepted(owner: dict[str, Any]) -> Iterator[str]:
    """Dependencies that the metadata of a peer tool excepts: a list, or one for each kind of dependency."""
    for tool in EXCEPTIONS:
        options = table(table(owner, "metadata"), tool)
        for key in ("ignored", "ignore"):
            own = options.get(key)
            for names in own.values() if isinstance(own, dict) else [own]:
                yield from texts(names)


def libraries(owner: dict[str, Any]) -> dict[str, str]:
    """package → library, as cargo-machete is told it."""
    named = table(table(table(owner, "metadata"), "cargo-machete"), "renamed")
    return {package: library for package, library in named.items() if isinstance(library, str)}


def lint(owner: dict[str, Any]) -> Any:
    """What `[lints.cargo]` says of cargo's own lint, or of the group that it is in."""
    said = table(table(owner, "lints"), "cargo")
    return next((said[name] for name in LINT if name in said), None)


def level(owner: dict[str, Any]) -> str:
    """Its level."""
    if table(owner, "lints").get("workspace") is True:
        return "workspace"
    said = lint(owner)
    return said if isinstance(said, str) else text(said, "level") if isinstance(said, dict) else ""


def allowed(owner: dict[str, Any]) -> tuple[str, ...]:
    """The dependencies that it excepts."""
    said = lint(owner)
    return texts(said.get("ignore")) if isinstance(said, dict) else ()


def table(values: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of that name, or an empty one."""
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def text(values: dict[str, Any], name: str) -> str:
    """A string of that name, or nothing."""
    value = values.get(name)
    return value if isinstance(value, str) else ""


def listing(values: dict[str, Any], name: str) -> list[Any]:
    """A list of that name, or an empty one."""
    value = values.get(name)
    return value if isinstance(value, list) else []


def texts(value: object) -> tuple[str, ...]:
    """The strings of a list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
