"""What calling a function may do, with one shortest path that proves it.

In: sites that have the effect themselves. Out: function → the call that leads there, by breadth-first search from the
sites up the call graph, O(edges), edges resolved on demand. No rule is known here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from slowpath.model.finding import Confidence, Step, weakest
from slowpath.program.rust import Function, How, RustProgram, Site

CONFIDENCE: dict[How, Confidence] = {"exact": "high", "type": "high", "name": "medium", "unknown": "low"}


Start = tuple[Site, "Function | None"]
"""A call, and the function with the effect that it reaches; None where the call is a sink itself."""


class Witness(NamedTuple):
    """The call inside a function through which the effect is reached, and the function called (None at the sink)."""

    site: Site
    through: Function | None
    depth: int


class Effects:
    """Functions with an effect, each with its witness."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.witnesses: dict[int, Witness] = {}
        self._sinks: set[tuple[int, int]] = set()
        self._taken: set[tuple[int, int]] = set()
        """Calls that passed the effect on: what else they may reach adds nothing."""

    def spread(self, starts: Iterable[Start], passes: Callable[[Site, Function | None], bool]) -> None:
        """Carry the effect from where it starts to callers; may be called again with further starts.

        `passes(site, callee)` says whether having that call gives the function around it the effect.
        """
        queue: deque[Function] = deque()
        for site, callee in starts:
            if passes(site, callee):
                self._sinks.add(site.key)
                self._note(Witness(site, callee, 0), queue)
        while queue:
            callee = queue.popleft()
            depth = self.witnesses[id(callee)].depth + 1
            for site in self.program.callers(callee):
                key = site.key
                if key not in self._taken and site.function is not callee and passes(site, callee):
                    self._taken.add(key)
                    self._note(Witness(site, callee, depth), queue)

    def _note(self, witness: Witness, queue: deque[Function]) -> None:
        function = witness.site.function
        if id(function) not in self.witnesses:
            self.witnesses[id(function)] = witness
            queue.append(function)

    def functions(self) -> Iterator[Function]:
        """Every function that has the effect."""
        for witness in self.witnesses.values():
            yield witness.site.function

    def passed(self, site: Site) -> bool:
        """Whether a call is a sink that gave the effect to the function around it."""
        return site.key in self._sinks

    def has(self, function: Function) -> bool:
        return id(function) in self.witnesses

    def path(self, function: Function) -> list[Witness]:
        """The hops from a function down to the sink."""
        hops: list[Witness] = []
        current: Function | None = function
        while current is not None and len(hops) < 40:
            witness = self.witnesses[id(current)]
            hops.append(witness)
            current = witness.through
        return hops

    def steps(self, function: Function) -> list[Step]:
        """The hops as steps of a proof."""
        found = []
        for hop in self.path(function):
            inside = hop.site.function.name
            what = (
                f"`{inside}` calls `{hop.through.name}`" if hop.through else f"`{inside}` calls `{hop.site.call.name}`"
            )
            found.append(Step(hop.site.place, what))
        return found

    def sink(self, function: Function) -> Site:
        """The call at the end of the path."""
        return self.path(function)[-1].site

    def confidence(self, function: Function) -> Confidence:
        """That of the weakest call on the path."""
        return weakest(
            *(CONFIDENCE[self.program.resolve(hop.site).how] for hop in self.path(function) if hop.through), "high"
        )
