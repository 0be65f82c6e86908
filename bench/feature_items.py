"""What stands in a crate's source, each with the features under which it is compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from feature_gates import Gate


@dataclass(eq=False)
class Item:
    """`gate` holds the gates of the modules around it. `path`: what a `use` names, its last part `*` for all."""

    name: str
    kind: str
    gate: Gate
    public: bool
    place: str
    module: Module | None = None
    path: tuple[str, ...] = ()
    members: list[Item] = field(default_factory=list)
    receiver: bool = False


@dataclass(eq=False)
class Impl:
    """`impl trait for type`; the trait is empty for an inherent one. `given`: the types in their angle brackets."""

    trait: tuple[str, ...]
    type: tuple[str, ...]
    given: list[tuple[str, ...]]
    gate: Gate
    place: str
    members: list[Item]
    module: Module


@dataclass(eq=False)
class Module:
    """`directory`: where the files of its child modules stand."""

    parent: Module | None
    gate: Gate
    directory: Path
    items: list[Item] = field(default_factory=list)
    index: dict[str, list[Item]] = field(default_factory=dict)

    def named(self, name: str) -> list[Item]:
        """The items of this name; to be asked only when all have been read."""
        if not self.index:
            for item in self.items:
                self.index.setdefault(item.name, []).append(item)
        return self.index.get(name, [])
