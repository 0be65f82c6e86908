"""Rules of kind reach: an effect reaches a context with no barrier between. The page lists them, this does the rest.

Contexts: `async` — a call on an async worker, directly or through sync functions; `handler` — a request handler,
through any functions; `loop` — a loop over elements, likewise; `per-call` — a construct that a function builds anew
each time it runs, in code that a running server reaches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from typing import NamedTuple

from slowpath.model.code import is_literal
from slowpath.model.finding import CONFIDENCES, Confidence, Finding, Place, Severity, Step, weakest
from slowpath.model.rule import Reach, Rule, SinkKind
from slowpath.program import Program
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.effects import Effects, Node
from slowpath.program.elements import call_of
from slowpath.program.entries import Entries, Entry, Repeats, task_of, text_of
from slowpath.program.liveness import Liveness
from slowpath.program.loops import Loops
from slowpath.program.paths import Paths
from slowpath.program.rust import Function, RustProgram, Site, TypeItem
from slowpath.program.sinks import sinks

Root = tuple[Function, int]
"""A function and the scope in it that meets the context, -1 for the function itself."""
MAX_RELATED = 60
MAX_NAMES = 10
"""Functions between the first and the last that a message names."""
MAX_ORIGIN = 12
"""Calls between a file's opening and its use."""


class Hit(NamedTuple):
    """A call that meets the context, the function that it leads into (None where it is the sink), and the sink."""

    site: Site
    callee: Node | None
    sink: Site

    @property
    def name(self) -> str:
        return self.callee.function.name if self.callee else self.site.call.name


class Found:
    """Every sink of a page with its kind, dearest kinds first."""

    def __init__(self, view: RustProgram, reach: Reach) -> None:
        self.kinds: dict[tuple[int, int], tuple[int, SinkKind]] = {}
        sites: dict[tuple[int, int], Site] = {}
        ranked = list(enumerate(reach.sink_kinds))
        for rank, kind in sorted(ranked, key=lambda entry: not entry[1].literals):
            for site in sinks(view, view.shared(Connections), compiled(kind.sinks), awaited=reach.context != "async"):
                if is_of_kind(view, site, kind):
                    self.kinds.setdefault(site.key, (rank, kind))
                    sites[site.key] = site
        self.sites = sorted(sites.values(), key=self.rank)
        self.by_function: dict[int, list[Site]] = {}
        self.places = {site.key: place for place, site in enumerate(self.sites)}
        for site in self.sites:
            self.by_function.setdefault(id(site.function), []).append(site)

    def place(self, site: Site) -> int:
        """Where a sink stands among all."""
        return self.places[site.key]

    def rank(self, site: Site) -> tuple[int, int]:
        """Sinks that a page is sure of come first, then in the page's order."""
        rank, kind = self.kinds[site.key]
        return -CONFIDENCES.index(kind.confidence), rank

    def kind(self, site: Site) -> SinkKind:
        return self.kinds[site.key][1]


def is_of_kind(view: RustProgram, site: Site, kind: SinkKind) -> bool:
    """Whether a call's arguments are such as the kind asks for."""
    args = site.call.args
    if kind.literals:
        return opened(view, site).startswith(kind.literals)
    return not kind.constant or all(is_constant(view, site.function, arg) for arg in args)


def opened(view: RustProgram, site: Site) -> str:
    """The literal path that a call opens, or that what it is called on was opened with; nothing where there is none."""
    function, call = site.function, site.call
    for _ in range(MAX_ORIGIN):
        first = call.args[0] if call.args else ""
        if call.receiver == "-" and first.startswith('"'):
            return first[1:]
        operand = (first if call.receiver == "-" else call.receiver).rstrip("?")
        local = view.resolver.binding(function, operand, call.start, call.scope) if operand[:1].isalpha() else None
        made = call_of(function, local.init if local is not None else operand)
        if made is None:
            return ""
        call = made
    return ""


def is_constant(view: RustProgram, function: Function, operand: str) -> bool:
    """A literal without placeholders, or the name of a constant."""
    if operand[:1] == '"':
        return "{}" not in operand
    if is_literal(operand):
        return "[" not in operand or operand.endswith("=")
    named = operand[operand.rfind(":") + 1 :].isupper()
    return named and is_literal(view.resolver.constant_init(function, operand))


@cache
def compiled(patterns: tuple[str, ...]) -> Paths:
    return Paths(patterns)


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """The findings of one reach page."""
    assert rule.reach is not None
    if program.of("rust"):
        search = PerCall if rule.reach.context == "per-call" else Reaching
        yield from search(program.rust, rule, rule.reach).findings()


class Search:
    """What both kinds of search ask of the program."""

    def __init__(self, view: RustProgram, rule: Rule, reach: Reach) -> None:
        self.view = view
        self.rule = rule
        self.reach = reach
        self.contexts = view.shared(Contexts)
        self.liveness = view.shared(Liveness)
        self.entries = view.shared(Entries)
        self.barriers = compiled(reach.barriers)
        self.found = Found(view, reach)

    def beyond_barrier(self, site: Site) -> bool:
        """Whether a closure around the call is handed to one of the page's own barriers."""
        for index, level in site.function.scopes_of(site.call.scope):
            if level.kind in ("closure", "async"):
                taker = self.contexts.consumer(site.function, f"{'|' if level.kind == 'closure' else '~'}{index}")
                if taker is not None and self.contexts.matches(taker, self.barriers):
                    return True
        return False

    def words(self, sink: Site, function: Function, entry: str) -> dict[str, str]:
        """What a message can say of a sink's kind, and of who gets to a function."""
        kind = self.found.kind(sink)
        own = f"`{function.name}`"
        return {
            "does": kind.does,
            "cost": kind.cost,
            "instead": kind.instead,
            "entry": entry or own,
            "runs": f"{entry} runs {own}" if entry not in ("", own) else f"{own} runs",
            "sink": self.view.name_of(sink),
        }


class Reaching(Search):
    """Carries the effect up the call graph until it meets the context."""

    def __init__(self, view: RustProgram, rule: Rule, reach: Reach) -> None:
        super().__init__(view, rule, reach)
        self.on_worker = reach.context == "async"
        self.effects = Effects(view)
        self.met: set[tuple[int, int]] = set()
        self.roots: dict[Root, list[Hit]] = {}

    def findings(self) -> Iterator[Finding]:
        """One finding per function that meets the context, in source order."""
        for _, kind in groupby(self.found.sites, key=self.found.rank):
            self.effects.spread([(site, None) for site in kind], self.passes)
        for (function, scope), hits in sorted(
            self.roots.items(), key=lambda root: (root[0][0].file, root[1][0].site.call.start)
        ):
            hits = [hit for hit in hits if not self.on_worker or self.liveness.is_live_site(hit.site)]
            if hits:
                yield self.report(function, scope, hits)

    def passes(self, site: Site, callee: Node | None) -> bool:
        """Whether having a call gives its function the effect; notes where the context is met."""
        if site.key in self.met or site.function.test:
            return False
        if self.on_worker and callee is not None and callee.function.fact.is_async:
            return False
        kind = self.contexts.of(site).kind
        if kind == "once" or (self.on_worker and kind == "offloaded") or self.beyond_barrier(site):
            return False
        scope = self.root_scope(site)
        if scope is not None:
            self.met.add(site.key)
            sink = self.effects.sink(callee) if callee is not None else site
            self.roots.setdefault((site.function, scope), []).append(Hit(site, callee, sink))
        return scope is None or self.reach.context == "loop"

    def root_scope(self, site: Site) -> int | None:
        """The scope in which a call meets the context: an async block, a loop's body, or -1 for the function."""
        if self.reach.context == "loop":
            loop = self.view.shared(Loops).around(site)
            return loop.scope if loop is not None else None
        if self.reach.context == "handler":
            return -1 if self.liveness.is_handler(site.function) else None
        context = self.contexts.of(site)
        if context.kind == "async":
            return context.scope
        return -1 if self.liveness.runs_on_worker(site.function) else None

    def report(self, function: Function, scope: int, hits: list[Hit]) -> Finding:
        """The dearest call is primary, the function's others are related."""
        first = min(hits, key=lambda hit: (self.found.rank(hit.sink), hit.site.call.start))
        site, callee, sink = first
        kind = self.found.kind(sink)
        in_task = scope >= 0 and self.contexts.is_spawned(function, scope)
        entry = None if in_task else self.entries.of(function)
        reached = task_of(function) if in_task else entry.text if entry is not None else ""
        steps = entry.steps() if entry is not None else []
        steps.append(Step(function.place, self.meets(function, scope)))
        steps.append(Step(site.place, f"`{function.name}` calls `{first.name}`"))
        how: list[Confidence] = [kind.confidence]
        if callee is not None:
            steps += self.effects.steps(callee)
            how += [self.effects.certainty(site), self.effects.confidence(callee)]
        if not self.liveness.is_live_site(site, strict=True):
            how.append("medium")
        hits.sort(key=lambda hit: hit.site.call.start)
        aside = self.moved_aside(function) if self.on_worker else []
        return self.rule.finding(
            site.place,
            function=function.name,
            severity=self.severity(kind, function),
            confidence=weakest(self.rule.confidence, *how),
            flow=steps,
            related=[*self.others(hits, site, {step.place for step in steps}), *aside],
            call=first.name,
            path=" → ".join(f"`{name}`" for name in self.names_of(first)),
            more=one_of(len(hits), function)
            + (", which hands other work to the blocking pool already" if aside else ""),
            words=self.words(sink, function, reached),
        )

    def severity(self, kind: SinkKind, function: Function) -> Severity:
        """That of the kind; what a kind is unsure of costs little outside request handlers."""
        if kind.confidence == "low" and not self.liveness.is_handler(function):
            return "note"
        return kind.severity or self.rule.severity

    def moved_aside(self, function: Function) -> list[Step]:
        """Where a function hands other work to the blocking pool: it is half fixed."""
        closures = ((index, s) for index, s in enumerate(function.fact.scopes) if s.kind == "closure")
        takers = {
            taker.number: taker
            for index, _ in closures
            if self.contexts.of_scope(function, index).kind == "offloaded"
            and (taker := self.contexts.consumer(function, f"|{index}")) is not None
            and self.contexts.is_offload(taker, f"|{index}")
        }
        return [Step(taker.place, "this part is moved off the worker already") for taker in takers.values()]

    def others(self, hits: list[Hit], primary: Site, shown: set[Place]) -> list[Step]:
        """The function's other calls of the kind, then what else has the effect in the helpers they lead through."""
        related = [
            Step(hit.site.place, f"also here: `{hit.name}`", site=True) for hit in hits if hit.site is not primary
        ]
        below = {id(hop.site.function) for hit in hits if hit.callee for hop in self.effects.path(hit.callee)}
        related += [
            Step(site.place, f"below it: `{site.function.name}` calls `{site.call.name}`")
            for site in sorted(
                (site for key in below for site in self.found.by_function.get(key, ())), key=self.found.place
            )
            if self.effects.passed(site) and site.place not in shown
        ]
        return related[:MAX_RELATED]

    def names_of(self, hit: Hit) -> list[str]:
        """What is called, down to the sink."""
        hops = self.effects.path(hit.callee) if hit.callee else []
        through = [hop.through.function.name for hop in hops if hop.through]
        if len(through) > MAX_NAMES:
            through = [*through[: MAX_NAMES // 2], "…", *through[-MAX_NAMES // 2 :]]
        return [*([hit.callee.function.name] if hit.callee else []), *through, self.view.name_of(hit.sink)]

    def meets(self, function: Function, scope: int) -> str:
        """How a function meets the context."""
        if scope >= 0 and function.fact.scopes[scope].kind != "async":
            return f"`{function.name}` loops over elements"
        if scope >= 0 and self.contexts.is_spawned(function, scope):
            return f"`{function.name}` spawns an async task"
        if self.liveness.runs_on_worker(function):
            return f"`{function.name}` is sync, and the framework runs it on the async worker"
        text = text_of(self.view, function)
        if text != f"`{function.name}`":
            return f"`{function.name}` answers {text}"
        if self.liveness.is_handler(function):
            return f"`{function.name}` is async, and its framework calls it"
        return f"`{function.name}` returns an async block" if scope >= 0 else f"`{function.name}` is async"


class PerCall(Search):
    """What functions build anew each time they run."""

    def findings(self) -> Iterator[Finding]:
        """One finding per function."""
        repeats = self.view.shared(Repeats)
        groups: dict[int, list[tuple[Site, Entry | None]]] = {}
        for site in self.found.sites:
            context = self.contexts.of(site)
            if context.kind == "once" or context.fallback or self.beyond_barrier(site):
                continue
            entry = repeats.of(site)
            if entry is not None or (self.found.kind(site).constant and self.is_repeated(site)):
                groups.setdefault(id(site.function), []).append((site, entry))
        for sites in groups.values():
            yield self.report(sorted(sites, key=lambda found: found[0].call.start))

    def sureness(self, kind: SinkKind, entry: Entry | None) -> Confidence:
        """How sure it is that an entry builds this anew each time."""
        if entry is None:
            return "medium"
        return "low" if kind.near and len(entry.way) > 1 else "high"

    def is_repeated(self, site: Site) -> bool:
        """Whether a constant is built in a loop of a server, or by a method of one that nothing is seen to call."""
        function = site.function
        if not self.liveness.is_served(function.module.crate):
            return False
        uncalled = self.liveness.is_live(function) and not self.liveness.is_live(function, strict=True)
        return self.per_element(site) or (uncalled and bool(function.fact.params) and not is_constructor(function))

    def per_element(self, site: Site) -> bool:
        """Whether a call, or one of its function, stands in a loop over elements: then it costs wherever it runs."""
        loops = self.view.shared(Loops)
        callers = (caller for caller in self.view.callers(site.function) if not caller.function.test)
        return loops.around(site) is not None or any(loops.around(caller) is not None for caller in callers)

    def report(self, sites: list[tuple[Site, Entry | None]]) -> Finding:
        (first, entry), function = sites[0], sites[0][0].function
        kind = self.found.kind(first)
        steps = entry.steps() if entry is not None else []
        if not steps:
            steps = [Step(function.place, f"`{function.name}` runs per call")]
        in_background = entry is not None and entry.task
        return self.rule.finding(
            first.place,
            function=function.name,
            severity="note" if in_background else kind.severity,
            confidence=weakest(self.rule.confidence, kind.confidence, self.sureness(kind, entry)),
            flow=[*steps, Step(first.place, f"`{function.name}` calls `{first.call.name}`")],
            related=[Step(site.place, "also built here", site=True) for site, _ in sites[1:]],
            path=f"`{self.view.name_of(first)}`",
            more=one_of(len(sites), function),
            words=self.words(first, function, entry.text if entry is not None else ""),
        )


def is_constructor(function: Function) -> bool:
    """Whether a function makes a value of its own type: `fn new(..) -> Self`."""
    own = function.self_type.name if isinstance(function.self_type, TypeItem) else "Self"
    return bool({"Self", own} & set(re.findall(r"\w+", function.fact.returns)))


def one_of(count: int, function: Function) -> str:
    """How a message counts the calls of its kind."""
    return f" (one of {count} such calls in `{function.name}`)" if count > 1 else ""
