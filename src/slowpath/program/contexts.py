"""Where a call runs: on an async worker, off it, once in the process (or some time later), or only when something went
wrong.

Offloads are derived: a function that hands its closure parameter to an offload, or uses it inside one, is an offload
itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from slowpath.model.code import AWAITED
from slowpath.program.paths import Paths, known, named
from slowpath.program.rust import Function, RustProgram, Site

Kind = Literal["sync", "async", "offloaded", "once"]


MAX_HANDS = 16
"""Helpers that hand a closure on to each other before one offloads it."""


BOXES = frozenset("Box::new Arc::new Rc::new Some Box::pin Mutex::new".split())
"""Calls that hold what they are given."""


class Context(NamedTuple):
    """`scope` is the async block that the call runs in, -1 for the function itself."""

    kind: Kind
    scope: int = -1
    fallback: bool = False
    """Only when something went wrong, or is not there yet."""


class Contexts:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self._consumers: dict[int, dict[str, Site]] = {}
        self._offloads: dict[tuple[int, int], bool] = {}
        self._handing = 0
        self._macros: dict[str, bool] = {}
        """macro → whether it offloads its arguments"""
        self._bound: dict[int, dict[str, list[str]]] = {}
        self._contexts: dict[tuple[int, int], Context] = {}
        self._given: dict[tuple[int, str], frozenset[str]] = {}
        """(id(function), kind of call) → the operands that it hands to calls of that kind"""

    def forget(self, functions: set[int], files: set[str]) -> None:
        """What is known of functions whose bodies changed, and all that may depend on other functions."""
        for function in functions:
            self._consumers.pop(function, None)
            self._bound.pop(function, None)
        self._given = {key: given for key, given in self._given.items() if key[0] not in functions}
        self._offloads.clear()
        self._macros.clear()
        self._contexts.clear()

    def of(self, site: Site) -> Context:
        """The context of a call."""
        return self.of_scope(site.function, site.call.scope)

    def of_scope(self, function: Function, scope: int) -> Context:
        key = (id(function), scope)
        known_context = self._contexts.get(key)
        if known_context is None:
            known_context = self._contexts[key] = self._climb(function, scope)
        return known_context

    def _climb(self, function: Function, scope: int) -> Context:
        block, fallback = -1, False
        for index, level in function.scopes_of(scope):
            if level.kind == "closure":
                taker = self.consumer(function, f"|{index}")
                if taker is None:
                    continue
                if self.is_offload(taker, f"|{index}"):
                    return Context("offloaded")
                if self.matches(taker, named("once")) or self._is_kept(taker, f"|{index}"):
                    return Context("once")
                fallback |= self.matches(taker, named("fallback"))
            elif level.kind == "macro" and self.macro_offloads(level.subject):
                return Context("offloaded")
            elif level.kind == "async" and block < 0:
                taker = self.consumer(function, f"~{index}")
                if taker is not None and self.matches(taker, named("once")):
                    return Context("once")
                if taker is None or not self.matches(taker, named("block-on")):
                    block = index
        is_async = block >= 0 or function.fact.is_async
        return Context("async" if is_async else "sync", block, fallback)

    def macro_offloads(self, name: str) -> bool:
        """Whether a macro runs its arguments in an offload, perhaps through another macro: by its name, or its arms."""
        if name not in self._macros:
            self._macros[name] = name in known()["offload"]["methods"]
            arms = self.program.macros.get(f"{name}!", ())
            self._macros[name] = self._macros[name] or any(self._arm_offloads(arm) for arm in arms)
        return self._macros[name]

    def _arm_offloads(self, arm: Function) -> bool:
        for number, call in enumerate(arm.fact.calls):
            site = Site(arm, number)
            if call.name.endswith("!"):
                if self.macro_offloads(call.name[:-1].rsplit("::", 1)[-1]):
                    return True
            elif self.matches(site, named("offload")) or self._any_offload(site):
                return True
        return False

    def _any_offload(self, site: Site) -> bool:
        """Whether a call in a macro's arm offloads a closure or a metavariable; there no receiver has a type."""
        call, by_method = site.call, site.call.receiver != "-"
        given = [index + by_method for index, arg in enumerate(call.args) if arg.startswith(("|", "_"))]
        callees = self.program.named.get(call.name, ()) if by_method else self.program.resolve(site).functions
        return any(self._offloads_param(callee, position) for position in given for callee in callees)

    def consumer(self, function: Function, operand: str) -> Site | None:
        """The call that takes a closure or async block, directly or through a binding."""
        table = self._consumers.get(id(function))
        if table is None:
            table = self._consumers[id(function)] = {}
            bound = {local.name: local.init for local in function.fact.locals if local.init[:1] in ("|", "~")}
            inner = {
                level.result: f"{'|' if level.kind == 'closure' else '~'}{index}"
                for index, level in enumerate(function.fact.scopes)
                if level.kind == "closure" and level.result[:1] in ("|", "~")
            }
            for number, call in enumerate(function.fact.calls):
                for arg in call.args:
                    taken = bound.get(arg, arg)
                    if taken[:1] in ("|", "~"):
                        table.setdefault(taken, Site(function, number))
            for held, holder in inner.items():
                if holder in table:
                    table.setdefault(held, table[holder])
        return table.get(operand)

    def takers(self, function: Function, scope: int, below: int = -1) -> Iterator[Site]:
        """The calls that take the closures around a scope, innermost first, as far as they lie in the scope `below`."""
        for index, level in function.scopes_of(scope):
            if index == below:
                return
            taker = self.consumer(function, f"|{index}") if level.kind == "closure" else None
            if taker is not None:
                yield taker

    def matches(self, site: Site, paths: Paths) -> bool:
        """Whether a call belongs to a set of paths or method names."""
        call = site.call
        if call.receiver != "-" and call.name in paths.methods:
            resolved = self.program.resolve(site)
            return not resolved.functions
        last = call.name[call.name.rfind(":") + 1 :]
        if not paths.open and last not in paths.names:
            return False
        return paths.has(self.program.resolve(site).external)

    def is_offload(self, site: Site, operand: str) -> bool:
        """Whether a call runs the given argument off the async worker."""
        if self.matches(site, named("offload")):
            return True
        call = site.call
        if operand.startswith("|") and call.flags & AWAITED and call.name in known()["offload"]["awaited"]:
            return not self.program.resolve(site).functions or self._hands_on(site, operand)
        return self._hands_on(site, operand)

    def _is_kept(self, site: Site, operand: str) -> bool:
        """Whether the functions that take a closure only put it away: when it runs is not known."""
        callees = self.program.resolve(site).functions
        if not callees or operand not in site.call.args:
            return False
        position = site.call.args.index(operand) + (site.call.receiver != "-")
        return all(self._keeps_param(callee, position) for callee in callees)

    def _keeps_param(self, function: Function, position: int) -> bool:
        params = function.fact.params
        name = params[position][0] if position < len(params) else ""
        if not name or not function.fact.scopes:
            return False
        used = [call for call in function.fact.calls if call.name == name or name in call.args or call.receiver == name]
        return bool(used) and all(call.name in BOXES and call.receiver == "-" for call in used)

    def _hands_on(self, site: Site, operand: str) -> bool:
        """Whether a function of the workspace that takes the argument offloads it."""
        call = site.call
        names = self._names(site.function).get(operand, ())
        positions = [index for index, arg in enumerate(call.args) if arg == operand or arg in names]
        return any(
            self._offloads_param(callee, position + (1 if call.receiver != "-" else 0))
            for callee in self.program.resolve(site).functions
            for position in positions
        )

    def _names(self, function: Function) -> dict[str, list[str]]:
        """What each closure and async block of a function is bound to."""
        if id(function) not in self._bound:
            names = self._bound[id(function)] = {}
            for local in function.fact.locals:
                names.setdefault(local.init, []).append(local.name)
        return self._bound[id(function)]

    def _offloads_param(self, function: Function, position: int) -> bool:
        """Whether a function hands its parameter to an offload, or uses it only inside one."""
        key = (id(function), position)
        if key not in self._offloads:
            self._offloads[key] = False
            self._handing += 1
            self._offloads[key] = self._handing < MAX_HANDS and self._derive(function, position)
            self._handing -= 1
        return self._offloads[key]

    def _derive(self, function: Function, position: int) -> bool:
        params = function.fact.params
        if position >= len(params) or not params[position][0]:
            return False
        name = params[position][0]
        for number, call in enumerate(function.fact.calls):
            site = Site(function, number)
            if name in call.args and (self.is_offload(site, name) or self.of(site).kind == "offloaded"):
                return True
            if call.name == name and call.receiver == "-" and self.of(site).kind == "offloaded":
                return True
        return False

    def is_spawned(self, function: Function, scope: int) -> bool:
        """Whether an async block is started as a task of its own."""
        consumer = self.consumer(function, f"~{scope}") if scope >= 0 else None
        return consumer is not None and self.matches(consumer, named("spawn"))

    def drives_itself(self, site: Site) -> bool:
        """Whether a thread that is no worker waits for a call's future: `runtime.block_on(work())` in sync code."""
        function = site.function
        if function.fact.is_async:
            return False
        for index, level in function.scopes_of(site.call.scope):
            if level.kind == "async":
                taker = self.consumer(function, f"~{index}")
                return taker is not None and self.matches(taker, named("block-on"))
        return self._is_given(site, "block-on")

    def in_spawned(self, site: Site) -> bool:
        """Whether a call stands in a task that its function spawns, or makes the future of one: `spawn(work())`."""
        levels = site.function.scopes_of(site.call.scope)
        if any(level.kind == "async" and self.is_spawned(site.function, index) for index, level in levels):
            return True
        return self.is_task(site)

    def is_task(self, site: Site) -> bool:
        """Whether the future that a call makes is started as a task of its own: `spawn(work())`."""
        return self._is_given(site, "spawn")

    def starts_task(self, site: Site, operand: str) -> bool:
        """Whether a function of the workspace runs the closure that a call gives it in a task of its own."""
        call = site.call
        position = call.args.index(operand) + (call.receiver != "-") if operand in call.args else -1
        return any(
            inner.receiver == "-"
            and inner.name == callee.fact.params[position][0]
            and self.in_spawned(Site(callee, number))
            for callee in self.program.resolve(site).functions
            if 0 <= position < len(callee.fact.params)
            for number, inner in enumerate(callee.fact.calls)
        )

    def _is_given(self, site: Site, kind: str) -> bool:
        """Whether what a call makes is an argument of a call of a kind."""
        function = site.function
        operands = self._given.get((id(function), kind))
        if operands is None:
            takers = (Site(function, number) for number in range(len(function.fact.calls)))
            given = (taker.call.args for taker in takers if self.matches(taker, named(kind)))
            operands = self._given[id(function), kind] = frozenset(arg for args in given for arg in args)
        return f"#{site.number}" in operands
