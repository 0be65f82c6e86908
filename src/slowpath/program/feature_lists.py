"""Lists of features in manifests, each with the shorter one that the code needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from slowpath.model.cargo import Dependency, Locked
from slowpath.model.finding import Place
from slowpath.program import Program
from slowpath.program.cargo import Entry, Workspace
from slowpath.program.features import DEFAULT, FeatureGraph, verdict
from slowpath.program.savings import leaves
from slowpath.program.signs import Needs, Paths, by_words, holders, reachable
from slowpath.tables import Tables, load


class Declaration(NamedTuple):
    """One list of features: of a member, or of `[workspace.dependencies]` for all that inherit it."""

    path: str
    dependency: Dependency
    users: list[Entry]

    @property
    def place(self) -> Place:
        return Place(self.path, self.dependency.span)

    @property
    def inherited(self) -> tuple[str, ...]:
        """What a member that adds features has on already."""
        shared = self.users[0].shared
        return shared.features if shared and shared is not self.dependency else ()

    @property
    def takes_default(self) -> bool:
        return any(entry.takes_default for entry in self.users)

    @property
    def alone(self) -> bool:
        """Nobody else in the workspace asks for the crate."""
        entry = self.users[0]
        own = entry.shared is None or entry.shared is self.dependency
        return own and len(entry.package.workspace.entries(entry.registered)) == len(self.users)


class Proposal(NamedTuple):
    """What to write instead of a list, and what that switches off."""

    crate: str
    declaration: Declaration
    graph: FeatureGraph
    stays: list[str]
    goes: list[str]
    without_default: bool
    needs: Needs
    gone: tuple[Locked, ...]
    """The packages that go with it, as far as no third party is known to keep them."""
    others: list[str]
    """Third parties that depend on the crate, and whose features are not known: they may keep what goes."""


def proposals(program: Program, folder: Path) -> Iterator[Proposal]:
    """Shorter lists for all crates that the folder of tables knows."""
    tables = load(folder)
    for workspace in program.cargo.workspaces:
        asked = {entry.registered for package in workspace.packages for entry in package.entries}
        lists = {crate: FeatureLists(crate, workspace, tables, program) for crate in asked.intersection(tables.names)}
        for _, own in sorted(lists.items()):
            yield from own.proposals(lists)


class FeatureLists:
    """All lists of one crate in one workspace. Its caches end with it: those of a class would keep every program."""

    def __init__(self, crate: str, workspace: Workspace, tables: Tables, program: Program) -> None:
        self.crate = crate
        self.workspace = workspace
        self.tables = tables
        self.program = program
        self.table = tables.table(crate)
        self.paths = Paths(self.table.needs)
        self.entries = [entry for entry in workspace.entries(crate) if not (entry.shared or entry.declared).path]

    def declarations(self) -> Iterator[Declaration]:
        """Where features are listed, or default features taken."""
        for entry in self.entries:
            if entry.declared.features or not entry.declared.workspace:
                yield Declaration(entry.package.path, entry.declared, [entry])
        for shared in dict.fromkeys(entry.shared for entry in self.entries if entry.shared):
            users = [entry for entry in self.entries if entry.shared == shared]
            yield Declaration(users[0].package.workspace.path, shared, users)

    def proposals(self, others: Mapping[str, FeatureLists]) -> Iterator[Proposal]:
        """Lists with something in them that is worth leaving out. `others` are those of the workspace's crates."""
        for declaration in self.declarations():
            proposal = self.proposal(declaration, others)
            if proposal and any(name not in self.table.cheap for name in proposal.goes):
                yield proposal

    def proposal(self, declaration: Declaration, lists: Mapping[str, FeatureLists]) -> Proposal | None:
        """The list that the code needs; nothing where the code does not show what it uses of the crate."""
        uses = [use for entry in declaration.users for use in reachable(entry)]
        graph = self.graph_for(declaration.users[0])
        if graph is None or not uses or any(use.bare for use in uses):
            return None
        needs = passed_on(graph, lists) | self.leaned_on(declaration, graph)
        needs |= self.worded | self.paths.needed(uses)
        asked = declaration.dependency.features
        locked = self.locked(declaration.users[0])
        kept, others = self.third_parties(locked)
        base = [DEFAULT] if declaration.takes_default else []
        before = [*asked, *declaration.inherited, *base]
        found = verdict(asked, graph, needs, [*declaration.inherited, *base])
        without = False
        if base and declaration.alone and locked and not others and DEFAULT not in kept:
            bare = verdict([*asked, DEFAULT], graph, needs, [])
            off = set(graph.parts(DEFAULT)).intersection(bare.goes) - set(self.table.cheap)
            if off and self.leaving(graph, locked, graph.brought(before) - graph.brought([*bare.stays, *kept])):
                found, without = bare, True
        after = [*found.stays, *declaration.inherited, *([] if without else base), *kept]
        still = graph.closure(kept)
        goes = [name for name in found.goes if self.table.needs.get(name) and name not in still]
        brought = graph.brought(before) - graph.brought(after)
        gone = self.leaving(graph, locked, brought)
        return Proposal(self.crate, declaration, graph, found.stays, goes, without, needs, gone, others)

    def leaving(self, graph: FeatureGraph, locked: Locked | None, brought: set[str]) -> tuple[Locked, ...]:
        """The packages of Cargo.lock that nothing needs without these dependencies of the crate."""
        if self.workspace.lock is None or locked is None:
            return ()
        return leaves(
            self.workspace.lock,
            [(f"{locked.name} {locked.version}", graph.dependencies[name].package or name) for name in brought],
        )

    @cached_property
    def worded(self) -> Needs:
        """What words of the code need: they do not say which member's."""
        return by_words(self.table.needs, holders(self.workspace, self.crate), self.program)

    @cached_property
    def graph_for(self) -> Callable[[Entry], FeatureGraph | None]:
        return cache(self._graph_for)

    def _graph_for(self, entry: Entry) -> FeatureGraph | None:
        """The crate's features at the version that an entry gets."""
        locked = self.locked(entry)
        return self.graph(self.crate, locked.version if locked else entry.version)

    def graph(self, crate: str, version: str) -> FeatureGraph | None:
        """A crate's features at a version."""
        known = self.tables.crate(crate)
        release = known.release(version) if known else None
        return FeatureGraph(release, self.tables.table(crate)) if release else None

    def locked(self, entry: Entry) -> Locked | None:
        return self.workspace.lock.chosen(entry) if self.workspace.lock else None

    def leaned_on(self, declaration: Declaration, graph: FeatureGraph) -> Needs:
        """What other members use and do not ask for themselves, since features unify."""
        needs: Needs = {}
        for entry, unasked in self.leaning(graph):
            if entry not in declaration.users:
                needs |= unasked
        return needs

    @cached_property
    def leaning(self) -> Callable[[FeatureGraph], list[tuple[Entry, Needs]]]:
        return cache(self._leaning)

    def _leaning(self, graph: FeatureGraph) -> list[tuple[Entry, Needs]]:
        """The entries whose code needs what they do not ask for, with that."""
        found = []
        for entry in self.entries:
            covered = graph.closure(part for name in features_of(entry) for part in graph.parts(name))
            unasked = {name: shown for name, shown in self.shown_to(entry).items() if name not in covered}
            if unasked:
                found.append((entry, unasked))
        return found

    @cached_property
    def shown_to(self) -> Callable[[Entry], Needs]:
        return cache(self._shown_to)

    def _shown_to(self, entry: Entry) -> Needs:
        return self.paths.needed(reachable(entry))

    @cached_property
    def unmet(self) -> Needs:
        """What code needs of the crate and no entry asks for: somebody else switches it on."""
        graph = self.any_graph
        if graph is None:
            return {}
        asked = graph.closure(part for own in self.entries for name in features_of(own) for part in graph.parts(name))
        needs = self.worded.copy()
        for entry in self.entries:
            needs |= self.shown_to(entry)
        return {name: shown for name, shown in needs.items() if name not in asked}

    @cached_property
    def any_graph(self) -> FeatureGraph | None:
        """The crate's features at the version of the first entry."""
        return self.graph_for(self.entries[0]) if self.entries else None

    def third_parties(self, locked: Locked | None) -> tuple[list[str], list[str]]:
        """The features that third parties switch on by themselves, and third parties of which that is not known."""
        kept: dict[str, None] = {}
        unknown: list[str] = []
        if self.workspace.lock is None or locked is None:
            return [], []
        for one in self.workspace.lock.tree.dependants(locked):
            if one.local:
                continue
            known = self.graph(one.name, one.version)
            asked = known.dependencies.get(self.crate) if known else None
            if asked is None:
                unknown.append(one.name)
            else:
                kept |= dict.fromkeys([*asked.features, *([DEFAULT] if asked.default else [])])
        return list(kept), unknown


def passed_on(graph: FeatureGraph, lists: Mapping[str, FeatureLists]) -> Needs:
    """The features by which the project gets features of another crate that it needs and does not ask for."""
    needs: Needs = {}
    for feature in graph.table.needs:
        for package, features in graph.passed_on(feature):
            other = lists.get(package)
            if other and other.any_graph and other.unmet:
                on = other.any_graph.closure(part for name in features for part in other.any_graph.parts(name))
                met = sorted(on.intersection(other.unmet))
                if met:
                    needs[feature] = other.unmet[met[0]]
    return needs


def features_of(entry: Entry) -> tuple[str, ...]:
    """All features that an entry asks for."""
    default = (DEFAULT,) if entry.takes_default else ()
    return (*entry.declared.features, *(entry.shared.features if entry.shared else ()), *default)
