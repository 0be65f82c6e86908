"""Lists of rows: the calls that load them, and those of functions that return what they load."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from slowpath.model.code import Local
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.elements import call_of
from slowpath.program.look_ups import LookUps
from slowpath.program.paths import Paths, known
from slowpath.program.queries import Sent
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.sinks import sinks
from slowpath.program.statements import Statement, Statements, words

MAX_CHAIN = 40
MAX_WAY = 4
"""Functions between the rows and what is done to them."""
LISTS = re.compile(r"\bVec<|\bVecDeque<|\[\]")


@cache
def loads() -> Paths:
    return Paths(known()["rows"]["loads"])


class Load(NamedTuple):
    """A call that gives a list of rows. `way` are the functions that it leads through, `sent` the call at its end."""

    site: Site
    sent: Site
    way: tuple[Function, ...] = ()
    made: bool = False
    """Something else is made of each row on the way."""


class Rows:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.contexts = program.shared(Contexts)
        self.connections = program.shared(Connections)
        self.look_ups = program.shared(LookUps)
        self.statements = program.shared(Statements)
        self._writers = {id(site.function) for site in program.shared(Sent).writes}
        self.loads: list[Load] = []
        self._find()
        self.loads.sort(key=lambda load: (load.site.function.file, load.site.call.start))

    def statement(self, load: Load) -> Statement:
        return self.statements.of(load.sent)

    def _find(self) -> None:
        """The calls that load, then those of functions that return what they load, and so on upwards."""
        seen: set[tuple[int, int]] = set()
        sites = sinks(self.program, self.connections, loads(), awaited=True)
        queue = deque(Load(site, site) for site in sites if len(site.call.args) <= 2)
        while queue:
            load = queue.popleft()
            if load.site.key in seen or load.site.function.test:
                continue
            seen.add(load.site.key)
            runner = self._runner(load)
            if runner is not None:
                queue.append(runner)
                continue
            self.loads.append(load)
            if len(load.way) >= MAX_WAY or self.look_ups.before(load.site) or id(load.site.function) in self._writers:
                continue
            function = load.site.function
            made = self._returns(function, load.site)
            if made is None:
                continue
            for site in self.program.callers(function):
                if site.function is not function and self._is_sure(site):
                    queue.append(Load(site, load.sent, (function, *load.way), load.made or made))

    def _runner(self, load: Load) -> Load | None:
        """The call that runs the closure that gives these rows: `block(|| query.load(conn))`."""
        function = load.site.function
        for index, level in function.scopes_of(load.site.call.scope):
            if level.kind != "closure":
                continue
            taker = self.contexts.consumer(function, f"|{index}")
            if taker is None or not self._gives(taker, f"|{index}"):
                return None
            operand, scope = self._unfolded(function, level.result, index)
            made = self._leads(function, operand, function.fact.scopes[scope].end, scope, load.site)
            return None if made is None else load._replace(site=taker, made=load.made or made)
        return None

    def _gives(self, taker: Site, operand: str) -> bool:
        """Whether a call gives what the closure gives that it is handed: by its name, or as its function shows."""
        if taker.call.name.rsplit("::", 1)[-1] in words("runs"):
            return True
        callees = self.program.resolve(taker).functions
        if len(callees) != 1 or operand not in taker.call.args or not callees[0].fact.scopes:
            return False
        position = taker.call.args.index(operand) + (taker.call.receiver != "-")
        name = callees[0].fact.params[position][0] if position < len(callees[0].fact.params) else ""
        ran = (n for n, c in enumerate(callees[0].fact.calls) if c.receiver == "-" and c.name == name and name)
        return any(self._hands_up(callees[0], Site(callees[0], number)) is not None for number in ran)

    def _is_sure(self, site: Site) -> bool:
        resolved = self.program.resolve(site)
        if len(resolved.functions) != 1:
            return False
        return resolved.how != "name" or self.connections.given(site) or self.connections.owned(site)

    def _returns(self, function: Function, site: Site) -> bool | None:
        """Whether all that a function returns is what a call gives: None, or whether it makes others of the rows."""
        if not LISTS.search(function.fact.returns) or not function.fact.scopes:
            return None
        return self._hands_up(function, site)

    def _hands_up(self, function: Function, site: Site) -> bool | None:
        made = False
        results = [result for result in self._results(function) if not is_empty(function, result[0])]
        for operand, at, scope in results:
            found = self._leads(function, operand, at, scope, site)
            if found is None:
                return None
            made |= found
        return made if results else None

    def _results(self, function: Function) -> Iterator[tuple[str, int, int]]:
        """What a function returns: its tail's operand, and those of its `return`s, with where they are seen from."""
        operand, scope = self._unfolded(function, function.fact.scopes[0].result)
        yield operand, function.fact.scopes[scope].end, scope
        for leave in function.fact.exits:
            if leave.kind == "return" and all(level.kind != "closure" for _, level in function.scopes_of(leave.scope)):
                yield leave.value, leave.at, leave.scope

    def _unfolded(self, function: Function, operand: str, inside: int = 0) -> tuple[str, int]:
        """The result of the async block, or of the first block in the macro's arguments, that is returned."""
        scopes = function.fact.scopes
        for _ in range(MAX_CHAIN):
            if operand.startswith("~") and operand[1:].isdigit():
                inside = int(operand[1:])
                operand = scopes[inside].result
                continue
            call = call_of(function, operand)
            if call is not None and call.name == "Box::pin" and call.args:
                operand = call.args[0]
                continue
            if call is None or not call.name.endswith("!"):
                return operand, inside
            name = call.name[:-1].rsplit("::", 1)[-1]
            macro = next(
                (
                    i
                    for i, s in enumerate(scopes)
                    if s.kind == "macro" and s.subject == name and s.parent == call.scope and s.start >= call.end
                ),
                None,
            )
            block = next(
                (i for i, s in enumerate(scopes) if s.kind == "block" and s.parent == macro and s.result), None
            )
            if macro is None or block is None:
                return operand, inside
            inside, operand = block, scopes[block].result
        return operand, inside

    def _leads(self, function: Function, operand: str, at: int, scope: int, site: Site) -> bool | None:
        """Whether an operand is what a call gives, handed on: None, or whether others are made of its elements."""
        made = False
        for _ in range(MAX_CHAIN):
            operand = operand.rstrip("?*")
            call = call_of(function, operand)
            if call is None:
                local = self._binding(function, operand, at, scope)
                if local is None:
                    return None
                operand, at, scope = local.init, local.at - 1, local.scope
                continue
            if call is site.call:
                return made
            if call.receiver == "-":
                if call.name not in words("wraps") or not call.args:
                    return None
                operand = call.args[0]
            elif call.name in words("hands-on") | words("views") | words("makes"):
                made |= call.name in words("makes") and call.name not in ("collect", "try_collect", "collect_vec")
                operand = call.receiver
            else:
                return None
            at, scope = call.start, call.scope
        return None

    def _binding(self, function: Function, operand: str, at: int, scope: int) -> Local | None:
        """The binding of a name; the tail of a function sees those of its body."""
        if not re.match(r"[a-z_]\w*$", operand):
            return None
        return self.program.resolver.binding(function, operand, at, scope)


def is_empty(function: Function, operand: str) -> bool:
    """Whether an operand is an empty list."""
    call = call_of(function, operand.rstrip("?"))
    while call is not None and call.name in words("wraps") and call.args:
        operand = call.args[0]
        call = call_of(function, operand)
    return operand == "" or (
        call is not None
        and call.name in ("vec!", "Vec::new", "Vec::default", "Default::default", "Vec::with_capacity")
        and not call.args
    )
