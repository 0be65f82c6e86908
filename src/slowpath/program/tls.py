"""Which dependencies bring OpenSSL and which bring rustls, as far as Cargo.lock shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from slowpath.program.cargo import Entry, Lock, Workspace

MINOR = re.compile(r"\D*0\.(\d{1,9})")


def bringing(workspace: Workspace, lock: Lock, crate: str) -> Iterator[Entry]:
    """The members' dependencies in the registry that lead to a crate."""
    tree = lock.tree
    ends = tree.by_name.get(crate, ())
    leading = set(ends)
    waiting = list(ends)
    while waiting:
        for above in tree.above[waiting.pop()]:
            if above not in leading and not tree.packages[above].local:
                leading.add(above)
                waiting.append(above)
    for package in workspace.packages:
        for entry in package.entries:
            locked = lock.chosen(entry)
            if locked and not entry.local and tree.exact.get(f"{locked.name} {locked.version}") in leading:
                yield entry


def asks_for_openssl(entry: Entry, lock: Lock, known: Mapping[str, Any]) -> bool:
    """Whether the manifests switch a crate's OpenSSL on, by a feature or by leaving its defaults on."""
    entries = [one for one in (entry.declared, entry.shared) if one]
    if {feature for one in entries for feature in one.features} & {*known["native"]}:
        return True
    locked = lock.chosen(entry)
    default = known.get("default", False)
    if isinstance(default, int) and not isinstance(default, bool):
        minor = MINOR.match(locked.version if locked else entry.version)
        default = bool(minor) and int(minor[1] if minor else 0) < default
    return bool(default) and entry.takes_default


def chosen_by_feature(workspace: Workspace) -> bool:
    """Whether a member's own features decide about TLS: then both are in Cargo.lock, but not in one build."""
    return any(
        "tls" in part or "openssl" in part or "ssl" in name
        for package in workspace.packages
        for name, parts in package.manifest.features.items()
        for part in (*parts, name)
    )
