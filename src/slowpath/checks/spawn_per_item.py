"""A task per element of data, with nothing that bounds how many run at once."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.contexts import Contexts
from slowpath.program.entries import Repeats
from slowpath.program.loops import Loops
from slowpath.program.paths import Paths
from slowpath.program.rust import Site


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop."""
    if not program.of("rust"):
        return
    view = program.rust
    contexts, loops, repeats = view.shared(Contexts), view.shared(Loops), view.shared(Repeats)
    spawns = Paths(rule.settings["spawns"])
    few = re.compile(rule.settings["few"])
    for name in sorted(spawns.names):
        for site in view.sites.get(name, ()):
            if site.function.test or not contexts.matches(site, spawns) or is_bounded(site, rule):
                continue
            loop = loops.around(site)
            if loop is None or loop.over == ".." or few.search(loop.over):
                continue
            entry = repeats.of(site)
            if entry is not None:
                steps = [*entry.steps(), Step(loop.head, f"`{site.function.name}` goes over `{loop.over}`")]
                yield rule.finding(
                    site.place,
                    function=site.function.name,
                    flow=[*steps, Step(site.place, "and spawns a task for each element")],
                    over=loop.over,
                    entry=entry.text,
                )


def is_bounded(site: Site, rule: Rule) -> bool:
    """Whether the function takes permits, or waits for tasks while it spawns."""
    return any(call.name.rsplit("::", 1)[-1] in rule.settings["bounds"] for call in site.function.fact.calls)
