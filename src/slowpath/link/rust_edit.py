"""A linked Rust program takes over files in which only bodies of functions changed.

What a call means depends on its own function's body, and on what the workspace declares: signatures, types, imports,
modules. While all that is the same, what was resolved in other functions holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from slowpath.link.rust_calls import Calls
from slowpath.model.code import CodeFacts, Fn
from slowpath.program.rust import RustProgram

T = TypeVar("T")
BODY = frozenset("start end stop calls locals scopes awaits exits mut_self mutable".split())
"""What of a function no other function's calls are resolved by."""
DECLARED = [field for field in Fn.__struct_fields__ if field not in BODY]
ITEMS = [field for field in CodeFacts.__struct_fields__ if field != "fns"]


def is_circular(view: RustProgram) -> bool:
    """Whether a name or a declared type led back to itself: what others mean may depend on which was asked first."""
    return not isinstance(view.resolver, Calls) or view.resolver.names.circular


def edited(view: RustProgram, files: Mapping[str, CodeFacts]) -> set[int] | None:
    """Makes the program that of the new facts of these files, and returns the ids of the functions that are to be asked
    anew. None where it has to be linked anew; then nothing was done.
    """
    calls = view.resolver
    if not isinstance(calls, Calls) or calls.names.circular:
        return None
    changed: dict[int, Fn] = {}
    for path, new in files.items():
        old = view.facts.get(path)
        if old is None or not declares_the_same(old, new):
            return None
        changed |= {id(before): after for before, after in zip(old.fns, new.fns, strict=True)}
    names = calls.names
    _renamed(names.local_uses, changed)
    _renamed(names.local_globs, changed)
    before = {id(function): id(function.fact) for function in view.functions}
    kept_alive = [view.facts[path] for path in files]
    gone = view.edited(changed, files)
    calls.types.forget({before[function] for function in gone})
    del kept_alive
    return gone


def _renamed(table: dict[int, T], changed: Mapping[int, Fn]) -> None:
    """What is kept by id of a function's facts is kept by that of the new ones."""
    table.update({id(changed[fact]): table.pop(fact) for fact in changed.keys() & table.keys()})


def declares_the_same(old: CodeFacts, new: CodeFacts) -> bool:
    """Whether two versions of a file differ in nothing but what functions do."""
    return (
        len(old.fns) == len(new.fns)
        and all(getattr(old, field) == getattr(new, field) for field in ITEMS)
        and all(_signed_the_same(before, after) for before, after in zip(old.fns, new.fns, strict=True))
    )


def _signed_the_same(old: Fn, new: Fn) -> bool:
    if old.macro or new.macro:  # its body stands wherever the macro is used
        return old == new
    return bool(old.scopes) == bool(new.scopes) and all(getattr(old, f) == getattr(new, f) for f in DECLARED)
