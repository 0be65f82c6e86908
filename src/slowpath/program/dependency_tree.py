"""The graph that a Cargo.lock describes, and what is no longer reached when some of its edges go.

Cargo.lock has one edge for all uses of one package by another: in the product, its tests and build scripts, on any
platform.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property

from slowpath.model.cargo import Locked

Cut = tuple[str, str]
"""An edge that goes: from a package to a dependency, each as Cargo.lock writes it, `name` or `name version`. A name
alone stands for the project's own package of that name, or else for all its versions."""


class DependencyTree:
    """Packages by number, with edges in both directions; built once per lock."""

    def __init__(self, packages: tuple[Locked, ...]) -> None:
        self.packages = packages
        self.by_name: dict[str, list[int]] = {}
        exact: dict[str, int] = {}
        for number, package in enumerate(packages):
            self.by_name.setdefault(package.name, []).append(number)
            exact.setdefault(f"{package.name} {package.version}", number)
        self.exact = exact
        self.below: list[tuple[int, ...]] = [tuple(self._below(package)) for package in packages]
        self.above: list[list[int]] = [[] for _ in packages]
        for number, targets in enumerate(self.below):
            for target in targets:
                self.above[target].append(number)

    def _below(self, package: Locked) -> Iterator[int]:
        for requirement in dict.fromkeys(package.dependencies):
            number = self.exact.get(requirement)
            if number is None:
                number = next(iter(self.by_name.get(requirement, ())), None)
            if number is not None:
                yield number

    def numbers(self, requirement: str) -> list[int]:
        """The packages that `name` or `name version` means."""
        if " " in requirement:
            number = self.exact.get(requirement)
            return [] if number is None else [number]
        named = self.by_name.get(requirement, [])
        return [number for number in named if self.packages[number].local] or named

    def dependants(self, package: Locked) -> list[Locked]:
        """The packages that depend on exactly this one."""
        return [self.packages[number] for number in self.above[self.exact[f"{package.name} {package.version}"]]]

    @cached_property
    def roots(self) -> frozenset[int]:
        """The project's own packages, and any that nothing is seen to need: a lock may be older than its project."""
        return frozenset(n for n, package in enumerate(self.packages) if package.local or not self.above[n])

    @cached_property
    def reached(self) -> set[int]:
        """The packages that some root needs."""
        return self.closure(self.roots)

    def without(self, cuts: Iterable[Cut], start: Iterable[int] | None = None) -> set[int]:
        """What the roots, or some packages, need once the edges are gone."""
        return self.closure(self.roots if start is None else start, self._edges(cuts))

    def needing(self, number: int) -> set[int]:
        """All that lead to a package, itself included."""
        seen, stack = {number}, [number]
        while stack:
            fresh = [above for above in self.above[stack.pop()] if above not in seen]
            seen.update(fresh)
            stack += fresh
        return seen

    def leaves(self, cuts: Iterable[Cut]) -> tuple[Locked, ...]:
        """The packages that no root needs once the edges are gone, by name and version.

        Only what lies below a cut can leave, and what else leads there keeps it: the rest of the tree is not walked.
        """
        gone = self._edges(cuts)
        below = self.closure({target for source, target in gone if source in self.reached})
        kept = [n for n in below if n in self.roots or any(self._holds(a, n, below, gone) for a in self.above[n])]
        left = [self.packages[number] for number in below - self.closure(kept, gone)]
        return tuple(sorted(left, key=lambda package: (package.name, package.version)))

    def _edges(self, cuts: Iterable[Cut]) -> frozenset[tuple[int, int]]:
        return frozenset(
            (source, target)
            for before, after in cuts
            for source in self.numbers(before)
            for target in self.below[source]
            if after in (self.packages[target].name, f"{self.packages[target].name} {self.packages[target].version}")
        )

    def _holds(self, above: int, number: int, below: set[int], gone: frozenset[tuple[int, int]]) -> bool:
        return above not in below and (above, number) not in gone and above in self.reached

    def closure(self, start: Iterable[int], gone: frozenset[tuple[int, int]] = frozenset()) -> set[int]:
        """All that some packages need, themselves included."""
        seen = set(start)
        stack = list(seen)
        while stack:
            number = stack.pop()
            for target in self.below[number]:
                if target not in seen and (not gone or (number, target) not in gone):
                    seen.add(target)
                    stack.append(target)
        return seen

    def path(self, start: int, end: int) -> list[int]:
        """A shortest way down from one package to another, both ends included; nothing where there is none."""
        came = {start: start}
        queue = deque([start])
        while queue and end not in came:
            number = queue.popleft()
            for target in self.below[number]:
                if target not in came:
                    came[target] = number
                    queue.append(target)
        if end not in came:
            return []
        way = [end]
        while way[-1] != start:
            way.append(came[way[-1]])
        return way[::-1]
