"""Paths → items: `use` per scope, globs, re-exports, `crate`/`self`/`super`/`Self`, other workspace crates.

What leaves the workspace is a canonical path of text, `std::fs::read`. Cyclic re-exports end in nothing.
"""

from __future__ import annotations

from slowpath.program.rust import Constant, Crate, Function, Module, TraitItem, TypeItem

Item = Module | TypeItem | TraitItem | Function | Constant | str
MAX_HOPS = 24

PRELUDE = {
    name: f"std::{path}"
    for path, names in {
        "option::Option": "Option Some None",
        "result::Result": "Result Ok Err",
        "string::String": "String",
        "vec::Vec": "Vec",
        "boxed::Box": "Box",
    }.items()
    for name in names.split()
}


class Names:
    """Answers paths in the context of a module, and of a function with `use` of its own."""

    def __init__(self, crates: list[Crate], local_uses: dict[int, dict[str, str]]) -> None:
        self.libraries = {crate.name: crate.root for crate in reversed(crates) if crate.kind == "lib" and crate.root}
        self.local_uses = local_uses
        """id(Fn) → names that `use` binds inside the function"""
        self._known: dict[tuple[int, str, bool], Item | None] = {}

    def resolve(self, module: Module, path: str, function: Function | None = None, value: bool = True) -> Item | None:
        """The item that a path names; None where nothing of that name is known. `value` prefers functions to types."""
        local = self.local_uses.get(id(function.fact)) if function is not None else None
        if local:
            head, _, rest = path.partition("::")
            if head in local:
                return self.resolve(module, local[head] + (f"::{rest}" if rest else ""), None, value)
        key = (id(module), path, value)
        if key not in self._known:
            self._known[key] = None
            self._known[key] = self._walk(module, path, value, 0)
        return self._known[key]

    def _walk(self, module: Module, path: str, value: bool, hops: int) -> Item | None:
        if hops > MAX_HOPS:
            return None
        head, _, rest = path.partition("::")
        start: Item | None
        if head == "":
            return self._external(rest, value, hops)
        if head == "crate":
            start = module.crate.root
        elif head == "self":
            start = module
        elif head == "super":
            start = module.parent
        else:
            start = self._name(module, head, value and not rest, hops)
            if start is None:
                return self._external(path, value, hops)
        return self._descend(start, rest, value, hops)

    def _descend(self, start: Item | None, rest: str, value: bool, hops: int) -> Item | None:
        while rest and start is not None:
            head, _, rest = rest.partition("::")
            if isinstance(start, str):
                return f"{start}::{head}" + (f"::{rest}" if rest else "")
            if isinstance(start, Module):
                start = start.parent if head == "super" else self._name(start, head, value and not rest, hops + 1)
            elif isinstance(start, TypeItem | TraitItem):
                return self._member(start, head)
            else:
                return None
        return start

    def _member(self, kind: TypeItem | TraitItem, name: str) -> Item | None:
        methods = kind.methods.get(name)
        if methods:
            return methods[0]
        return f"{kind!r}::{name}"

    def _name(self, module: Module, name: str, value: bool, hops: int) -> Item | None:
        """A name in a module's own scope."""
        if hops > MAX_HOPS:
            return None
        first, second = (module.values, module.types) if value else (module.types, module.values)
        item: Item | None = first.get(name)
        if item is None:
            item = second.get(name)
        if item is not None:
            return item
        use = module.uses.get(name)
        if use is not None:
            target = use[0]
            if target.partition("::")[0] == name and target != name:
                return self._external(target, value, hops + 1) or self._walk(module, target, value, hops + 1)
            if target == name:
                return self._external(target, value, hops + 1)
            return self._walk(module, target, value, hops + 1)
        for path, _ in module.globs:
            source = self._walk(module, path, False, hops + 1) if path.partition("::")[0] != name else None
            if isinstance(source, Module) and source is not module:
                found = self._name(source, name, value, hops + 1)
                if found is not None:
                    return found
            elif isinstance(source, TypeItem) and any(variant == name for variant, _ in source.definition.fields):
                return f"{source!r}::{name}"
        return None

    def _external(self, path: str, value: bool, hops: int) -> Item | None:
        head, _, rest = path.partition("::")
        library = self.libraries.get(head)
        if library is not None:
            return self._descend(library, rest, value, hops + 1)
        if head in PRELUDE:
            return PRELUDE[head] + (f"::{rest}" if rest else "")
        return path if rest or not head[:1].isupper() else None

    def globbed(self, module: Module, name: str) -> list[str]:
        """External modules whose glob may bring a name that nothing else explains."""
        found = []
        for path, _ in module.globs:
            source = self._walk(module, path, False, 0)
            if isinstance(source, str):
                found.append(f"{source}::{name}")
        return found
