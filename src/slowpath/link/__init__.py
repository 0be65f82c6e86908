"""Facts → Program. Whole-program graphs are built once, here, never inside a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from slowpath.program import File, Linkers, Program


def _late(module: str) -> Any:
    """A linker that is imported when first asked: a scan of Rust alone should not pay for the front end."""
    return lambda program: import_module(module).link(program)


LINKERS = Linkers(
    rust=_late("slowpath.link.rust"),
    web=_late("slowpath.link.web"),
    react=_late("slowpath.link.react"),
    cargo=_late("slowpath.link.cargo"),
    schema=_late("slowpath.link.schema"),
)


def link(
    files: Mapping[str, File],
    unread: frozenset[str] = frozenset(),
    start_after: str = "",
    features: Mapping[str, Sequence[str]] = {},
) -> Program:
    """The program of a project's files; `unread` are files that were not read, the rest is what the project says."""
    return Program(files, LINKERS, unread, start_after, features)
