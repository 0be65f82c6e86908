"""A request per element of a list in the browser, each of which queries the database on the server."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from slowpath.model.finding import Finding, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.effects import MAX_COUNT


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop or list."""
    if not program.of("rust") or not program.of("tsx", "typescript"):
        return
    for each in program.fan_outs.all:
        if each.answer is None:
            continue
        route, count = each.answer.match.route, each.answer.statements
        statements = "a statement" if count == 1 else f"up to {count} statements" if count < MAX_COUNT else "many more"
        shape = "component" if each.component else "waits" if each.waits else "loop"
        finding = rule.finding(
            each.place,
            function=each.function,
            confidence=weakest(rule.confidence, each.sure, each.answer.sure),
            flow=[*each.steps, *each.answer.steps],
            shape=rule.settings[shape].format(component=each.component),
            route=route,
            handler=route.handler.name,
            statements=statements,
            times="n" if count == 1 else f"n × {count}",
            instead=rule.settings["read" if route.method in ("GET", "HEAD") else "write"].format(path=stem(route.path)),
        )
        yield replace(finding, routes=(str(route),))


def stem(path: str) -> str:
    """A route's path up to its first parameter."""
    kept = []
    for segment in path.split("/"):
        if segment[:1] in ("{", ":", "<", "*"):
            break
        kept.append(segment)
    return "/".join(kept) or "/"
