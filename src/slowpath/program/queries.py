"""Loops that send a statement per element, directly or through any call path; reads told from writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from slowpath.model.code import AWAITED
from slowpath.model.finding import Confidence, Step, weakest
from slowpath.program.branches import exclude, is_within, most
from slowpath.program.buffers import Buffers
from slowpath.program.chains import NO_ROWS, VARYING, chain, runs_element, takes_lists, template_of
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.effects import Effects, Node
from slowpath.program.elements import call_of, down
from slowpath.program.liveness import Liveness
from slowpath.program.look_ups import LookUps, handed_on
from slowpath.program.loops import Loop, Loops, retries
from slowpath.program.paths import Paths, known
from slowpath.program.rust import RustProgram, Site
from slowpath.program.sinks import sinks

WRITE_SQL = re.compile(r"^\"\s*(insert|update|delete|merge|upsert|replace)\b", re.I)
READ_SQL = re.compile(r"^\"\s*(select|with|explain|show|pragma|values)\b", re.I)
DEEPEST = 6
"""Calls from a loop to its statement: further down it is the callee's own matter, seldom something to batch."""


@cache
def statements() -> tuple[Paths, Paths]:
    """Calls that send a statement: those that usually read, those that usually write."""
    return Paths(known()["queries"]["reads"]), Paths(known()["queries"]["writes"])


class Sent:
    """Every call that sends a statement: those that usually read, those that usually write. Some are both."""

    def __init__(self, program: RustProgram) -> None:
        connections = program.shared(Connections)
        self.reads, self.writes = (list(sinks(program, connections, paths, awaited=True)) for paths in statements())


class Hit(NamedTuple):
    """A call in a loop that sends a statement (`callee` is None), or leads to one."""

    site: Site
    callee: Node | None
    effects: Effects

    @property
    def name(self) -> str:
        return self.callee.function.name if self.callee else self.site.call.name

    @property
    def statement(self) -> Site:
        """The call that sends it."""
        return self.effects.sink(self.callee) if self.callee else self.site


class QueryLoop(NamedTuple):
    """A loop with the calls in it that send statements, in source order; `per_element` is the most that are seen."""

    loop: Loop
    hits: list[Hit]
    reads: bool
    writes: bool
    per_element: int


class QueryLoops:
    """Finds them once for all rules of a program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.loops = program.shared(Loops)
        self.contexts = program.shared(Contexts)
        self.liveness = program.shared(Liveness)
        self.connections = program.shared(Connections)
        self.look_ups = program.shared(LookUps)
        self.buffers = program.shared(Buffers)
        self.recursions: list[Hit] = []
        """Functions that send a statement and call themselves outside loops."""
        self.opened: dict[int, int] = {}
        """id(function) → where its first call that opens a transaction stands"""
        self.found = self._find()

    def _find(self) -> list[QueryLoop]:
        sent = self.program.shared(Sent)
        sites = [site for site in (*sent.reads, *sent.writes) if self._is_about_rows(site)]
        kinds: dict[bool, list[Site]] = {False: [], True: []}
        for site in sites:
            kinds[self.is_write(site)].append(site)
        groups: dict[tuple[int, int], list[tuple[Loop, Hit, bool]]] = {}
        for writing, own in kinds.items():
            for loop, hit in self._reach(sorted(own, key=conditions), writing):
                groups.setdefault((id(loop.function), loop.scope), []).append((loop, hit, writing))
        found = map(grouped, groups.values())
        return sorted(found, key=lambda entry: (entry.loop.function.file, entry.loop.head.span))

    def _is_about_rows(self, site: Site) -> bool:
        """A statement that reads or writes rows, of a table that is the same for all elements."""
        text = template_of(chain(self.program, site))
        return not (NO_ROWS.match(text) or VARYING.search(text))

    def _reach(self, sites: list[Site], writing: bool) -> list[tuple[Loop, Hit]]:
        effects = Effects(self.program)
        hits: list[tuple[Loop, Hit]] = []
        guarded: dict[int, int] = {}
        later: list[tuple[Site, Node | None]] = []

        def passes(site: Site, callee: Node | None) -> bool:
            if site.function.test or self.contexts.of(site).kind == "once" or self.buffers.now_and_then(site):
                return False
            if not writing and self.look_ups.before(site):
                return False
            if callee is not None and (
                not self._is_sure(site) or self._is_preloaded(site, guarded.get(id(callee.function)))
            ):
                return False
            position = guard(site)
            if position is not None and id(site.function) not in guarded:
                later.append((site, callee))
                return False
            loop = self.loops.around(site)
            if loop is not None and callee is None and runs_element(self.program, site, loop):
                return False
            if loop is not None and not self._is_own_task(site, loop) and not self._is_for_many(site, loop):
                hits.append((loop, Hit(site, callee, effects)))
            return not self._is_left_alone(site)

        effects.spread([(site, None) for site in sites], passes)
        rest = [entry for entry in later if not effects.has(entry[0].function)]
        guarded.update((id(site.function), guard(site) or 0) for site, _ in rest)
        effects.spread(rest, passes)
        for node in effects.nodes():
            for site in self._own_calls(node):
                loop = self.loops.around(site)
                if loop is None:
                    reached = effects.path(node)[0].site.call.scope
                    if not exclude(site.function, site.call.scope, reached):
                        self.recursions.append(Hit(site, node, effects))
                elif not self._is_own_task(site, loop):
                    hits.append((loop, Hit(site, node, effects)))
        return hits

    def _own_calls(self, node: Node) -> Iterator[Site]:
        """Where a function surely calls itself with something else than it was given."""
        function = node.function
        given = [name for name, _ in function.fact.params if name != "self"]
        if any(retries().search(name) for name in given):
            return
        for site in self.program.callers(function) if node.demand is None else ():
            if site.function is function and len(self.program.resolve(site).functions) == 1 and self._is_sure(site):
                moved = [arg for arg in site.call.args if arg not in given]
                if moved and self.contexts.of(site).kind != "once" and not self.look_ups.before(site):
                    yield site

    def _is_own_task(self, site: Site, loop: Loop) -> bool:
        """Each element becomes a task of its own: the loop itself waits for nothing."""
        if self.contexts.is_task(site):
            return True
        for index, level in site.function.scopes_of(site.call.scope):
            if index == loop.scope:
                return False
            if level.kind == "async" and self.contexts.is_spawned(site.function, index):
                return True
            if level.kind == "closure":
                taker = self.contexts.consumer(site.function, f"|{index}")
                if taker is not None and self.contexts.starts_task(taker, f"|{index}"):
                    return True
        return False

    def _is_for_many(self, site: Site, loop: Loop) -> bool:
        """Whether a call asks for a whole group of rows, which the loop goes over by their key."""
        function = site.function
        made = chain(self.program, site)
        if takes_lists(made):
            return True
        at, scope = site.call.start, site.call.scope
        for arg in {handed_on(function, arg) for call in made.steps for arg in call.args}:
            local = self.program.resolver.binding(function, arg, at, scope) if arg[:1].isalpha() else None
            inside = local is not None and is_within(function, local.scope, loop.scope)
            if inside and self.loops.elements.is_list(function, arg, at, scope):
                return True
        return False

    def _is_left_alone(self, site: Site) -> bool:
        """Whether a call runs in a task that its function starts and does not wait for."""
        function = site.function
        for index, level in function.scopes_of(site.call.scope):
            if level.kind == "async" and self.contexts.is_spawned(function, index):
                taker = self.contexts.consumer(function, f"~{index}")
                return taker is not None and not self._is_awaited(taker)
        return False

    @staticmethod
    def _is_awaited(spawn: Site) -> bool:
        """Whether a task's handle is awaited, or goes somewhere that may."""
        made = f"#{spawn.number}"
        calls, bound = spawn.function.fact.calls, spawn.function.fact.locals
        given = any(call.receiver == made or made in call.args for call in calls)
        return bool(spawn.call.flags & AWAITED) or given or any(local.init == made for local in bound)

    @staticmethod
    def _is_preloaded(site: Site, position: int | None) -> bool:
        """The callee queries only where its Option parameter is None, and the call gives it `Some(..)`."""
        if position is None:
            return False
        index = position - (1 if site.call.receiver != "-" else 0)
        given = site.call.args[index] if 0 <= index < len(site.call.args) else ""
        maker = call_of(site.function, given)
        return maker is not None and maker.name == "Some"

    def _is_sure(self, site: Site) -> bool:
        """A callee found by name alone must be given a connection, or be called on something that owns one."""
        if self.program.resolve(site).how != "name":
            return True
        return self.connections.given(site) or self.connections.owned(site)

    def is_write(self, site: Site) -> bool:
        """Whether a statement writes: by the builder further up its chain, by its SQL, else by its method."""
        for number, call in down(site.function, f"#{site.number}"):
            name = call.name.rsplit("::", 1)[-1]
            if number != site.number and name in known()["queries"]["builders"]:
                return True
            for arg in call.args:
                if WRITE_SQL.match(arg):
                    return True
                if READ_SQL.match(arg):
                    return False
        return site.call.name in statements()[1].names

    def outer(self, loop: Loop) -> Loop | None:
        """The loop per element around a loop in the same function."""
        return self.loops.around_scope(loop.function, loop.function.fact.scopes[loop.scope].parent, loop.head.span[0])

    def confidence(self, found: QueryLoop) -> Confidence:
        """That of the surest call in the loop."""
        best: Confidence = "low"
        for hit in found.hits:
            how = hit.effects.certainty(hit.site) if hit.callee else "high"
            below = hit.effects.confidence(hit.callee) if hit.callee else "high"
            if weakest(how, below) == "high" or best == "low":
                best = weakest(how, below)
        return best

    def steps(self, found: QueryLoop, hit: Hit) -> list[Step]:
        """Loop head → call → … → statement."""
        steps = [
            Step(found.loop.head, f"`{found.loop.function.name}` goes over {found.loop.over}"),
            Step(hit.site.place, f"for each element it calls `{hit.name}`"),
        ]
        return steps + (hit.effects.steps(hit.callee) if hit.callee else [])


def grouped(found: list[tuple[Loop, Hit, bool]]) -> QueryLoop:
    """What was found in one loop: a call that both reads and writes is one hit, and counts twice."""
    loop = found[0][0]
    hits: dict[tuple[int, int], Hit] = {}
    counts: dict[int, int] = {}
    kinds = {writing for _, _, writing in found}
    for (site, callee, effects), _ in dict.fromkeys((hit, writing) for _, hit, writing in found):
        hits.setdefault(site.key, Hit(site, callee, effects))
        counts[site.call.scope] = counts.get(site.call.scope, 0) + effects.count(callee, DEEPEST)
    ordered = sorted(hits.values(), key=lambda hit: hit.site.call.start)
    return QueryLoop(loop, ordered, False in kinds, True in kinds, most(loop.function, counts, loop.scope))


def conditions(site: Site) -> int:
    """How many branches a call stands in: the proof prefers the statement that always runs."""
    levels = site.function.scopes_of(site.call.scope)
    return sum(level.kind in ("if", "else", "arm") for _, level in levels) + len(site.function.fact.exits)


def guard(site: Site) -> int | None:
    """Position of the parameter whose `if let Some(..)` has the call in its `else`, if there is one."""
    scopes = site.function.fact.scopes
    names = [name for name, _ in site.function.fact.params]
    for index, level in site.function.scopes_of(site.call.scope):
        if level.kind == "else":
            before = (scopes[i] for i in range(index - 1, -1, -1))
            beside = next((s for s in before if s.kind == "if" and s.parent == level.parent), None)
            if beside is not None and beside.subject in names:
                return names.index(beside.subject)
    return None
