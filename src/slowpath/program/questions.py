"""What a function asks the database for sure each time it runs, itself or in what it calls, in its own words.

In: a function. Out: its questions in order, each with a key that is equal for equal queries, and whether something
before or after it, on the way down, may change the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from slowpath.program.canonical import CONNECTION, Canonical, Tree, carried
from slowpath.program.chains import chain
from slowpath.program.connections import Connections
from slowpath.program.contexts import BOXES, Contexts
from slowpath.program.effects import Effects, Node
from slowpath.program.look_ups import LookUps
from slowpath.program.queries import QueryLoops, Sent
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.statements import Statements, words

MAX_WAY = 3
"""Calls between a function and its statement."""
MAX_ASKED = 120
"""Calls of one function that ask, and questions that it hands up: generated code has more."""
MAX_SHOWN = 70
UNCONDITIONAL = frozenset(["body", "block", "async", "macro", "match"])
CACHED = re.compile(r"(^|::|_)(cached|memoize|once)(_|$|\()")
TURNS = re.compile(
    r"(^|_)(lock|begin|transaction|acquire|sleep|wait|tick|changed|notified|retry|reload|refresh|migrate|migrations?)(_|$)"
)
"""Calls after which the answer may be another, or is wanted anew."""


class Question(NamedTuple):
    """`way` are the calls from the function down to the one that asks; `changed` before it, `changes` after it."""

    key: tuple[int, Tree]
    way: tuple[Site, ...]
    changed: bool = False
    changes: bool = False

    @property
    def site(self) -> Site:
        return self.way[0]


class Questions:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.canonical = program.shared(Canonical)
        self.connections = program.shared(Connections)
        self.contexts = program.shared(Contexts)
        self.look_ups = program.shared(LookUps)
        self._known: dict[tuple[int, int], list[Question]] = {}
        self._sure: dict[tuple[int, int], list[Question]] = {}
        """(id(function), calls down to the statement at most) → questions"""
        self._turns: dict[int, list[int]] = {}
        self._asking: dict[int, list[int]] = {}
        """id(function) → its calls that ask, or lead there"""
        self._changing: set[tuple[int, int]] = set()
        """Calls that write, or lead there."""
        loops = program.shared(QueryLoops)
        sent = program.shared(Sent)
        found = {site.key: site for site in (*sent.reads, *sent.writes)}
        written = [site for site in found.values() if loops.is_write(site)]
        self._reading = found.keys() - {site.key for site in written}
        self.reads, self.writes = Effects(program), Effects(program)
        self.writes.spread([(site, None) for site in written], self._writes)
        self.reads.spread([(found[key], None) for key in found if key in self._reading], self._reads)

    def _writes(self, site: Site, callee: Node | None) -> bool:
        self._changing.add(site.key)
        return not site.function.test

    def _reads(self, site: Site, callee: Node | None) -> bool:
        asks = self._asks(site)
        if asks:
            self._asking.setdefault(id(site.function), []).append(site.number)
        return asks

    def _asks(self, site: Site) -> bool:
        """Whether a call asks when its function runs: no caches, no closures that are given away."""
        function = site.function
        if function.test or self.contexts.of(site).kind == "once" or self.look_ups.before(site):
            return False
        if any(CACHED.search(attribute) for attribute in function.fact.attributes):
            return False
        closures = [index for index, level in function.scopes_of(site.call.scope) if level.kind == "closure"]
        takers = [self.contexts.consumer(function, f"|{index}") for index in closures]
        return all(taker is not None and taker.call.name not in BOXES for taker in takers)

    def of(self, function: Function, way: int = MAX_WAY) -> list[Question]:
        """Every question of a function, in order."""
        key = (id(function), way)
        if key not in self._known:
            numbers = sorted(self._asking.get(id(function), ()))[:MAX_ASKED]
            self._known[key] = [asked for number in numbers for asked in self._of_call(Site(function, number), way)]
        return self._known[key]

    def _of_call(self, site: Site, way: int) -> list[Question]:
        tree = self.canonical.call(site.function, site.number)
        if site.key in self._reading:
            return [Question((0, tree), (site,))] if tree is not None else []
        callees = self.program.resolve(site).functions
        if len(callees) != 1 or callees[0] is site.function or not self._is_sure(site):
            return []
        callee = callees[0]
        found = [Question((id(callee), tree), (site,))] if tree is not None and not self.writes.has(callee) else []
        below = self._for_sure(callee, way - 1) if way > 1 else []
        given = self._given(site, callee) if below else {}
        for asked in below:
            own = carried(asked.key[1], given)
            if own is not None:
                found.append(asked._replace(key=(asked.key[0], own), way=(site, *asked.way)))
        return found

    def _is_sure(self, site: Site) -> bool:
        return self.program.resolve(site).how != "name" or self.connections.given(site)

    def _given(self, site: Site, callee: Function) -> dict[str, Tree | None]:
        """What a call gives for each parameter."""
        call, function = site.call, site.function
        operands = [*([call.receiver] if call.receiver != "-" else []), *call.args]
        given: dict[str, Tree | None] = {}
        for (name, _), operand in zip(callee.fact.params, operands, strict=False):
            tree = self.canonical.tree(function, operand, call.start, call.scope)
            if tree is None and self.connections.is_connection(function, operand, call.start, call.scope):
                tree = CONNECTION
            given[name] = tree
        return given

    def _for_sure(self, function: Function, way: int) -> list[Question]:
        """The questions that a function asks whenever it runs and nothing fails."""
        key = (id(function), way)
        if key not in self._sure:
            self._sure[key] = list(islice(self._unconditional(function, way), MAX_ASKED))
        return self._sure[key]

    def _unconditional(self, function: Function, way: int) -> Iterator[Question]:
        for asked in self.of(function, way):
            site = asked.site
            if self._always(site) and not left_before(site):
                turns = self.turns(function)
                changed = asked.changed or self.in_turn(site) or any(number < site.number for number in turns)
                changes = asked.changes or any(number > site.number for number in turns)
                if not (changed and changes):
                    yield asked._replace(changed=changed, changes=changes)

    def _always(self, site: Site) -> bool:
        """Whether a call runs whenever its function does."""
        inner = -1
        for index, level in site.function.scopes_of(site.call.scope):
            asks = level.kind in ("if", "while") and inner < 0
            if level.kind == "closure":
                if not self.is_run(site.function, index):
                    return False
            elif level.kind not in UNCONDITIONAL and not asks:
                return False
            inner = index
        return True

    def is_run(self, function: Function, scope: int) -> bool:
        """Whether a closure runs once, where it stands."""
        taker = self.contexts.consumer(function, f"|{scope}")
        return taker is not None and taker.call.name.rsplit("::", 1)[-1] in words("runs")

    def in_turn(self, site: Site, below: int = -1) -> bool:
        """Whether a call stands in a closure that waits for its turn, a transaction's, below a scope."""
        takers = self.contexts.takers(site.function, site.call.scope, below)
        return any(TURNS.search(taker.call.name) for taker in takers)

    def turns(self, function: Function) -> list[int]:
        """A function's calls after which an answer may be another: they write, may write, or wait for their turn."""
        key = id(function)
        if key not in self._turns:
            sites = (Site(function, number) for number in range(len(function.fact.calls)))
            self._turns[key] = [site.number for site in sites if self._is_turn(site)]
        return self._turns[key]

    def _is_turn(self, site: Site) -> bool:
        if site.key in self._changing or site.key in self._reading:
            return site.key in self._changing
        name = site.call.name[site.call.name.rfind(":") + 1 :]
        if TURNS.search(name) or (name == "write" and not site.call.args):
            return True
        return self.program.resolve(site).how == "unknown" and self.connections.given(site)

    def asked_by(self, question: Question) -> str:
        """What a message calls the query: the function that asks it, or what its statement begins and ends with."""
        last = question.way[-1]
        if question.key[0]:
            return self.program.resolve(last).functions[0].as_written(last.call.name)
        return described(self.program, last)

    def path(self, question: Question) -> list[Site]:
        """The calls down to the statement."""
        last = question.way[-1]
        callees = self.program.resolve(last).functions
        below = self.reads.path(Node(callees[0])) if question.key[0] and self.reads.has(callees[0]) else []
        return [*question.way, *(hop.site for hop in below)]


def described(program: RustProgram, site: Site) -> str:
    """A statement by its SQL, or by the first and the last call of its builder."""
    made = chain(program, site)
    sql = program.shared(Statements).of(site).sql
    if sql:
        return sql if len(sql) <= MAX_SHOWN else f"{sql[:MAX_SHOWN]}…"
    root = made.root or (f"{made.first.name}(..)" if made.first is not None else "")
    return f"{root}{'…' if len(made.steps) > 1 else '.'}{site.call.name}(..)" if root else site.call.name


def left_before(site: Site) -> bool:
    """Whether a function may be left before a call although nothing went wrong."""
    return any(leave.kind == "return" and leave.at < site.call.start for leave in site.function.fact.exits)
