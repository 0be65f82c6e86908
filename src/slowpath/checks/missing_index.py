"""A column by which queries look rows up, or sort the first few, leads no index. Foreign keys have their own rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.endpoints import reached
from slowpath.program.needs import LOOKUP, ORDER
from slowpath.program.new_migrations import propose_index
from slowpath.program.wanted_indexes import Wanted, wanted_indexes


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    keys = re.compile(rule.settings["keys"])
    expressions = frozenset(rule.settings["expressions"])
    found = wanted_indexes(program, re.compile(rule.settings["flags"]), foreign=False)
    wanted = [want for want in found if not want.function or want.function in expressions]
    for turn, want in enumerate(wanted):
        yield _finding(program, want, rule, bool(keys.search(want.column)), 2 * turn + 2)


def _finding(program: Program, want: Wanted, rule: Rule, key_like: bool, turn: int) -> Finding:
    hottest = want.sites[0]
    expression = f"{want.function}({want.column})" if want.function else want.column
    columns = (want.column,) if key_like or want.function else (want.column, *want.rest)
    proposal = propose_index(want.lacking, want.table, columns, want.function, turn=turn)
    return rule.finding(
        hottest.place,
        function=hottest.within,
        severity=want.severity(program.rust),
        confidence=_confidence(want, key_like),
        related=want.related(),
        fix=proposal.fix,
        table=want.table,
        expression=expression,
        does="sorts by it" if hottest.rank == ORDER else "looks rows up by it",
        where=want.where,
        statement=proposal.statement,
        reached=reached(program.rust, program.rust.around(hottest.place)),
    )


def _confidence(want: Wanted, key_like: bool) -> Confidence:
    certain = [site for site in want.sites if not site.optional]
    if not certain:
        return "medium" if key_like else "low"
    lookups_only = any(site.rank == LOOKUP for site in certain)
    return "high" if key_like and lookups_only and want.everywhere else "medium"
