"""Paths → items: `use` per scope, globs, re-exports, `crate`/`self`/`super`/`Self`, other workspace crates.

What leaves the workspace is a canonical path of text, `std::fs::read`. Cyclic re-exports end in nothing.
"""

from __future__ import annotations

from slowpath.program.rust import Constant, Crate, Function, Module, TraitItem, TypeItem

Item = Module | TypeItem | TraitItem | Function | Constant | str
MAX_HOPS = 24
OPEN = "?? open"
"""A name while it is worked out."""

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

    def __init__(
        self, crates: list[Crate], local_uses: dict[int, dict[str, str]], local_globs: dict[int, list[str]]
    ) -> None:
        self.libraries = {crate.name: crate.root for crate in reversed(crates) if crate.kind == "lib" and crate.root}
        self.local_uses = local_uses
        """id(Fn) → names that `use` binds inside the function"""
        self.local_globs = local_globs
        """id(Fn) → what `use path::*` inside the function stands for"""
        self.circular = False
        """A name led back to itself: what others mean may depend on which was asked first."""
        self._known: dict[tuple[int, str, bool], Item | None] = {}
        self._names: dict[tuple[int, str, bool], Item | None] = {}
        self._globs: dict[int, list[Item]] = {}
        self._opening: list[int] = []
        """id(module) of those whose globs are being worked out, the innermost last."""

    def resolve(self, module: Module, path: str, function: Function | None = None, value: bool = True) -> Item | None:
        """The item that a path names; None where nothing of that name is known. `value` prefers functions to types."""
        local = self.local_uses.get(id(function.fact)) if function is not None else None
        if local:
            head, _, rest = path.partition("::")
            if head in local:
                return self.resolve(module, local[head] + (f"::{rest}" if rest else ""), None, value)
        key = (id(module), path, value)
        if key not in self._known:
            self._known[key] = OPEN
            self._known[key] = self._walk(module, path, value, 0)
        found = self._settled(self._known[key])
        for glob in self.local_globs.get(id(function.fact), ()) if function is not None else ():
            if found is None or found == path:  # nothing else explains the name
                brought = self.resolve(module, f"{glob}::{path}", None, value)
                found = brought if brought is not None and not isinstance(brought, str) else found
        return found

    def _walk(self, module: Module, path: str, value: bool, hops: int) -> Item | None:
        if hops > MAX_HOPS:
            self.circular = True
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
        """A name in a module's own scope; what a cycle of globs and re-exports leads back to is nothing."""
        key = (id(module), name, value)
        if key not in self._names and module.globs:
            self._sources(module)  # first, so that it does not matter which name is asked for first
        if key not in self._names:
            self._names[key] = OPEN
            item = self._declared(module, name, value, hops)
            self._names[key] = item if item is not None else self._globbed(module, name, value, hops)
        return self._settled(self._names[key])

    def _settled(self, item: Item | None) -> Item | None:
        """Nothing for a name that is asked for while it is worked out."""
        if item is OPEN:
            self.circular = True
            return None
        return item

    def _declared(self, module: Module, name: str, value: bool, hops: int) -> Item | None:
        """What the module declares or names in a `use`."""
        if hops > MAX_HOPS:
            self.circular = True
            return None
        first, second = (module.values, module.types) if value else (module.types, module.values)
        item: Item | None = first.get(name)
        if item is not None:
            return item
        used = self._used(module, name, value, hops)
        return used if used is not None else second.get(name)

    def _used(self, module: Module, name: str, value: bool, hops: int) -> Item | None:
        """What a `use` of the module binds a name to; `use pack::pack` beside `mod pack` is the module's function."""
        use = module.uses.get(name)
        if use is None:
            return None
        head, _, rest = use[0].partition("::")
        if head == name:
            own = module.types.get(name)
            return self._descend(own, rest, value, hops + 1) if own else self._external(use[0], value, hops + 1)
        if head in ("crate", "self", "super", ""):
            return self._walk(module, use[0], value, hops + 1)
        start = self._declared(module, head, value and not rest, hops + 1)
        return (
            self._descend(start, rest, value, hops + 1) if start is not None else self._outside(module, use[0], value)
        )

    def _outside(self, module: Module, path: str, value: bool) -> Item | None:
        """A path whose head nothing in the module declares: another crate's, or a name that a glob brings."""
        head = path.partition("::")[0]
        if head not in self.libraries and module.globs:
            return self._walk(module, path, value, 1)
        return self._external(path, value, 1)

    def _globbed(self, module: Module, name: str, value: bool, hops: int) -> Item | None:
        if hops > MAX_HOPS:
            self.circular = True
            return None
        for source in self._sources(module):
            if isinstance(source, Module):
                found = self._name(source, name, value, hops + 1)
                if found is not None:
                    return found
            elif isinstance(source, TypeItem) and any(variant == name for variant, _ in source.definition.fields):
                return f"{source!r}::{name}"
        return None

    def _sources(self, module: Module) -> list[Item]:
        """What a module's globs stand for."""
        known = self._globs.get(id(module))
        if known is None:
            known = self._globs[id(module)] = []
            self._opening.append(id(module))
            for path, _ in module.globs:
                source = self._walk(module, path, False, 0)
                if source is not None and source is not module:
                    known.append(source)
            self._opening.pop()
        elif id(module) in self._opening[:-1]:
            self.circular = True
        return known

    def _external(self, path: str, value: bool, hops: int) -> Item | None:
        head, _, rest = path.partition("::")
        library = self.libraries.get(head)
        if library is not None:
            return self._descend(library, rest, value, hops + 1)
        if head in PRELUDE:
            return PRELUDE[head] + (f"::{rest}" if rest else "")
        return path if rest or not head[:1].isupper() else None

    def globbed(self, module: Module, name: str, function: Function | None = None) -> list[str]:
        """External modules whose glob may bring a name that nothing else explains; the function's own come first."""
        own = self.local_globs.get(id(function.fact), ()) if function is not None else ()
        inner = [source for path in own if isinstance(source := self.resolve(module, path, None, False), str)]
        sources = inner or [source for source in self._sources(module) if isinstance(source, str)]
        return [f"{source}::{name}" for source in sources]
