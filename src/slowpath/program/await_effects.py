"""What awaiting a call does: looked up in the callee's own body where the project holds it, else read from its name.

Summaries are built on demand, each once: a function writes if a call that it waits for writes, reads if one reads and
none writes. Cycles and depth end in "unknown". The name of a reader survives a cache that its body fills.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from slowpath.model.awaits import Await, Call, Routine, Sequence
from slowpath.model.web import WebFacts
from slowpath.program import Program
from slowpath.program.await_names import Kind, kind_of, once_path, parts, quiet_path, root, verb, vocabulary, words
from slowpath.program.web import Declaration, External

MAX_DEPTH = 8


class Effect(NamedTuple):
    """`kind`, and how it is known."""

    kind: Kind
    proven: bool = False
    """Seen in the callee's body, or promised by its interface."""
    resolved: bool = False
    """The body was found."""
    library: bool = False
    """A library's own function that reads and does nothing else."""
    doubtful: bool = False
    """The body does more than the name of a reader says."""
    opaque: bool = False
    """Runs a text that is not to be seen here."""


UNKNOWN = Effect("unknown")


class Place(NamedTuple):
    """A function of the project."""

    path: str
    routine: Routine


class AwaitEffects:
    """Effects of calls, by the file that makes them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.files: dict[str, WebFacts] = {
            file.path: cast(WebFacts, file.facts) for file in program.of("typescript", "tsx")
        }
        self._named: dict[str, dict[str, list[Routine]]] = {}
        self._everywhere: dict[str, list[Place]] | None = None
        self._summaries: dict[tuple[str, tuple[int, int]], Effect | None] = {}

    def sequences(self) -> list[tuple[str, Sequence]]:
        """Every function with awaits worth a look, in files where waiting costs somebody."""
        return [
            (path, sequence)
            for path, facts in self.files.items()
            if facts.awaits.sequences and not self.quiet(path)
            for sequence in facts.awaits.sequences
        ]

    def quiet(self, path: str) -> bool:
        """A test, generated code and the like."""
        return quiet_path(path) or self.program.web.kind(path) in ("test", "generated", "config")

    def of(self, path: str, sequence: Sequence, point: Await) -> Effect:
        """What one await of a function does."""
        if point.ordered:
            return Effect("barrier")
        if point.together:
            return _all([self.call(path, sequence.owner, call, 0) for call in point.together])
        effect = self.call(path, sequence.owner, point.call, 0)
        if point.call.name.startswith("Promise."):
            return UNKNOWN
        return effect

    def call(self, path: str, owner: str, call: Call, depth: int) -> Effect:
        """What a call in a file does; `owner` is the class that it stands in."""
        named = kind_of(call)
        if named in ("instant", "barrier") or call.hint:
            return Effect(named, proven=bool(call.hint) or named == "instant")
        if self._queued(path, call.name):
            return Effect("barrier", proven=True)
        place = self.resolve(path, owner, call) if depth < MAX_DEPTH else None
        if place is None:
            library = named == "read" and self._known_reader(path, call.name)
            proven = library or call.name == "import()"
            return Effect(named, proven, library=library, opaque=verb(call.name) in vocabulary()["opaque"])
        summary = self._summary(place, depth)
        if place.routine.cached and named == "read" and summary.kind != "instant":
            return Effect("read", resolved=True)
        return _weigh(named, summary, (words(verb(call.name)) or ("",))[0] in vocabulary()["vague"])

    def short(self, path: str, sequence: Sequence, call: Call) -> bool:
        """The callee does one thing: its body, where the project holds it, waits for little."""
        place = self.resolve(path, sequence.owner, call)
        return place is None or len([each for each in place.routine.waited if not _internal(each)]) <= 2

    def guards(self, path: str, sequence: Sequence, call: Call) -> bool:
        """An access check that throws where access is denied: what follows must not start before it is over."""
        if not set(words(verb(call.name))[-1:]) & vocabulary()["access"]:
            return False
        place = self.resolve(path, sequence.owner, call)
        return place is not None and place.routine.throws

    def once(self, path: str) -> bool:
        """Run from a command line or once, so that nobody waits often."""
        facts = self.files.get(path)
        return once_path(path) or (facts is not None and facts.awaits.script)

    def _queued(self, path: str, name: str) -> bool:
        """A server action that a client calls: the framework runs these one at a time."""
        facts = self.files.get(path)
        if facts is None or facts.module.directive != "use client" or "." in name:
            return False
        target = self.program.web.resolve(path, name.removesuffix("()"))
        other = self.files.get(target.path) if isinstance(target, Declaration) else None
        return other is not None and other.module.directive == "use server"

    def _known_reader(self, path: str, name: str) -> bool:
        last = verb(name)
        if "." in name:
            return last in vocabulary()["reading_methods"]
        package = self._package(path, last)
        return package in vocabulary()["reading_packages"]

    def _package(self, path: str, name: str) -> str:
        target = self.program.web.resolve(path, name)
        return target.package if isinstance(target, External) else ""

    # resolution

    def resolve(self, path: str, owner: str, call: Call) -> Place | None:
        """The function of the project that a callee's name stands for."""
        names = [part.removesuffix("()") for part in parts(call.name)]
        if call.holder and len(names) == 2:
            return self._member(path, call.holder, names[1])
        if len(names) == 1:
            return self._plain(path, names[0])
        if names[0] == "this":
            found = self._routine(path, names[1], owner) if len(names) == 2 else None
            return found or (self._only(names[-1]) if len(names) == 3 else None)
        return self._member(path, names[0], names[1]) if len(names) == 2 else None

    def _plain(self, path: str, name: str) -> Place | None:
        local = self._routine(path, name, "")
        if local is not None:
            return local
        target = self.program.web.resolve(path, name)
        if target is None:
            return self._only(name, "")
        return self._routine(target.path, target.name, "") if isinstance(target, Declaration) else None

    def _member(self, path: str, holder: str, name: str) -> Place | None:
        """`api.load()`: a method of an object or a class of this file, or of the module that the name comes from."""
        local = self._routine(path, name, holder)
        if local is not None:
            return local
        target = self.program.web.resolve(path, holder)
        if target is None:
            return self._only(name, holder)
        if isinstance(target, External):
            return None
        alone = self._of_file(target.path).get(name, [])
        return self._routine(target.path, name, target.name) or (
            Place(target.path, alone[0]) if len(alone) == 1 else None
        )

    def _routine(self, path: str, name: str, owner: str) -> Place | None:
        routines = self._of_file(path).get(name, [])
        fitting = [routine for routine in routines if routine.owner == owner]
        return Place(path, fitting[0]) if len(fitting) == 1 else None

    def _of_file(self, path: str) -> dict[str, list[Routine]]:
        known = self._named.get(path)
        if known is None:
            known = self._named[path] = {}
            facts = self.files.get(path)
            for routine in facts.awaits.routines if facts is not None else ():
                known.setdefault(routine.name, []).append(routine)
        return known

    def _only(self, name: str, owner: str | None = None) -> Place | None:
        """The one function of that name in the project, quiet files aside; without an owner given, the one method."""
        if self._everywhere is None:
            self._everywhere = {}
            for path, facts in self.files.items():
                for routine in facts.awaits.routines if not self.quiet(path) else ():
                    self._everywhere.setdefault(routine.name, []).append(Place(path, routine))
        found = [
            place
            for place in self._everywhere.get(name, [])
            if (place.routine.owner == owner if owner is not None else place.routine.owner)
        ]
        return found[0] if len(found) == 1 else None

    # summaries

    def _summary(self, place: Place, depth: int) -> Effect:
        key = (place.path, place.routine.span)
        if key in self._summaries:
            return self._summaries[key] or UNKNOWN
        self._summaries[key] = None
        effect = self._summarise(place, depth)
        self._summaries[key] = effect
        return effect

    def _summarise(self, place: Place, depth: int) -> Effect:
        path, routine = place
        if not routine.waits:
            return Effect("instant", proven=True, resolved=True)
        counted = [call for call in routine.waited if not _internal(call) and call.name != "Promise.all()"]
        waited = [self.call(path, routine.owner, call, depth + 1) for call in counted]
        kinds = {effect.kind for effect in waited}
        if kinds == {"instant"} and not routine.assigns and not any(_starts(call) for call in routine.others):
            return Effect("instant", proven=True, resolved=True)
        fires = vocabulary()["fires"]
        if "write" in kinds or "barrier" in kinds:
            return Effect("write", proven=True, resolved=True)
        if routine.assigns or any((words(verb(call.name)) or ("",))[0] in fires for call in routine.others):
            return Effect("write", resolved=True)
        if any(_setter(call.name) for call in routine.others):
            return Effect("write", resolved=True)
        if "read" in kinds:
            opaque = any(effect.opaque for effect in waited)
            return Effect("read", proven=kinds <= {"read", "instant"} and not opaque, resolved=True, opaque=opaque)
        return Effect("unknown", resolved=True)


def _starts(call: Call) -> bool:
    """Another call whose promise may be waited for under a name of its own."""
    if verb(call.name) == "get" and call.name.count(".") == 1 and not call.hint:
        return False
    return bool(call.hint) or call.name == "Promise.all()" or kind_of(call) in ("read", "write", "barrier")


def _setter(name: str) -> bool:
    """`setRows()`: the state of a component."""
    return "." not in name and words(verb(name))[:1] == ("set",)


def _internal(call: Call) -> bool:
    """Nobody outside need know: a cache remembers what was read, a client connects."""
    table = vocabulary()
    if call.hint == "set" or call.name in ("resolve()", "reject()"):
        return True
    if kind_of(call) == "write":
        return bool({parts(call.name)[0].removesuffix("()"), root(call.name)} & table["caches"])
    return not call.hint and (words(verb(call.name)) or ("",))[0] in table["inner"]


def _weigh(named: Kind, summary: Effect, vague: bool) -> Effect:
    """The body's word against the name's."""
    if summary.kind == "unknown":
        return Effect(named, resolved=not vague)
    if summary.kind == "write" and not summary.proven and named == "read":
        return Effect("read", resolved=True, doubtful=True)
    if summary.kind == "read" and summary.opaque and named == "write":
        return Effect("unknown")
    return summary


def _all(effects: list[Effect]) -> Effect:
    """Several calls at once: as bad as the worst of them."""
    kinds = {effect.kind for effect in effects}
    for kind in ("barrier", "write", "unknown"):
        if kind in kinds:
            return Effect(cast(Kind, kind), resolved=all(effect.resolved for effect in effects))
    if kinds == {"instant"} or not kinds:
        return UNKNOWN if not kinds else Effect("instant")
    return Effect("read", proven=all(effect.proven for effect in effects), resolved=True)
