"""What calling a function may do, with one shortest path that proves it.

In: sites that have the effect themselves. Out: function → the call that leads there, by breadth-first search from the
sites up the call graph, O(edges), edges resolved on demand. No rule is known here.

A call on a trait (`self.load()` in a default method, `store.load()` on a parameter) reaches every impl, but each
caller only its own: the search carries the type that must be given, and drops the callers that give another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from slowpath.model.finding import Confidence, Step, weakest
from slowpath.program.branches import most
from slowpath.program.rust import Function, How, RustProgram, Site, TraitItem, Ty, TypeItem

CONFIDENCE: dict[How, Confidence] = {"exact": "high", "type": "high", "name": "medium", "unknown": "low"}
MAX_COUNT = 20
"""Sinks below a call that are counted one by one."""
MAX_PATH = 40
"""Hops that a proof shows: of a longer path the first ones and the last."""


class Demand(NamedTuple):
    """What must be given for a call to have the effect: a value of type `kind` as parameter `position` (0: `Self`)."""

    position: int
    kind: TypeItem


class Node(NamedTuple):
    """A function, as far as it has the effect: always, or under a demand on its caller."""

    function: Function
    demand: Demand | None = None


Start = tuple[Site, Node | None]
"""A call, and the function with the effect that it reaches; None where the call is a sink itself."""


class Witness(NamedTuple):
    """The call inside a function through which the effect is reached, and the function called (None at the sink)."""

    site: Site
    through: Node | None
    depth: int
    sink: Site
    """The call at the end of the path."""
    sure: Confidence
    """That of the weakest call on the path."""


class Effects:
    """Functions with an effect, each with its witness."""

    def __init__(self, program: RustProgram) -> None:
        self.program = program
        self.witnesses: dict[Node, Witness] = {}
        self._sinks: set[tuple[int, int]] = set()
        self._below: dict[int, list[tuple[int, Node | None]]] = {}
        """id(function) → the scopes of its calls with the effect, and what they lead into, None for a sink"""
        self._counts: dict[tuple[int, int], int] = {}
        self._taken: set[tuple[int, int]] = set()
        """Calls that passed the effect on: what else they may reach adds nothing."""

    def spread(self, starts: Iterable[Start], passes: Callable[[Site, Node | None], bool]) -> None:
        """Carry the effect from where it starts to callers; may be called again with further starts.

        `passes(site, callee)` says whether having that call gives the function around it the effect.
        """
        queue: deque[Node] = deque()
        for site, callee in starts:
            if passes(site, callee):
                self._sinks.add(site.key)
                self._below.setdefault(id(site.function), []).append((site.call.scope, callee))
                self._note(self._witness(site, callee, 0), None, queue)
        while queue:
            node = queue.popleft()
            depth = self.witnesses[node].depth + 1
            for site in self.program.callers(node.function):
                if site.key in self._taken or site.function is node.function:
                    continue
                met, demand = self._asks(site, node)
                if met and passes(site, node):
                    self._taken.add(site.key)
                    self._below.setdefault(id(site.function), []).append((site.call.scope, node))
                    self._note(self._witness(site, node, depth), demand, queue)

    def _witness(self, site: Site, through: Node | None, depth: int) -> Witness:
        if through is None:
            return Witness(site, None, depth, site, "high")
        below = self._of(through)
        return Witness(site, through, depth, below.sink, weakest(self.certainty(site), below.sure))

    def _of(self, node: Node) -> Witness:
        return self.witnesses.get(node) or self.witnesses[Node(node.function)]

    def _note(self, witness: Witness, demand: Demand | None, queue: deque[Node]) -> None:
        function = witness.site.function
        node = Node(function, demand)
        if node not in self.witnesses and Node(function) not in self.witnesses:
            self.witnesses[node] = witness
            queue.append(node)

    def _asks(self, site: Site, node: Node) -> tuple[bool, Demand | None]:
        """Whether a call can give what its callee demands, and what it demands of its own caller in turn."""
        wanted = node.demand
        if wanted is None:
            kind = node.function.self_type
            dispatched = isinstance(node.function.trait, TraitItem) and isinstance(kind, TypeItem)
            if not dispatched or len(self.program.resolve(site).functions) < 2:
                return True, None
            assert isinstance(kind, TypeItem)
            wanted = Demand(0, kind)
        given = self._given(site, wanted.position)
        if given is not None and isinstance(given.head, TypeItem):
            other = given.head is not wanted.kind and bool(
                set(map(id, given.head.traits)) & set(map(id, wanted.kind.traits))
            )
            return not other, None
        position = self._handed_on(site, wanted.position)
        return True, Demand(position, wanted.kind) if position is not None else None

    def _given(self, site: Site, position: int) -> Ty | None:
        """The type that a call gives for a parameter; for 0 that of the receiver or of the path's owner."""
        call, function = site.call, site.function
        if call.receiver == "-" and position == 0 and "::" in call.name:
            owner = self.program.resolver.owner_type(function, call.name)
            if owner is not None and isinstance(owner.head, TypeItem):
                return owner
        operand = self._operand(site, position)
        return self.program.type_of(function, operand, call.start, call.scope) if operand else None

    @staticmethod
    def _operand(site: Site, position: int) -> str:
        call = site.call
        if call.receiver != "-":
            if position == 0:
                return call.receiver
            position -= 1
        return call.args[position] if position < len(call.args) else ""

    def _handed_on(self, site: Site, position: int) -> int | None:
        """The parameter of the calling function that a call hands on at a position."""
        function = site.function
        is_default = isinstance(function.self_type, TraitItem)
        if site.call.receiver == "-" and position == 0 and site.call.name.startswith("Self::"):
            return 0 if is_default else None
        operand = self._operand(site, position)
        if operand == "self":
            return 0 if is_default else None
        names = [name for name, _ in function.fact.params]
        return names.index(operand) if operand in names else None

    def passed(self, site: Site) -> bool:
        """Whether a call is a sink that gave the effect to the function around it."""
        return site.key in self._sinks

    def nodes(self) -> list[Node]:
        """Every function with the effect."""
        return list(self.witnesses)

    def count(self, node: Node | None, deep: int) -> int:
        """How many sinks a call that leads into a function runs at most, as far as `deep` calls below; to MAX_COUNT."""
        if node is None or not deep:
            return 1
        key = (id(node.function), deep)
        if key not in self._counts:
            self._counts[key] = 1
            inside: dict[int, int] = {}
            for scope, callee in self._below.get(id(node.function), ()):
                inside[scope] = inside.get(scope, 0) + self.count(callee, deep - 1)
            self._counts[key] = min(max(most(node.function, inside), 1), MAX_COUNT)
        return self._counts[key]

    def has(self, function: Function) -> bool:
        return Node(function) in self.witnesses

    def path(self, node: Node) -> list[Witness]:
        """The hops from a function down to the sink."""
        hops: list[Witness] = []
        current: Node | None = node
        while current is not None:
            witness = self._of(current)
            hops.append(witness)
            current = witness.through
        return hops

    def steps(self, node: Node) -> list[Step]:
        """The hops as steps of a proof."""
        found = []
        hops = self.path(node)
        for hop in hops if len(hops) <= MAX_PATH else [*hops[: MAX_PATH - 1], hops[-1]]:
            inside = hop.site.function.name
            called = hop.through.function.name if hop.through else hop.site.call.name
            found.append(Step(hop.site.place, f"`{inside}` calls `{called}`"))
        return found

    def sink(self, node: Node) -> Site:
        """The call at the end of the path."""
        return self._of(node).sink

    def confidence(self, node: Node) -> Confidence:
        """That of the weakest call on the path."""
        return self._of(node).sure

    def certainty(self, site: Site) -> Confidence:
        """How sure it is what a call leads into."""
        return CONFIDENCE[self.program.resolve(site).how]
