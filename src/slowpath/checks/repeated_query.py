"""Queries that a function sends again, itself or through what it calls, when it has the answer."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Severity, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.contexts import Contexts
from slowpath.program.effects import CONFIDENCE
from slowpath.program.endpoints import LIST, Endpoints, reached
from slowpath.program.liveness import Liveness
from slowpath.program.loops import Loops
from slowpath.program.questions import Question, Questions
from slowpath.program.rust import Function, Site

LOOPS = frozenset(["for", "while", "loop"])


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per function and query."""
    if program.of("rust"):
        search = Search(program, rule)
        for function in search.view.functions:
            if not function.test:
                yield from search.in_function(function)


class Search:
    """Pairs equal questions where the first is asked whenever the second is."""

    def __init__(self, program: Program, rule: Rule) -> None:
        self.rule = rule
        self.view = program.rust
        self.questions = self.view.shared(Questions)
        self.contexts = self.view.shared(Contexts)
        self.liveness = self.view.shared(Liveness)

    def in_function(self, function: Function) -> Iterator[Finding]:
        asked: dict[object, list[Question]] = {}
        for question in self.questions.of(function):
            asked.setdefault(question.key, []).append(question)
        told: list[set[int]] = []
        """The calls that a finding speaks of: what else they ask is not told again."""
        runs = filter(None, map(self.run_of, asked.values()))
        for again in sorted(runs, key=lambda run: (-len(run), sum(len(question.way) for question in run))):
            numbers = {question.site.number for question in again}
            if not any(numbers <= others for others in told):
                told.append(numbers)
                yield self.report(again)

    def run_of(self, group: list[Question]) -> list[Question]:
        """The first of equal questions that follow one another; none where no two do."""
        again = group[:1]
        for question in group[1:]:
            if self.repeats(again[-1], question):
                again.append(question)
            elif len(again) == 1:
                again = [question]
        return again if len(again) > 1 else []

    def repeats(self, first: Question, second: Question) -> bool:
        """Whether nothing can have changed the answer, and whoever asks the second time has asked before."""
        one, other = first.site, second.site
        function = one.function
        if one.number >= other.number or first.changes or second.changed:
            return False
        if not self.follows(one, other) or self.questions.in_turn(other, one.call.scope):
            return False
        if self.contexts.in_spawned(one) or self.contexts.in_spawned(other):
            return False
        return not any(one.number < number < other.number for number in self.questions.turns(function))

    def follows(self, one: Site, other: Site) -> bool:
        """Whether a call has run whenever another does, and not because it failed."""
        function = one.function
        for index, level in function.scopes_of(other.call.scope):
            if index == one.call.scope:
                return True
            if level.kind in LOOPS or level.failing:
                return False
            if level.kind == "closure" and not self.questions.is_run(function, index):
                return False
        return False

    def report(self, again: list[Question]) -> Finding:
        first, second = again[0], again[1]
        function = second.site.function
        name = self.questions.asked_by(second)
        steps = [Step(function.place, f"`{function.name}` asks the same twice")]
        for question, when in ((first, "first"), (second, "again")):
            path = self.questions.path(question)
            steps += [Step(s.place, f"{when}: `{s.function.name}` calls `{s.call.name}`") for s in path]
        return self.rule.finding(
            second.site.place,
            function=function.name,
            severity=self.severity(function, second.site),
            confidence=weakest(self.rule.confidence, *self.doubts(again)),
            flow=steps,
            related=[Step(other.site.place, f"and again: `{other.site.call.name}`") for other in again[2:]],
            query=name,
            through=through(self.questions, first, second),
            times="twice" if len(again) == 2 else f"{len(again)} times",
            reached=reached(self.view, function),
        )

    def severity(self, function: Function, site: Site) -> Severity:
        hot = self.view.shared(Endpoints).heat(function) == LIST or self.view.shared(Loops).around(site) is not None
        return self.rule.severity if hot else "note"

    def doubts(self, again: list[Question]) -> Iterator[Confidence]:
        for question in again:
            for site in question.way:
                if self.view.resolve(site).functions:
                    yield CONFIDENCE[self.view.resolve(site).how]
        if not all(self.liveness.is_live_site(question.site) for question in again):
            yield "low"


def through(questions: Questions, first: Question, second: Question) -> str:
    """Where the two are asked, if not in the function itself."""
    sites = [question.site for question in (first, second) if len(question.way) > 1]
    names = [questions.program.resolve(site).functions[0].as_written(site.call.name) for site in sites]
    if not names:
        return ""
    return f", {'once ' if len(names) == 1 else ''}in " + " and in ".join(f"`{name}`" for name in dict.fromkeys(names))
