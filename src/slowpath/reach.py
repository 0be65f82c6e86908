"""Rules of kind reach: an effect reaches a context with no barrier between. The page lists them, this does the rest.

Contexts: `async` — a call on an async worker, directly or through sync functions; `handler` — a request handler,
through any functions; `loop` — a loop over elements, likewise; `per-call` — a construct that a function builds from a
literal each time it runs, in code that a running server reaches.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from slowpath.model.finding import Confidence, Finding, Place, Severity, Step, weakest
from slowpath.model.rule import Reach, Rule
from slowpath.program import Program
from slowpath.program.connections import Connections
from slowpath.program.contexts import Contexts
from slowpath.program.effects import CONFIDENCE, Effects
from slowpath.program.loops import Loops
from slowpath.program.paths import Paths
from slowpath.program.routes import Routes
from slowpath.program.rust import Function, RustProgram, Site
from slowpath.program.sinks import sinks

Root = tuple[Function, int]
"""A function and the scope in it that meets the context, -1 for the function itself."""
Hit = tuple[Site, Function | None]
"""A call, and the function that it leads into; None where the call itself is the sink."""


MAX_RELATED = 60


@cache
def compiled(patterns: tuple[str, ...]) -> Paths:
    return Paths(patterns)


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """The findings of one reach page."""
    assert rule.reach is not None
    if not program.of("rust"):
        return
    view = program.rust
    contexts = view.shared(Contexts)
    if rule.reach.context == "per-call":
        yield from per_call(view, contexts, rule, rule.reach)
    else:
        yield from reaching(view, contexts, rule, rule.reach)


def reaching(view: RustProgram, contexts: Contexts, rule: Rule, reach: Reach) -> Iterator[Finding]:
    """Carry the effect up the call graph until it meets the context."""
    barriers = compiled(reach.barriers)
    cheap = compiled(tuple(rule.settings.get("cheap", ())))
    on_worker = reach.context == "async"
    found = sorted(
        sinks(view, view.shared(Connections), compiled(reach.sinks), awaited=not on_worker),
        key=lambda site: cheap.has(view.resolve(site).external),
    )
    effects = Effects(view)
    roots: dict[Root, list[Hit]] = {}
    met: set[tuple[int, int]] = set()

    def passes(site: Site, callee: Function | None) -> bool:
        if site.key in met or site.function.test or (on_worker and callee is not None and callee.fact.is_async):
            return False
        kind = contexts.of(site).kind
        if kind == "once" or (on_worker and kind == "offloaded") or beyond_barrier(contexts, site, barriers):
            return False
        scope = root_scope(view, contexts, reach, site)
        if scope is not None:
            met.add(site.key)
            roots.setdefault((site.function, scope), []).append((site, callee))
        return scope is None or reach.context == "loop"

    effects.spread([(site, None) for site in found], passes)
    for (function, scope), hits in sorted(
        roots.items(), key=lambda entry: (entry[0][0].file, entry[1][0][0].call.start)
    ):
        hits = [hit for hit in hits if not on_worker or is_served(contexts, function, scope, hit[0])]
        if hits:
            yield report(contexts, rule, effects, function, scope, hits, found)


def root_scope(view: RustProgram, contexts: Contexts, reach: Reach, site: Site) -> int | None:
    """The scope in which a call meets the page's context: an async block, a loop's body, or -1 for the function."""
    if reach.context == "loop":
        loop = view.shared(Loops).around(site)
        return loop.scope if loop is not None else None
    if reach.context == "handler":
        return -1 if contexts.is_handler(site.function) else None
    context = contexts.of(site)
    if context.kind == "async":
        return context.scope
    return -1 if contexts.runs_on_worker(site.function) else None


def beyond_barrier(contexts: Contexts, site: Site, barriers: Paths) -> bool:
    """Whether a closure around the call is handed to one of the page's own barriers."""
    for index, level in site.function.scopes_of(site.call.scope):
        if level.kind in ("closure", "async"):
            consumer = contexts.consumer(site.function, f"{'|' if level.kind == 'closure' else '~'}{index}")
            if consumer is not None and contexts.matches(consumer, barriers):
                return True
    return False


def is_served(contexts: Contexts, function: Function, scope: int, site: Site) -> bool:
    return contexts.is_live_site(site) or (scope >= 0 and contexts.is_spawned(function, scope))


def report(
    contexts: Contexts, rule: Rule, effects: Effects, function: Function, scope: int, hits: list[Hit], found: list[Site]
) -> Finding:
    """One finding per async function and rule: the first call is primary, the rest are related."""
    hits.sort(key=lambda hit: hit[0].call.start)
    cheap = compiled(tuple(rule.settings.get("cheap", ())))
    dear = [hit for hit in hits if not cheap.has(sink_path(effects, hit))]
    site, callee = (dear or hits)[0]
    steps = [Step(function.place, entry(contexts, function, scope))]
    steps.append(Step(site.place, f"`{function.name}` calls `{callee.name if callee else site.call.name}`"))
    if callee is not None:
        steps += effects.steps(callee)
    sink = effects.sink(callee) if callee else site
    how: list[Confidence] = []
    if callee is not None:
        how = [CONFIDENCE[effects.program.resolve(site).how], effects.confidence(callee)]
    if not contexts.is_live_site(site, strict=True):
        how.append("medium")
    severity: Severity = rule.severity if contexts.is_handler(function) or dear else "note"
    return rule.finding(
        site.place,
        function=function.name,
        severity=severity,
        confidence=weakest(rule.confidence, *how, "high" if dear else "low"),
        flow=steps,
        related=others(effects, hits, site, {step.place for step in steps}, found),
        call=callee.name if callee else site.call.name,
        sink=sink.call.name,
        path=" → ".join(f"`{step}`" for step in names_of(effects, callee, site)),
        more=and_more(len(hits) - 1),
    )


def others(effects: Effects, hits: list[Hit], primary: Site, shown: set[Place], found: list[Site]) -> list[Step]:
    """The function's other calls of the kind, then what else blocks in the helpers that they lead through."""
    related = [
        Step(site.place, f"also here: `{into.name if into else site.call.name}`")
        for site, into in hits
        if site is not primary
    ]
    below = {id(hop.site.function) for _, into in hits if into for hop in effects.path(into)}
    related += [
        Step(site.place, f"below it: `{site.function.name}` calls `{site.call.name}`")
        for site in found
        if id(site.function) in below and effects.passed(site) and site.place not in shown
    ]
    return related[:MAX_RELATED]


def and_more(count: int) -> str:
    """How a message counts the further calls of its kind."""
    return f" (and {count} more there)" if count else ""


def sink_path(effects: Effects, hit: Hit) -> str:
    site, callee = hit
    sink = effects.sink(callee) if callee else site
    return effects.program.resolve(sink).external


def names_of(effects: Effects, callee: Function | None, site: Site) -> list[str]:
    if callee is None:
        return [site.call.name]
    hops = effects.path(callee)
    return [callee.name, *(hop.through.name if hop.through else hop.site.call.name for hop in hops)]


def entry(contexts: Contexts, function: Function, scope: int) -> str:
    """How the worker gets there."""
    if scope >= 0 and function.fact.scopes[scope].kind != "async":
        return f"`{function.name}` loops over elements"
    if scope >= 0 and contexts.is_spawned(function, scope):
        return f"`{function.name}` spawns an async task"
    if contexts.runs_on_worker(function):
        return f"`{function.name}` is sync, and the framework runs it on the async worker"
    routes = contexts.program.shared(Routes).of(function)
    if routes:
        return f"`{function.name}` answers {routes[0]}"
    if contexts.is_handler(function):
        return f"`{function.name}` is an async request handler"
    if scope >= 0:
        return f"`{function.name}` returns an async block"
    return f"`{function.name}` is async"


def per_element(view: RustProgram, site: Site) -> bool:
    """Whether a call, or one of its function, stands in a loop over elements: then it costs wherever it runs."""
    loops = view.shared(Loops)
    callers = (caller for caller in view.callers(site.function) if not caller.function.test)
    return loops.around(site) is not None or any(loops.around(caller) is not None for caller in callers)


def per_call(view: RustProgram, contexts: Contexts, rule: Rule, reach: Reach) -> Iterator[Finding]:
    paths, barriers = compiled(reach.sinks), compiled(reach.barriers)
    groups: dict[int, list[Site]] = {}
    for site in sinks(view, view.shared(Connections), paths, awaited=True):
        constant = site.call.args[:1] and site.call.args[0].startswith('"') and "{}" not in site.call.args[0]
        if not constant or contexts.of(site).kind in ("once", "fallback") or beyond_barrier(contexts, site, barriers):
            continue
        if contexts.is_live(site.function, strict=True) or per_element(view, site):
            groups.setdefault(id(site.function), []).append(site)
    for sites in groups.values():
        sites.sort(key=lambda site: site.call.start)
        yield rule.finding(
            sites[0].place,
            function=sites[0].function.name,
            flow=[Step(sites[0].function.place, f"`{sites[0].function.name}` runs per call")],
            related=[Step(site.place, "also built here") for site in sites[1:]],
            sink=sites[0].call.name,
            path=f"`{sites[0].call.name}`",
            more=and_more(len(sites) - 1),
        )
