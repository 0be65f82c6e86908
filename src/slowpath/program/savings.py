"""What leaves the dependency tree when entries, features or old versions go, as far as Cargo.lock shows."""

from __future__ import annotations

from collections.abc import Iterable

from slowpath.model.cargo import Locked
from slowpath.model.finding import Saving
from slowpath.program.cargo import Entry, Lock
from slowpath.program.dependency_tree import Cut

PLATFORMS = (
    *("android", "core-foundation", "hermit", "jni", "js-sys", "mach", "ndk", "objc", "redox", "schannel"),
    *("security-framework", "wasi", "wasm-", "web-sys", "winapi", "windows", "winreg"),
)
"""How packages are named that one platform alone compiles: Cargo.lock lists those of all, and does not say which."""


def leaves(lock: Lock, cuts: Iterable[Cut]) -> tuple[Locked, ...]:
    """The packages that nothing of the project needs any more once the edges are gone."""
    return lock.tree.leaves(cuts)


def saving(gone: Iterable[Locked], *, exact: bool = True, tests_keep: bool = False) -> Saving | None:
    """The packages that go as a finding shows them. `exact` is False where something unseen may keep some."""
    crates = tuple(sorted((package.name, package.version) for package in gone))
    if not crates:
        return None
    return Saving(crates, None, exact and not any(name.startswith(PLATFORMS) for name, _ in crates), tests_keep)


def dropped(entry: Entry) -> Saving | None:
    """What leaves with an entry: nothing while its package has the dependency in another table too."""
    lock = entry.package.workspace.lock
    if lock is None or twins(entry):
        return None
    return saving(leaves(lock, [edge(entry)]), exact=not entry.declared.target)


def moved(entry: Entry) -> Saving | None:
    """What leaves the builds of the product when an entry becomes a dev-dependency."""
    lock = entry.package.workspace.lock
    if lock is None or any(other.declared.scope != "dev" for other in twins(entry)):
        return None
    tests = entry.package.workspace.tests_alone
    before = set(leaves(lock, tests))
    gone = [package for package in leaves(lock, [*tests, edge(entry)]) if package not in before]
    return saving(gone, exact=not entry.declared.target, tests_keep=True)


def twins(entry: Entry) -> list[Entry]:
    """Other entries of the package for the same dependency."""
    return [o for o in entry.package.entries if o.registered == entry.registered and o.declared is not entry.declared]


def edge(entry: Entry) -> Cut:
    """The edge of Cargo.lock that stands for an entry."""
    return entry.package.manifest.name, entry.registered
