"""Features of one release of a crate: what they switch on, and which of those asked for the code does not need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slowpath.tables import Release, Table

DEFAULT = "default"


class FeatureGraph:
    """The graph of a release, with what its table says of its features."""

    def __init__(self, release: Release, table: Table) -> None:
        self.features = release.features
        self.dependencies = release.dependencies
        self.table = table
        self.aggregates = {*table.aggregates, DEFAULT}

    def parts(self, feature: str) -> list[str]:
        """What a feature stands for: itself, or all that an aggregate adds up to, in order."""
        found: dict[str, None] = {}
        stack, seen = [feature], set[str]()
        while stack:
            name = stack.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self.aggregates and name in self.features:
                stack.extend(part for part in reversed(self.features[name]) if part in self.features)
            else:
                found[name] = None
        return list(found)

    def closure(self, features: Iterable[str]) -> set[str]:
        """The features with all others of the crate that they switch on."""
        seen: set[str] = set()
        stack = list(features)
        while stack:
            name = stack.pop()
            if name not in seen:
                seen.add(name)
                # `x/y` switches the optional dependency `x` on as well, by the feature of its name
                parts = (part.partition("/")[0] for part in self.features.get(name, ()))
                stack.extend(part for part in parts if part in self.features)
        return seen

    def brought(self, features: Iterable[str]) -> set[str]:
        """The optional dependencies that the features switch on."""
        found: set[str] = set()
        for name in self.closure(features):
            for part in self.features.get(name, ()):
                dependency = part.removeprefix("dep:").split("/")[0]
                if not dependency.endswith("?") and (part.startswith("dep:") or "/" in part):
                    found.add(dependency)
        return {name for name in found if name in self.dependencies and self.dependencies[name].optional}

    def passed_on(self, feature: str) -> Iterator[tuple[str, list[str]]]:
        """Other packages that a feature switches features on of, by itself: (package, features)."""
        for part in self.features.get(feature, ()):
            name, slash, other = part.removeprefix("dep:").partition("/")
            asked = self.dependencies.get(name.removesuffix("?"))
            package = asked.package or name if asked else name.removesuffix("?")
            if slash:
                yield package, [other]
            elif part.startswith("dep:") and asked:
                yield package, [*asked.features, *([DEFAULT] if asked.default else [])]

    def comes_along(self, feature: str) -> bool:
        """Whether nobody asks for the feature by hand: it is there for others to switch on."""
        own = self.features.get(feature, ())
        return feature in self.table.internal or feature[:1] == "_" or tuple(own) == (f"dep:{feature}",)


class Verdict(NamedTuple):
    """What becomes of a list of features."""

    stays: list[str]
    """The list that the code needs, in the old order."""
    goes: list[str]
    """What is off then."""


def verdict(asked: Iterable[str], graph: FeatureGraph, needed: Iterable[str], on_anyway: Iterable[str]) -> Verdict:
    """Which of the features asked for stay; `needed` are those that code shows, `on_anyway` those not in question."""
    need = set(needed)
    asked = list(dict.fromkeys(asked))
    stays: list[str] = []
    goes: list[str] = []
    before = graph.closure([*asked, *on_anyway])
    for name in asked:
        for part in graph.parts(name):
            alone = graph.table.instead.get(part, part) not in before
            (stays if alone or wanted(part, part == name, graph, need) else goes).append(part)
    base = graph.closure(on_anyway)
    for part in goes:
        for other in sorted(graph.closure([part]) - {part}):
            hidden = other not in need and (graph.comes_along(other) or other in graph.aggregates)
            if not hidden and wanted(other, False, graph, need) and other not in graph.closure(stays) | base:
                stays.append(other)
    still = graph.closure(stays) | base
    stays += [name for name in asked if name in goes and name in still]
    off = [part for part in dict.fromkeys(goes) if part not in still]
    stays += [graph.table.instead[part] for part in off if graph.table.instead.get(part) in graph.features]
    return Verdict(in_order(stays, asked, graph), off)


def in_order(stays: list[str], asked: list[str], graph: FeatureGraph) -> list[str]:
    """The list in the old order, new names where the aggregate stood that they are part of."""
    places = {part: at for at, name in reversed(list(enumerate(asked))) for part in graph.parts(name)}
    ordered = sorted(dict.fromkeys(stays), key=lambda name: places.get(name, len(asked)))
    return without_implied(ordered, asked, graph)


def wanted(part: str, by_name: bool, graph: FeatureGraph, need: set[str]) -> bool:
    """Whether a feature stays: code needs it, or code could not show that."""
    signs = graph.table.needs.get(part)
    if part in need or signs is None or (not signs and by_name) or part not in graph.features:
        return True
    return any(part in group and not need & set(group) for group in graph.table.together)


def without_implied(stays: list[str], asked: list[str], graph: FeatureGraph) -> list[str]:
    """The list without what others of it switch on, unless it was asked for by name."""
    new = set(stays).difference(asked)
    for name in [name for name in stays if name in new]:
        others = [other for other in stays if other != name]
        if name in graph.closure(others):
            stays = others
    return stays
