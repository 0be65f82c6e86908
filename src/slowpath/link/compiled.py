"""Which files the targets of each package compile, and for what.

The view of Cargo, not of a reader: a module is test code where `cfg(test)` says so, whatever its name, and a file that
several targets share (`include!` in a build script, `#[path]` in a test) belongs to each of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from slowpath.model.mentions import MentionFacts
from slowpath.program.cargo import Role
from slowpath.program.rust import Module, RustProgram

ROLES: dict[str, Role] = {"test": "dev", "bench": "dev", "example": "dev", "build": "build"}
Claims = dict[str, dict[str, set[Role]]]


def claims(rust: RustProgram, mentions: dict[str, MentionFacts]) -> Claims:
    """file → folder of a package → what it is compiled for there."""
    found: Claims = {}
    for crate in rust.crates:
        if crate.root is None:
            continue
        role: Role = ROLES.get(crate.kind, "normal")
        for path, test in reached(crate.root, rust, mentions):
            found.setdefault(path, {}).setdefault(crate.folder, set()).add("dev" if test else role)
    return found


def reached(root: Module, rust: RustProgram, mentions: dict[str, MentionFacts]) -> Iterator[tuple[str, bool]]:
    """The files of a target, each with whether only its tests compile it; twice where both are true."""
    seen: set[tuple[int, bool]] = set()
    stack = [(root, False)]
    while stack:
        module, test = stack.pop()
        if (id(module), test) in seen or (id(module), False) in seen:
            continue
        seen.add((id(module), test))
        yield module.file, test
        yield from ((path, test) for path in included(module, rust))
        tests = mentions[module.file].test_modules
        for name, child in module.types.items():
            if isinstance(child, Module):
                stack.append((child, test or name in tests))


def included(module: Module, rust: RustProgram) -> Iterator[str]:
    """The files that a module takes in by `include!`."""
    for inline, path in rust.facts[module.file].includes:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(module.file), path))
        if inline == module.inline and target in rust.facts:
            yield target
