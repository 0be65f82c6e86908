"""Loops that send statements → findings: what n elements cost, who pays for it, and the statement for all of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from slowpath.model.code import Call
from slowpath.model.finding import Confidence, Finding, Step, weakest
from slowpath.model.rule import Rule
from slowpath.model.rust import RustFacts
from slowpath.program import Program
from slowpath.program.batches import Batches
from slowpath.program.branches import inside
from slowpath.program.chains import chain, driver, verb
from slowpath.program.connections import is_transaction
from slowpath.program.effects import MAX_COUNT
from slowpath.program.endpoints import reached
from slowpath.program.loops import Loop
from slowpath.program.queries import DEEPEST, Hit, QueryLoop, QueryLoops
from slowpath.program.rust import Site, TypeItem

OPENS = re.compile(r"transaction|^begin|(^|_)tx$")
RESULT = re.compile(r"#(\d+)")
MANY = ("{}_batch", "{}_many", "{}_bulk", "batch_{}", "bulk_{}", "{}_multiple", "multi_{}")
"""What methods for many are called; `_all` would be all there are."""


def findings(program: Program, rule: Rule, entries: list[QueryLoop]) -> Iterator[Finding]:
    """One finding per loop: the first call in it that is near its statement is primary, its path the flow."""
    loops = program.rust.shared(QueryLoops)
    batches = Batches(program.rust, primary_keys(program))
    for entry in entries:
        function = entry.loop.function
        hit = min(entry.hits, key=lambda hit: len(loops.steps(entry, hit)) > DEEPEST + 1)
        steps = loops.steps(entry, hit)
        live = loops.liveness.is_live(function)
        together = in_transaction(loops, entry, hit)
        yield rule.finding(
            hit.site.place,
            function=function.name,
            severity=rule.severity if live else "note",
            confidence=weakest(
                "low" if len(steps) > DEEPEST + 1 else rule.confidence,
                loops.confidence(entry),
                "high" if live else "medium",
                _certainty(loops, hit),
                _worth(loops, entry, hit, together),
            ),
            flow=steps,
            related=[
                Step(other.site.place, f"also per element: `{other.name}`", site=True)
                for other in entry.hits
                if other is not hit
            ],
            call=_name(loops, hit),
            verb="reads and writes" if entry.writes else "queries",
            over=entry.loop.over,
            cost=cost(entry.per_element, loops.outer(entry.loop)),
            commits="" if together else rule.settings.get("commits", ""),
            instead=instead(loops, batches, entry, hit, rule.settings["instead"]),
            reached=reached(loops.program, function),
        )


def _certainty(loops: QueryLoops, hit: Hit) -> Confidence:
    """Of a call on a trait, an impl that may never be given has the statement; and code that calls itself in a ring."""
    if hit.callee is None:
        return "high"
    if hit.site.function is not hit.callee.function and any(
        hop.site.function is hit.site.function for hop in hit.effects.path(hit.callee)
    ):
        return "low"
    callees = loops.program.resolve(hit.site).functions
    return "high" if all(hit.effects.has(callee) for callee in callees) else "medium"


def _worth(loops: QueryLoops, entry: QueryLoop, hit: Hit, together: bool) -> Confidence:
    """A prepared write to a database in the same process, in a transaction, is as fast as it gets."""
    uses = loops.program.facts[hit.statement.function.file].uses
    embedded = any(use.path.startswith("rusqlite") for use in uses) and not entry.reads
    return "low" if embedded and together else "high"


def _name(loops: QueryLoops, hit: Hit) -> str:
    """The call as written in the trait, where several impls may answer it."""
    callees = loops.program.resolve(hit.site).functions
    trait = hit.callee.function.trait if hit.callee else None
    if len(callees) > 1 and trait is not None and not isinstance(trait, str):
        return f"{trait.name}::{hit.site.call.name}"
    return hit.name


def cost(count: int, outer: Loop | None) -> str:
    """How many statements n elements cost."""
    many = "n × m" if outer else "n"
    amount = "more than " if count >= MAX_COUNT else "up to " if count > 1 else ""
    times = "" if count == 1 else f"{count} × " if outer else f"{count}"
    elements = f"n elements for each of the m of {outer.over}" if outer else "n elements"
    return f"{elements} cost {amount}{times}{many} statements"


def instead(loops: QueryLoops, batches: Batches, entry: QueryLoop, hit: Hit, words: dict[str, str]) -> str:
    """A method for many that is there already, the query before the loop, the statement for all, or how to write it."""
    sibling = _sibling(hit)
    if sibling:
        return words["sibling"].format(sibling=sibling)
    write = loops.is_write(hit.statement)
    if not write and len(entry.hits) == 1 and _is_the_same(loops, hit.site, entry.loop):
        return words["same"]
    code = batches.of(hit.statement)
    if code:
        asks = hit.statement.function
        owner = (
            f", where `{asks.name}` {'sends' if write else 'asks for'} one" if asks is not entry.loop.function else ""
        )
        return words["write" if write else "code"].format(code=code) + owner
    kind = driver(loops.program, hit.statement)
    return words[f"{kind}-{verb(loops.program, hit.statement) or 'insert'}"] if write else words[kind]


def primary_keys(program: Program) -> dict[str, str]:
    """Tables of `table!` by their Rust name → the primary key, nothing where it has several columns."""
    facts = (file.facts for file in program.of("rust"))
    tables = (table for fact in facts if isinstance(fact, RustFacts) for table in fact.diesel.tables)
    return {table.rust: table.primary[0] if len(table.primary) == 1 else "" for table in tables}


def _sibling(hit: Hit) -> str:
    """A method of the same type whose name says that it takes many."""
    function = hit.callee.function if hit.callee else None
    kind = function.self_type if function is not None else None
    if function is None or not isinstance(kind, TypeItem):
        return ""
    names = (form.format(function.fact.name) for form in MANY)
    return next((f"{kind.name}::{name}" for name in names if name in kind.methods), "")


def _is_the_same(loops: QueryLoops, site: Site, loop: Loop) -> bool:
    """Whether nothing that a call is given comes from the loop. What cannot be read may come from it."""
    function, calls = loop.function, loop.function.fact.calls
    within = inside(function, loop.scope)
    own = _behind(calls, site.number)
    bound = {local.name for local in function.fact.locals if local.scope in within}
    for number, call in enumerate(calls):
        if number not in own and call.scope in within:  # it may change what it is given
            given = (
                part
                for part in _parts(call)
                if not loops.connections.is_connection(function, part, call.start, call.scope)
            )
            bound.update(map(base, given))

    def outside(call: Call) -> bool:
        parts = _parts(call)
        return (
            not call.name.endswith("!")
            and bool(parts)
            and all(
                part[:1] not in ("", "|", "~", "$")
                and not is_written_out(part)
                and base(part) not in bound
                and not part.endswith("}")
                for part in parts
            )
        )

    return all(outside(calls[number]) for number in own if calls[number].scope in within)


def _behind(calls: list[Call], number: int) -> set[int]:
    """A call, and those whose results go into it."""
    found: set[int] = set()
    open_ = [number]
    while open_:
        number = open_.pop()
        if number not in found:
            found.add(number)
            open_ += [int(digits[1]) for part in _parts(calls[number]) if (digits := RESULT.match(part))]
    return found


def is_written_out(operand: str) -> bool:
    """Whether an operand is a list of values that are no literals."""
    return operand.startswith("L[") and not operand.endswith("=")


def base(operand: str) -> str:
    """The name that an operand begins with."""
    return re.split(r"[.?\[{]", operand, maxsplit=1)[0]


def _parts(call: Call) -> list[str]:
    """What goes into a call."""
    return [*call.args, *([call.receiver] if call.receiver != "-" else [])]


def in_transaction(loops: QueryLoops, entry: QueryLoop, hit: Hit) -> bool:
    """Whether a transaction is seen around the loop, or its handle on the way to the statement."""
    function = entry.loop.function
    ways = [hit.site, *(hop.site for hop in (hit.effects.path(hit.callee) if hit.callee else ()))]
    if is_transaction(chain(loops.program, hit.statement).root):
        return True
    if any(is_transaction(operand) for site in ways for operand in (*site.call.args, site.call.receiver)):
        return True
    if any(is_transaction(name) or "Transaction" in kind for name, kind in function.fact.params):
        return True
    if id(function) not in loops.opened:
        opening = (call.start for call in function.fact.calls if OPENS.search(call.name))
        loops.opened[id(function)] = min(opening, default=sys.maxsize)
    if loops.opened[id(function)] < hit.site.call.start:
        return True
    return any(OPENS.search(taker.call.name) for taker in loops.contexts.takers(function, entry.loop.scope))
