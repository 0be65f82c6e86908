"""What a crate offers by name: public paths, methods and trait impls, each with the features it needs.

Re-exports are followed, also into the crates it depends on, whose features are put as those of this crate that switch
them on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from feature_gates import ALWAYS, NEVER, Gate, both, closure, either
from feature_items import Impl, Item, Module
from feature_paths import External, Path_, Paths, Target
from feature_source import Source

DEPTH = 12


@dataclass(frozen=True)
class Public:
    """`around`: the gate of what holds it, which code must have named already. `owner`: the type of a trait impl."""

    path: Path_
    kind: str
    gate: Gate
    around: Gate
    place: str
    owner: Path_ = ()


@dataclass
class Names:
    """All that a crate offers, its features, and the words of its source."""

    features: dict[str, list[str]]
    found: dict[tuple[Path_, str], Public]
    """By path; apart are macros and what is not known: a trait and its derive have one name."""
    impls: list[Public]
    words: set[str]

    def all(self) -> Iterator[Public]:
        """Everything with a name, then the trait impls."""
        yield from self.found.values()
        yield from self.impls


def family(package: str) -> str:
    """The first word of a name: the crates of one project share it."""
    return re.split("[-_]", package, maxsplit=1)[0]


class Surface:
    """Collects the public items of one crate; `dependency` finds those of another, by its name and requirement. Of a
    crate that is itself part of another only its own family is followed.
    """

    def __init__(self, source: Source, dependency: Callable[[str, str], Names | None], is_part: bool = False) -> None:
        self.source, self.dependency, self.is_part = source, dependency, is_part
        self.features = source.features
        self.found: dict[tuple[Path_, str], Public] = {}
        self.impls: list[Public] = []
        self.places: dict[int, list[Public]] = {}
        self._names = {name.replace("-", "_"): name for name in source.dependencies}
        self._paths = Paths(source.root, self._names)
        self._export(source.root, (), ALWAYS, ALWAYS, frozenset())
        for impl in source.impls:
            self._add_impl(impl)

    def names(self) -> Names:
        """What has been collected."""
        return Names(self.features, self.found, self.impls, self.source.words())

    def _add(self, public: Public) -> Public:
        key = public.path, public.kind if public.kind in ("macro", "use") else ""
        old = self.found.get(key)
        if old:
            gate, around = either([old.gate, public.gate]), either([old.around, public.around])
            public = replace(old, gate=gate, around=around)
        self.found[key] = public
        return public

    def _export(self, module: Module, path: Path_, around: Gate, gate: Gate, seen: frozenset[int]) -> None:
        """The public names of a module under this path; `gate`: of the re-exports that led here."""
        if id(module) in seen or len(seen) > DEPTH:
            return
        seen = seen | {id(module)}
        for item in module.items:
            own = both(both(around, gate), item.gate)
            if not item.public or own == NEVER:
                continue
            if item.kind != "use":
                self._export_target((item, ALWAYS), (*path, item.name), around, own, item.place, seen)
            elif item.name != "_":
                glob = item.path[-1] == "*"
                for target in self._paths.resolve(module, item.path[:-1] if glob else item.path, item):
                    if glob:
                        self._export_all(target, path, around, own, item.place, seen)
                    else:
                        self._export_target(target, (*path, item.name), around, own, item.place, seen)

    def _export_all(
        self, target: Target, path: Path_, around: Gate, gate: Gate, place: str, seen: frozenset[int]
    ) -> None:
        """`pub use target::*`."""
        what, passed = target
        gate = both(gate, passed)
        if isinstance(what, Module):
            self._export(what, path, around, gate, seen)
        elif isinstance(what, Item):
            for member in what.members if what.kind == "enum" else []:
                self._add(Public((*path, member.name), "variant", both(gate, member.gate), around, place))
        else:
            self._export_external(what, path, around, gate, place)

    def _export_target(
        self, target: Target, path: Path_, around: Gate, gate: Gate, place: str, seen: frozenset[int]
    ) -> None:
        """One name."""
        what, passed = target
        gate = both(gate, passed)
        if isinstance(what, External):
            itself = self._export_external(what, path, gate, gate, place)
            for kind, own in itself or [("use", ALWAYS)]:
                self._add(Public(path, kind, both(gate, own), around, place))
            return
        if isinstance(what, Module):
            what = Item(path[-1], "mod", what.gate, True, place, module=what)
        gate = both(gate, what.gate)
        if gate == NEVER:
            return
        public = self._add(Public(path, what.kind, gate, around, place))
        self.places.setdefault(id(what), []).append(public)
        for member in what.members:
            if member.public or what.kind != "struct":
                kind = "fn" if what.kind == "enum" else "method" if member.receiver or what.kind == "struct" else "fn"
                self._add(Public((*path, member.name), kind, both(gate, member.gate), gate, member.place))
        if what.module:
            self._export(what.module, path, gate, ALWAYS, seen)

    def _export_external(
        self, what: External, path: Path_, around: Gate, gate: Gate, place: str
    ) -> list[tuple[str, Gate]]:
        """Adds what another crate offers below a path of its own, under this path here; what that path itself is."""
        name = self._names[what.crate]
        given = self.source.dependencies[name]
        package = given.get("package", name)
        if not self._is_followed(name, package):
            return []
        if "path" in given:
            names: Names | None = Surface(Source(self.source.directory / given["path"]), self.dependency).names()
        else:
            names = self.dependency(package, given.get("version", ""))
        if names is None:
            return []
        size, itself = len(what.path), []
        translate = self._translation(names, name)
        for public in names.all():
            key = public.owner or public.path
            if key[:size] == what.path and (len(key) > size or public.owner):
                self._add_external(public, path, size, translate, around, gate, place)
            elif key == what.path:
                itself.append((public.kind, translate(public.gate)))
        return itself

    def _is_followed(self, name: str, package: str) -> bool:
        """Whether features here can change what is there."""
        values = {value.replace("?/", "/") for values in self.features.values() for value in values}
        related = not self.is_part or family(package) == family(self.source.manifest["package"]["name"])
        return related and any(value.startswith(f"{name}/") for value in values)

    def _add_external(
        self,
        public: Public,
        path: Path_,
        size: int,
        translate: Callable[[Gate], Gate],
        around: Gate,
        gate: Gate,
        place: str,
    ) -> None:
        own = both(gate, translate(public.gate))
        if own == NEVER:
            return
        outer = both(around, translate(public.around))
        if public.kind == "impl":
            owner = (*path, *public.owner[size:])
            self.impls.append(Public(public.path, "impl", own, both(gate, outer), f"{place} → {public.place}", owner))
        else:
            shown = f"{place} → {public.place}"
            self._add(Public((*path, *public.path[size:]), public.kind, own, outer, shown))

    def _translation(self, other: Names, name: str) -> Callable[[Gate], Gate]:
        """Puts a gate in another crate's features as one in the features of this that switch them on."""
        given = self.source.dependencies[name]
        always = closure(
            other.features, [*given.get("features", []), *(["default"] * given.get("default-features", True))]
        )
        switches: dict[str, set[str]] = {}
        for feature, values in self.features.items():
            for value in values:
                crate, _, its = value.replace("?/", "/").partition("/")
                for on in closure(other.features, [its]) if crate == name and its else ():
                    switches.setdefault(on, set()).add(feature)

        def literal(feature: str) -> Gate:
            if feature in always:
                return ALWAYS
            if feature[0] == "!":
                return frozenset({frozenset({f"!{name}/{feature[1:]}"})})
            return frozenset(frozenset({switch}) for switch in switches.get(feature, ()))

        @cache
        def translate(gate: Gate) -> Gate:
            clauses = []
            for clause in gate:
                result = ALWAYS
                for feature in sorted(clause):
                    result = both(result, literal(feature))
                clauses.append(result)
            return either(clauses)

        return translate

    def _add_impl(self, impl: Impl) -> None:
        """The methods of an inherent impl under each public path of its type; a trait impl once."""
        target = self._paths.item(impl.module, impl.type)
        homes = self.places.get(id(target), []) if target else []
        if not impl.trait:
            for home in homes:
                for member in impl.members:
                    if member.public:
                        kind = "method" if member.receiver else "fn"
                        gate = both(home.gate, member.gate)
                        self._add(Public((*home.path, member.name), kind, gate, home.gate, member.place))
            return
        trait = self._paths.item(impl.module, impl.trait)
        if target and not homes:
            return
        around = either([home.gate for home in homes]) if homes else ALWAYS
        named = [trait, *(self._paths.item(impl.module, path) for path in impl.given)]
        for item in named:
            if item:
                around = both(around, either([home.gate for home in self.places.get(id(item), [])]))
        gate = both(around, impl.gate)
        if gate not in (around, NEVER):
            name = f"impl {impl.trait[-1]} for {impl.type[-1]}"
            self.impls.append(Public((name,), "impl", gate, around, impl.place, homes[0].path if homes else (name,)))
