"""Two incompatible versions of one heavy crate, where the project's own manifests decide about both.

With a Cargo.lock: each dependency that brings an old copy can be bumped away from it. Without: members ask for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from slowpath.model.finding import Confidence, Finding, Place, Saving, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.cargo import Entry, Workspace
from slowpath.program.duplicates import Case, Duplicates, Root
from slowpath.program.savings import leaves, saving
from slowpath.program.series import Series, load, series_of, shown

SHOWN = 4
NAMED = 3
SURENESS: tuple[Confidence, ...] = ("low", "medium", "high")
"""One step for a version that is in use already, one for a package that needs both copies."""


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per group of dependencies to bump together."""
    for workspace in program.cargo.workspaces:
        if workspace.lock is None:
            for crate in sorted({entry.registered for package in workspace.packages for entry in package.entries}):
                if heavy(crate, rule):
                    yield from both_asked(crate, workspace, rule)
            continue
        releases = load(Path(rule.path).with_name("series.json"))
        found = Duplicates(workspace, workspace.lock, lambda name: heavy(name, rule), releases)
        for case in found.cases():
            yield Told(found, case).finding(rule)


def heavy(crate: str, rule: Rule) -> bool:
    return any(fnmatchcase(crate, pattern) for pattern in rule.settings["heavy"])


class Told:
    """The words for one case."""

    def __init__(self, found: Duplicates, case: Case) -> None:
        self.found = found
        self.case = case
        self.roots = sorted(case.roots, key=lambda root: msgspec.structs.astuple(where(root.entries[0])))
        self.first = self.roots[0]
        ways = [found.tree.path(self.first.number, copy) for copy in case.copies]
        self.way = min((way for way in ways if way), key=lambda way: (not found.together(way[-1:]), len(way)))

    def finding(self, rule: Rule) -> Finding:
        old = self.found.package(self.way[-1])
        newer = shown(self.newer())
        used = all(root.used for root in self.roots)
        together = self.found.together(self.case.copies)
        return rule.finding(
            where(self.first.entries[0]),
            confidence=SURENESS[max(used + together - bool(self.case.companions), 0)],
            flow=list(self.flow()),
            related=list(self.related(newer)),
            saves=self.saves(),
            crate=old.name,
            older=old.version,
            newer=newer,
            cause=self.cause(),
            when="each build compiles" if together else "a build of all packages and features compiles",
            advice=self.advice(),
        )

    def newer(self) -> Series:
        """The series that the old copy gives way to."""
        name = self.found.package(self.way[-1]).name
        own = [root.to for root in self.roots if self.found.package(root.number).name == name]
        return min(own or self.found.newer(self.way[-1]))

    def cause(self) -> str:
        root = self.found.package(self.first.number)
        others = [
            self.found.package(copy) for copy in self.case.copies if copy not in (self.way[-1], self.first.number)
        ]
        names = listing([f"`{other.name}` {other.version}" for other in others])
        more = f", and {names} beside newer ones" if names else ""
        if len(self.way) == 1:
            return f"are both compiled: this project asks for the older one{more}"
        return f"are both compiled: `{root.name}` {root.version} brings the older one{more}"

    def advice(self) -> str:
        moved = [*self.roots, *self.case.companions]
        bumps = [f"`{self.found.package(root.number).name}` to {shown(root.to)}" for root in moved]
        return f"bump {listing(bumps)}" + (" together" if len(bumps) > 1 else "")

    def flow(self) -> Iterator[Step]:
        """From the manifest down to the old copy."""
        if len(self.way) > 1:
            root = self.found.package(self.first.number)
            yield Step(where(self.first.entries[0]), f"asks for `{root.name}` {root.version}")
            for above, below in zip(self.way, self.way[1:], strict=False):
                needed = self.found.package(below)
                yield Step(self.line(above), f"needs `{needed.name}` {needed.version}")

    def related(self, newer: str) -> Iterator[Step]:
        """Further entries to bump, and where the newer copy is asked for."""
        places = {where(self.first.entries[0])}
        for root in [*self.roots, *self.case.companions]:
            package = self.found.package(root.number)
            for entry in root.entries:
                if where(entry) not in places:
                    yield Step(where(entry), f"asks for `{package.name}` {package.version}: bump it as well")
                places.add(where(entry))
        name = self.found.package(self.way[-1]).name
        copies = [n for n in self.found.tree.by_name[name] if shown(self.found.series[n]) == newer]
        entries = [entry for copy in copies for entry in self.found.asked.get(copy, ())]
        place = where(entries[0]) if entries else self.line(copies[0])
        yield Step(
            place, f"{'asks for' if entries else 'holds'} `{name}` {self.found.package(copies[0]).version} already"
        )

    def line(self, number: int) -> Place:
        """A package in Cargo.lock."""
        package = self.found.package(number)
        return Place(self.found.lock.path, (package.at, package.at + len(package.name)))

    def saves(self) -> Saving | None:
        """All below the old entries where the newer ones are compiled anyway, else what stays in another version."""
        gone = leaves(self.found.lock, [cut for root in self.roots for cut in self.cuts(root)])
        if not all(root.used for root in self.roots):
            left = {(package.name, package.version) for package in gone}
            stay = {p.name for p in self.found.lock.packages if (p.name, p.version) not in left}
            gone = tuple(package for package in gone if package.name in stay)
        return saving(gone, exact=False)

    def cuts(self, root: Root) -> Iterator[tuple[str, str]]:
        package = self.found.package(root.number)
        for above in map(self.found.package, self.found.tree.above[root.number]):
            if above.local:
                yield above.name, f"{package.name} {package.version}"


def where(entry: Entry) -> Place:
    """The line that says the version: the workspace's own where the entry inherits it."""
    return Place(entry.package.workspace.path, entry.shared.span) if entry.shared else entry.place


def listing(names: list[str]) -> str:
    """`a`, `b` and `c`; of many the first few."""
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def both_asked(crate: str, workspace: Workspace, rule: Rule) -> Iterator[Finding]:
    """Members that ask for different series of one crate, as their manifests say."""
    asked = [(series_of(entry.version), entry) for entry in workspace.entries(crate) if entry.declared.scope != "dev"]
    asked = [(series, entry) for series, entry in asked if series]
    newest = max((series for series, _ in asked), default=())
    other = next((entry for series, entry in asked if series == newest), None)
    for series in sorted({series for series, _ in asked} - {newest}):
        older = [entry for own, entry in asked if own == series]
        steps = [Step(where(entry), f"asks for {crate} {entry.version}") for entry in [*older[1:], other] if entry]
        yield rule.finding(
            where(older[0]),
            confidence="medium",
            related=steps,
            crate=crate,
            older=older[0].version,
            newer=shown(newest),
            cause="are both asked for by this project",
            when="a build of all packages compiles",
            advice=f"move this one to {shown(newest)}",
        )
