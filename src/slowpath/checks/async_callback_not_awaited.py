"""Async functions given to methods that wait for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.awaits import AsyncCallback
from slowpath.model.finding import Confidence, Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.await_names import root, vocabulary

WHAT = {
    "dropped": "starts one call per element and waits for none, so all run at once, their failures are lost and what"
    " follows does not find their results",
    "awaited": "gives back no promise, so this `await` waits for none of its calls",
    "truthy": "takes the promise that an async callback returns for a yes, whatever it resolves to",
    "taken": "gives promises, and the method chained to it takes them for values",
}
INSTEAD = {
    "truthy": "await the answers first: `const answers = await Promise.all(items.map(test))`, then use them by index",
    "taken": "put `await Promise.all(…)` around the `map` before going on",
}
WAIT = "wait for them with `await Promise.all(items.map(…))`, in bounded batches where there may be many"


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per callback."""
    effects = program.await_effects
    for path, facts in effects.files.items():
        found = [each for each in facts.awaits.callbacks if each.fate != "serial"]
        for each in found if found and not effects.quiet(path) else ():
            if root(each.receiver) in vocabulary()["finders"]:
                continue
            call = next((call.name for call in each.calls if call.name), "")
            yield rule.finding(
                Place(path, each.span),
                confidence=_confidence(each),
                flow=[Step(Place(path, each.span), f"the callback waits for `{call}`")] if call else [],
                method=each.method,
                what=WHAT[each.fate],
                instead=INSTEAD.get(each.fate, WAIT),
            )


def _confidence(each: AsyncCallback) -> Confidence:
    """Low where it may be meant: nobody waits, and the callback sees to its own failures."""
    if each.fate == "dropped":
        return "low" if each.catches else "high" if each.waits else "medium"
    if each.fate == "awaited":
        return "high" if each.listed else "medium"
    return "high"
