"""A component that is made anew by each render of the one around it, so React mounts it anew as well."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    react, web = program.react, program.web
    for path, facts in react.facts.items():
        if not facts.nested or not web.ships(path):
            continue
        for found in facts.nested:
            if react.compiles(path, found.owner):
                continue
            component = react.components.get((path, found.owner))
            again = found.moves or (component is not None and component.rerenders)
            yield rule.finding(
                Place(path, found.span),
                function=found.owner,
                confidence=None if found.moves else "medium" if again else "low",
                name=found.name,
                flow=[Step(Place(path, found.tag), f"`{found.name}` is another component here after each render")],
            )
