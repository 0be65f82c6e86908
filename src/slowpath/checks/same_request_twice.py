"""Components of one page that each send the same request, with nothing that shares the answer."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.react import Key
from slowpath.program.together import Asker, Identity, Together


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per request."""
    met: dict[Identity, list[tuple[Key, list[Asker]]]] = {}
    for key, identity, askers in Together(program, rule.settings["clicked"], rule.settings["opened"]).repeated():
        met.setdefault(identity, []).append((key, askers))
    for places in met.values():
        (_, root), askers = max(places, key=lambda place: len(place[1]))
        first = askers[0]
        yield rule.finding(
            Place(first.path, first.effect.span),
            function=first.effect.owner,
            request=str(first.sent),
            root=root,
            count="twice" if len(askers) == 2 else f"{len(askers)} times",
            flow=[step for asker in askers for step in _steps(root, asker)],
        )


def _steps(root: str, asker: Asker) -> Iterator[Step]:
    owner = root
    for path, shown in asker.trail:
        yield Step(Place(path, shown.span), f"`{owner}` shows `{shown.tag}`")
        owner = shown.tag
    yield Step(Place(asker.path, asker.effect.span), f"`{asker.effect.owner}` sends `{asker.sent}`")
