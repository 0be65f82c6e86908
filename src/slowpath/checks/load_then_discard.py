"""Rows that are loaded only to be counted, tested, filtered or cut in memory."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Severity, Step, weakest
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.effects import CONFIDENCE
from slowpath.program.endpoints import reached
from slowpath.program.liveness import Liveness
from slowpath.program.loops import Loops
from slowpath.program.narrowed import narrowed
from slowpath.program.placed import Placed
from slowpath.program.reductions import Reduction, reduction
from slowpath.program.row_chains import Chains
from slowpath.program.rows import Load, Rows
from slowpath.program.statements import Statement


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per load."""
    if program.of("rust"):
        search = Search(program, rule)
        for load in search.rows.loads:
            found = search.discards(load)
            if found is not None:
                yield search.report(load, found)


class Search:
    """What a load is for, and what it costs."""

    def __init__(self, program: Program, rule: Rule) -> None:
        self.rule = rule
        self.view = program.rust
        self.rows = self.view.shared(Rows)
        self.chains = self.view.shared(Chains)
        self.placed = Placed(program)

    def discards(self, load: Load) -> Reduction | None:
        statement = self.rows.statement(load)
        if not statement.known or statement.bounded or statement.single or statement.writes or statement.locks:
            return None
        found = reduction(load.site.function, self.chains.of(load.site))
        if found is None or (statement.grouped and (found.text or found.kind == "count")):
            return None
        return None if self.placed.tiny(load.sent) else found

    def report(self, load: Load, found: Reduction) -> Finding:
        function = load.site.function
        statement = self.rows.statement(load)
        words = self.rule.settings["kinds"][found.kind]
        code = narrowed(self.view, statement, found)
        helper = load.way[0].as_written(load.site.call.name) if load.way else ""
        steps = [Step(load.site.place, f"`{function.name}` loads them by `{helper or load.site.call.name}`")]
        steps += [Step(inner.place, f"`{inner.name}` returns what it loads") for inner in load.way]
        if load.sent != load.site:
            steps.append(Step(load.sent.place, "this sends the query, for all of them"))
        return self.rule.finding(
            function.at(found.call),
            function=function.name,
            severity=self.severity(load, words.get("severity", self.rule.severity)),
            confidence=weakest(self.rule.confidence, *self.doubts(load, statement, found)),
            flow=[*steps, Step(function.at(found.call), f"`{found.call.name}` is all that is done to them")],
            rows=f"all that `{helper}` gives" if helper else "all rows of its query",
            does=words["does"].format(text=found.text),
            reached=reached(self.view, function),
            instead=(words["code"] if code else words["instead"]).format(code=code)
            + (f", in a function beside `{helper}`" if helper else ""),
        )

    def severity(self, load: Load, usual: Severity) -> Severity:
        """That of the kind; in loops it costs."""
        return self.rule.severity if self.view.shared(Loops).around(load.site) is not None else usual

    def doubts(self, load: Load, statement: Statement, found: Reduction) -> Iterator[Confidence]:
        """Callees by name, rows made into something else, single rows, and code that no request reaches."""
        if load.way:
            yield CONFIDENCE[self.view.resolve(load.site).how]
        if load.made and found.text:
            yield "medium"
        if found.kind == "first" and not statement.ordered:
            yield "low"
        if not self.view.shared(Liveness).is_live_site(load.site):
            yield "low"
