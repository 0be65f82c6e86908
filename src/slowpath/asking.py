"""Rules are asked for what they find, those of a large project in two processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

import msgspec

from slowpath import workers
from slowpath.model.finding import Finding, Trouble
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import Endpoints

ASIDE = frozenset(["sql", "diesel", "cargo"])
"""Groups of rules that go to the second process: they take about as long as the others, and share least with them."""
MANY_CALLS = 8_000
"""Of Rust functions: below, a second process costs more than it saves."""


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What a rule found, and what it asked the program for: languages, and views."""

    findings: tuple[Finding, ...]
    troubles: tuple[Trouble, ...] = ()
    read: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()


MANIFESTS = ""
"""Where rules have ids: what of the manifests could not be read."""


def afresh(jobs: int) -> Callable[[Program, Iterable[str], list[Rule]], list[Answer]]:
    """Asks the rules of a project of which nothing is known."""
    return lambda program, unread, rules: with_manifests(answers(program, rules, jobs), program)


def with_manifests(told: list[Answer], program: Program) -> list[Answer]:
    """The answers, and what of the manifests could not be read where one of them asked for these."""
    return [*told, manifests(program)] if any("cargo" in answer.views for answer in told) else told


def manifests(program: Program) -> Answer:
    """What of the manifests could not be read."""
    program.read, program.asked = set(), set()
    return Answer((), tuple(program.cargo.troubles), frozenset(program.read), frozenset(program.asked))


def answers(program: Program, rules: Iterable[Rule], jobs: int) -> list[Answer]:
    """What each rule says, in order."""
    rules = list(rules)
    apart = [rule for rule in rules if rule.group in ASIDE]
    if len(apart) in (0, len(rules)) or not workers.two_at_once(jobs) or not _is_large(program):
        return [answer(program, rule) for rule in rules]
    told = workers.aside(lambda: msgspec.msgpack.encode([answer(program, rule) for rule in apart]))
    here = iter([answer(program, rule) for rule in rules if rule.group not in ASIDE])
    there = iter(msgspec.msgpack.decode(told(), type=list[Answer]))
    return [next(there if rule.group in ASIDE else here) for rule in rules]


def _is_large(program: Program) -> bool:
    functions = program.rust.functions if program.of("rust") else []
    return sum(len(function.fact.calls) for function in functions) >= MANY_CALLS


def answer(program: Program, rule: Rule) -> Answer:
    """What a rule finds. One that fails says so, and the others go on."""
    module = f"slowpath.checks.{rule.id.replace('-', '_')}" if rule.kind == "check" else f"slowpath.{rule.kind}"
    program.read, program.asked = set(), set()
    found: list[Finding] = []
    troubles: tuple[Trouble, ...] = ()
    try:
        found += (routed(finding, program) for finding in import_module(module).check(program, rule))
    except Exception as error:
        why = f"internal error: {workers.blame(error)}"
        troubles = (Trouble(f"rule {rule.id}", 0, why, internal=True),)
    return Answer(tuple(found), troubles, frozenset(program.read), frozenset(program.asked))


def routed(finding: Finding, program: Program) -> Finding:
    """The finding with the endpoints that lead to its place, where that is Rust."""
    if not finding.place.path.endswith(".rs"):
        return finding
    endpoints = program.rust.shared(Endpoints)
    function = program.rust.around(finding.place)
    routes = endpoints.of(function) if function is not None else ()
    return msgspec.structs.replace(finding, routes=tuple(map(str, routes))) if routes else finding
