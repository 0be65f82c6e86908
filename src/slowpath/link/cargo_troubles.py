"""What of a project's manifests and lock files could not be used, one line each; nothing that is merely unusual."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from slowpath.model.cargo import Manifest
from slowpath.model.finding import Trouble
from slowpath.program.cargo import Package, Workspace
from slowpath.program.series import series_of

SHOWN = 3


def troubles(
    manifests: Mapping[str, Manifest], workspaces: Iterable[Workspace], there: frozenset[str]
) -> Iterator[Trouble]:
    """`there` are the TOML files that were found, readable or not."""
    for path, manifest in manifests.items():
        if manifest.odd:
            yield Trouble(path, 0, f"{counted(manifest.odd)}: left out, the rest is read")
        missing = [f"`{member}`" for member in manifest.members if not found(member, path, there)]
        if missing:
            yield Trouble(path, 0, f"no Cargo.toml was found for the workspace's members {counted(missing)}")
    for workspace in workspaces:
        for package in workspace.packages:
            outside = [f"`{name}`" for name in unread(package, there)]
            if outside:
                text = f"no Cargo.toml was found for the path dependencies {counted(outside)}"
                yield Trouble(package.path, 0, f"{text}: nothing but their names is known")
        yield from locked(workspace)


def found(member: str, root: str, there: frozenset[str]) -> bool:
    """Whether a pattern of `members` means a manifest that is there."""
    pattern = posixpath.normpath(posixpath.join(posixpath.dirname(root), member, "Cargo.toml"))
    if pattern in there:
        return True
    return any(sign in pattern for sign in "*?[") and any(fnmatchcase(path, pattern) for path in there)


def unread(package: Package, there: frozenset[str]) -> Iterator[str]:
    """Dependencies by a path at which nothing was found."""
    for entry in package.entries:
        path = (entry.shared or entry.declared).path
        base = package.workspace.folder if entry.shared else package.folder
        if path and posixpath.normpath(posixpath.join(base, path, "Cargo.toml")) not in there:
            yield entry.declared.key


def locked(workspace: Workspace) -> Iterator[Trouble]:
    """A lock file that is missing where a program is built, or that disagrees with the manifests."""
    lock = workspace.lock
    if lock is None:
        if any(package.entries and builds_program(package) for package in workspace.packages):
            yield Trouble(
                workspace.path, 0, "no Cargo.lock beside it: versions, and what a finding saves, are not known"
            )
        return
    unknown = [f"`{name}`" for name in dict.fromkeys(lacking(workspace))]
    if unknown:
        yield Trouble(
            lock.path, 0, f"disagrees with the manifests about {counted(unknown)}: what it says is taken as is"
        )


def builds_program(package: Package) -> bool:
    """Whether it has a binary."""
    inside = len(package.folder) + 1 if package.folder else 0
    declared = any(kind == "bin" for kind, _, _ in package.manifest.targets)
    return declared or any(code.path[inside:].startswith(("src/main.rs", "src/bin/")) for code in package.code)


def lacking(workspace: Workspace) -> Iterator[str]:
    """The packages that the members ask for and the lock file does not have, or not in that version."""
    lock, root = workspace.lock, workspace.manifest
    if lock is None:
        return
    for package in workspace.packages:
        if package.manifest.name not in lock.by_name:
            inside = posixpath.relpath(package.folder or ".", workspace.folder or ".")
            if root and any(fnmatchcase(inside, posixpath.normpath(member)) for member in root.members):
                yield package.manifest.name
            continue
        for entry in package.entries:
            wanted = series_of(entry.version)
            versions = lock.by_name.get(entry.registered, ())
            if not (entry.declared.workspace and entry.shared is None) and not any(
                series_of(one.version)[: len(wanted)] == wanted for one in versions
            ):
                yield entry.registered


def counted(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
