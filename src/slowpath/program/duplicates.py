"""Old copies of heavy crates in a Cargo.lock, the project's dependencies that bring them, and what would end that.

A copy is worth a word only where each dependency that brings it can be bumped away from it: to a series that is in use
already, or to one of which it is known what it needs. What third parties choose among themselves is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from slowpath.model.cargo import Locked
from slowpath.program.cargo import Entry, Lock, Workspace
from slowpath.program.series import Releases, Series, series_of

MAX_COPIES = 30
MAX_OLD = 200
MAX_ROOTS = 30
"""What no project has, or nobody would bump together."""


class Root(NamedTuple):
    """A dependency of the project that brings an old copy: each entry that asks for it, and where to bump it to."""

    number: int
    """In the lock's tree."""
    entries: tuple[Entry, ...]
    to: Series
    used: bool
    """That series is in the tree already."""


class Case(NamedTuple):
    """Old copies that go together, once all of their roots are bumped."""

    copies: tuple[int, ...]
    roots: tuple[Root, ...]
    companions: tuple[Root, ...]
    """What the project shares with a root, and the root's later series needs in another series than now."""


class Duplicates:
    """The old copies of one workspace."""

    def __init__(self, workspace: Workspace, lock: Lock, heavy: Callable[[str], bool], releases: Releases) -> None:
        self.workspace = workspace
        self.lock = lock
        self.tree = lock.tree
        self.releases = releases
        self.product = self.tree.without(workspace.tests_alone)
        self.series = [series_of(package.version) for package in lock.packages]
        doubled = [name for name, copies in sorted(self.tree.by_name.items()) if 1 < len(copies) <= MAX_COPIES]
        self.old = [number for name in doubled if heavy(name) for number in self._old(name)][:MAX_OLD]

    def package(self, number: int) -> Locked:
        return self.lock.packages[number]

    def _old(self, name: str) -> list[int]:
        copies = [number for number in self.tree.by_name[name] if number in self.product]
        newest = max((self.series[number] for number in copies), default=())
        return [number for number in copies if self.series[number] < newest]

    def newer(self, copy: int) -> set[Series]:
        """The later series of the same package that are compiled as well."""
        same = self.tree.by_name[self.package(copy).name]
        return {self.series[n] for n in same if n in self.product and self.series[n] > self.series[copy]}

    @cached_property
    def asked(self) -> dict[int, list[Entry]]:
        """The project's direct dependencies on others' packages, for the product or its build."""
        members: dict[str, list[Entry]] = {}
        for package in self.workspace.packages:
            for entry in package.entries:
                if entry.declared.scope != "dev":
                    members.setdefault(f"{package.manifest.name} {entry.registered}", []).append(entry)
        tests = set(self.workspace.tests_alone)
        found: dict[int, list[Entry]] = {}
        for number in sorted(self.product & self.tree.roots):
            for target in self.tree.below[number]:
                edge = self.package(number).name, self.package(target).name
                if not self.package(target).local and edge not in tests:
                    found.setdefault(target, []).extend(self._fitting(members.get(" ".join(edge), []), target))
        return found

    def _fitting(self, entries: list[Entry], target: int) -> list[Entry]:
        """Those that the lock gives this version: with two of one name, the requirement tells."""
        if len(entries) < 2:
            return entries
        wanted = self.series[target]
        return [e for e in entries if series_of(e.version) in ((), wanted[: len(series_of(e.version))])]

    def together(self, copies: Iterable[int]) -> bool:
        """Whether one package of the project always needs an old copy and a newer one."""
        newer = {copy: self.newer(copy) for copy in copies}
        for need in self.needs:
            for copy, series in newer.items():
                same = self.tree.by_name[self.package(copy).name]
                if copy in need and any(n in need and self.series[n] in series for n in same):
                    return True
        return False

    @cached_property
    def needs(self) -> list[set[int]]:
        """What each package of the project needs, without its tests and what is optional."""
        aside = self.workspace.edges(lambda entry: entry.declared.scope == "dev" or entry.optional)
        return [self.tree.without(aside, [number]) for number in sorted(self.product & self.tree.roots)]

    def cases(self) -> Iterator[Case]:
        """Old copies whose roots can all be bumped, grouped by the roots that they share."""
        if not self.old:
            return
        needing = {copy: self.tree.needing(copy) for copy in self.old}
        bringers = {copy: [root for root in self.asked if root in needing[copy]] for copy in self.old}
        bringers = {copy: found for copy, found in bringers.items() if 0 < len(found) <= MAX_ROOTS}
        cures = {root: self._cure(root, needing) for found in bringers.values() for root in found}
        cured = [
            copy
            for copy, found in bringers.items()
            if all(self.asked[root] and copy in cures[root][1] for root in found)
        ]
        while cured:
            copies, roots = {cured[0]}, set(bringers[cured[0]])
            while more := {c for c in cured if c not in copies and roots.intersection(bringers[c])}:
                copies |= more
                roots |= {root for copy in more for root in bringers[copy]}
            cured = [copy for copy in cured if copy not in copies]
            moved = tuple(self._root(root, cures[root][0]) for root in sorted(roots))
            yield Case(tuple(sorted(copies)), moved, tuple(self._companions(moved)))

    def _companions(self, roots: tuple[Root, ...]) -> Iterator[Root]:
        moved = {root.number for root in roots}
        for root in roots:
            needs = {} if root.used else self.releases.needs(self.package(root.number).name, root.to)
            homes = {entry.package.path for entry in root.entries}
            for shared in self.tree.below[root.number]:
                to = series_of(next(iter(needs.get(self.package(shared).name, ())), ""))
                near = any(entry.package.path in homes for entry in self.asked.get(shared, ()))
                if near and to > self.series[shared] and shared not in moved:
                    moved.add(shared)
                    yield self._root(shared, to)

    def _root(self, number: int, to: Series) -> Root:
        used = any(self.series[n] == to for n in self.tree.by_name[self.package(number).name] if n in self.product)
        return Root(number, tuple(self.asked[number]), to, used)

    def _cure(self, root: int, needing: dict[int, set[int]]) -> tuple[Series, set[int]]:
        """The series to bump a dependency to, and the old copies that it then no longer brings: as many as can be."""
        best: tuple[Series, set[int]] = ((), set())
        for to, gone in self._ways(root, {copy: above for copy, above in needing.items() if root in above}):
            if len(gone) > len(best[1]):
                best = to, gone
        return best

    def _ways(self, root: int, needing: dict[int, set[int]]) -> Iterator[tuple[Series, set[int]]]:
        """Series to bump to, the nearest first, with what each would end."""
        name = self.package(root).name
        same = [n for n in self.tree.by_name[name] if n in self.product and self.series[n] > self.series[root]]
        for other in sorted(same, key=lambda n: self.series[n]):
            yield self.series[other], {copy for copy, above in needing.items() if other not in above}
        below = self.tree.closure([root])
        known = {copy for copy, above in needing.items() if copy != root and self._known(above & below - {copy})}
        for to in self.releases.after(name, self.series[root]) if known else ():
            brings = self.releases.below(name, to)
            if self._moves(known, brings):
                yield to, {copy for copy in known if self._ends(copy, brings)}

    def _known(self, between: set[int]) -> bool:
        """Whether all that leads from a dependency to an old copy is known, so that a later release can be judged."""
        return all(self.releases.knows(self.package(number).name) for number in between)

    def _ends(self, copy: int, brings: dict[str, set[Series]]) -> bool:
        """Whether what a release brings has nothing of an old copy, or of yet another series."""
        return brings.get(self.package(copy).name, set()) <= {(), *self.newer(copy)}

    def _moves(self, copies: set[int], brings: dict[str, set[Series]]) -> bool:
        """Whether it brings a series that is in use in place of an old one."""
        return any(self.newer(copy) & brings.get(self.package(copy).name, set()) for copy in copies)
