"""What a path in a crate's source means: an item, a module, or something of another crate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from feature_gates import ALWAYS, Gate, both
from feature_items import Item, Module

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class External:
    """A path in another crate, by that crate's name here."""

    crate: str
    path: Path_


Target = tuple[Module | Item | External, Gate]


class Paths:
    """Resolves the paths of one crate; `crates`: the names of its dependencies."""

    def __init__(self, root: Module, crates: Iterable[str]) -> None:
        self._root, self._crates = root, set(crates)
        self._items: dict[tuple[int, Path_], Item | None] = {}

    def resolve(
        self, module: Module, path: Path_, via: Item | None = None, seen: set[tuple[int, str, int]] | None = None
    ) -> list[Target]:
        """What a path means in a module; `via`: the `use` that asks, `seen`: what has been asked on the way."""
        seen = set() if seen is None else seen
        if not path:
            return [(module, ALWAYS)]
        first, rest = path[0], path[1:]
        if first in ("crate", "$crate"):
            return self._below([(self._root, ALWAYS)], rest, via, seen)
        if first == "self":
            return self._below([(module, ALWAYS)], rest, via, seen)
        if first == "super":
            return self._below([(module.parent or module, ALWAYS)], rest, via, seen)
        starts = self._lookup(module, first, via, seen)
        if not starts and first in self._crates:
            return [(External(first, rest), ALWAYS)]
        return self._below(starts or self._lookup(self._root, first, via, seen), rest, via, seen)

    def _below(
        self, starts: Iterable[Target], path: Path_, via: Item | None, seen: set[tuple[int, str, int]]
    ) -> list[Target]:
        targets = list(starts)
        for at, name in enumerate(path):
            further: list[Target] = []
            modules = [target for target in targets if isinstance(target[0], Module)]
            for what, gate in (
                modules or targets
            ):  # of a module and a macro of one name, only the module has names in it
                if isinstance(what, External):
                    further.append((External(what.crate, (*what.path, name)), gate))
                elif isinstance(what, Module):
                    above = [(what.parent or what, ALWAYS)] if name == "super" else self._lookup(what, name, via, seen)
                    further += [(found, both(gate, more)) for found, more in above]
                elif what.kind == "enum" and at == len(path) - 1:
                    further += [(member, gate) for member in what.members if member.name == name]
            targets = further
        return targets

    def _lookup(self, module: Module, name: str, via: Item | None, seen: set[tuple[int, str, int]]) -> list[Target]:
        """What a name means in a module, by its own items, else by its globs."""
        key = id(module), name, id(via)
        if key in seen:
            return []
        seen.add(key)
        found: list[Target] = []
        for item in module.named(name):
            if item.kind != "use":
                found.append((item.module or item, item.gate))
            elif item is not via:
                found += [(what, both(item.gate, gate)) for what, gate in self.resolve(module, item.path, item, seen)]
        for item in module.named("*") if not found else []:
            if item is not via:
                for what, gate in self.resolve(module, item.path[:-1], item, seen):
                    if isinstance(what, Module) and what is not module:
                        more = self._lookup(what, name, item, seen)
                        found += [(inner, both(both(item.gate, gate), own)) for inner, own in more]
        return found

    def item(self, module: Module, path: Path_) -> Item | None:
        """The item of this crate that a path means."""
        key = id(module), path
        if key not in self._items:
            found = (what for what, _ in self.resolve(module, path) if isinstance(what, Item))
            self._items[key] = next(found, None)
        return self._items[key]
