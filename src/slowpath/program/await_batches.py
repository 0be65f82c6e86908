"""Which awaits of a function stand one after the other although the later ones need nothing of the earlier ones."""

from __future__ import annotations

from slowpath.model.awaits import Call, Sequence
from slowpath.model.finding import Confidence, weakest
from slowpath.program.await_effects import AwaitEffects
from slowpath.program.await_loops import checked_out
from slowpath.program.await_loops import confidence as loop_confidence
from slowpath.program.await_names import kind_of, mentions, verb, vocabulary, words
from slowpath.program.await_refusals import misses, refusers


class Batches:
    """One function's awaits, with what each of them does."""

    def __init__(self, effects: AwaitEffects, path: str, sequence: Sequence) -> None:
        self.path, self.sequence = path, sequence
        self.awaits = sequence.awaits
        self.resolver = effects
        self.effects = [effects.of(path, sequence, point) for point in self.awaits]
        self._refusers: dict[int, frozenset[str]] = {}
        self.looped = {
            index
            for loop in sequence.loops
            if loop_confidence(effects, path, sequence, loop) in ("medium", "high")
            for index in loop.awaits
        }

    def all(self) -> list[tuple[list[int], Confidence]]:
        """Runs of awaits none of which needs another of its run, each with the weakest of its confidences."""
        batches: list[tuple[list[int], Confidence]] = []
        for index in range(len(self.awaits)):
            partner = self.partner(index)
            sure = self.confidence(partner, index) if partner is not None else None
            if partner is None or sure is None:
                continue
            batch, known = batches[-1] if batches else ([], sure)
            if partner in batch and (sure == "low") == (known == "low"):
                if not set(self.awaits[index].needs) & set(batch):
                    batches[-1] = [*batch, index], weakest(known, sure)
                continue
            batches.append(([partner, index], sure))
        return batches

    def partner(self, index: int) -> int | None:
        """The nearest earlier await that this one stands behind for nothing."""
        later = self.awaits[index]
        if later.lane < 0 or index in self.looped or self.effects[index].kind in ("write", "barrier", "instant"):
            return None
        if checked_out(self.sequence, index):
            return None
        between = later.between
        for earlier in range(index - 1, -1, -1):
            kind = self.effects[earlier].kind
            if earlier in later.needs or self.must_end(earlier) or orders(between) or self.refuses(earlier, index):
                return None
            between += self.awaits[earlier].between
            if kind != "instant" and self.awaits[earlier].lane == later.lane and earlier not in self.looped:
                return earlier
        return None

    def refuses(self, earlier: int, later: int) -> bool:
        """An access check hides in the earlier one, and the later one does not make it itself."""
        return bool(self.refusers(earlier) - self.refusers(later))

    def refusers(self, index: int) -> frozenset[str]:
        if index not in self._refusers:
            point = self.awaits[index]
            each = [refusers(self.resolver, self.path, self.sequence, call) for call in point.together or (point.call,)]
            self._refusers[index] = frozenset().union(*each)
        return self._refusers[index]

    def must_end(self, index: int) -> bool:
        """Whatever follows starts only when this one is over: it changes something, or decides who may go on."""
        point, kind = self.awaits[index], self.effects[index].kind
        return (
            kind in ("write", "barrier")
            or (kind == "unknown" and not point.used)
            or (kind == "read" and point.lane < 0 and not point.used and not self.ahead(index))
            or any(self.resolver.guards(self.path, self.sequence, call) for call in (point.together or (point.call,)))
        )

    def confidence(self, earlier: int, later: int) -> Confidence | None:
        """High where both read, medium where one of them is an own function that changes nothing, low for the rest."""
        if self.resolver.once(self.path) or self.paused(earlier):
            return "low"
        one, two = self.effects[earlier], self.effects[later]
        both = one.kind == two.kind == "read"
        if not (self.awaits[earlier].used and self.awaits[later].used):
            return "medium" if both and self.ahead(earlier) and self.ahead(later) else "low"
        if both:
            missed = self.misses(earlier) and not self.misses(later)
            return "medium" if missed or one.doubtful or two.doubtful else "high"
        resolved = all(effect.kind == "read" or effect.resolved for effect in (one, two))
        return "medium" if resolved and "read" in (one.kind, two.kind) else "low"

    def paused(self, earlier: int) -> bool:
        """A pause before the first of them, in the same list of statements: the pace is the point."""
        lane = self.awaits[earlier].lane
        return any(
            point.lane == lane and verb(point.call.name) in vocabulary()["waits"] for point in self.awaits[:earlier]
        )

    def misses(self, index: int) -> bool:
        """What follows may be meant only for what was found."""
        point = self.awaits[index]
        return any(misses(self.resolver, self.path, self.sequence, call) for call in point.together or (point.call,))

    def ahead(self, index: int) -> bool:
        """Its result is taken, or it is of a kind that only warms a cache."""
        word = words(verb(self.awaits[index].call.name))[:1]
        return self.awaits[index].used or bool(word and word[0] in vocabulary()["ahead"])


def orders(names: tuple[str, ...]) -> bool:
    """Calls for their effect that say, by their name, that what follows comes after them."""
    return mentions(names, vocabulary()["watches"]) or any(
        kind_of(Call(name)) in ("write", "barrier") and (words(verb(name)) or ("",))[0] != "log" for name in names
    )
