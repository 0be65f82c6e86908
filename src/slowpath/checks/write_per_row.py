"""Loops that only write to the database, a statement per element."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.finding import Finding
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.queries import QueryLoops
from slowpath.program.query_words import findings


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    """One finding per loop."""
    if program.of("rust"):
        loops = program.rust.shared(QueryLoops)
        yield from findings(program, rule, [entry for entry in loops.found if not entry.reads])
