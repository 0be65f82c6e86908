"""A column by which queries look rows up, or sort the first few, leads no index. Foreign keys have their own rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.needs import LOOKUP, ORDER, Lookup, lookups
from slowpath.program.new_migrations import index


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    keys = re.compile(rule.settings["keys"])
    expressions = frozenset(rule.settings["expressions"])
    found = lookups(program.schema, re.compile(rule.settings["flags"]), foreign=False)
    wanted = [lookup for lookup in found if not lookup.function or lookup.function in expressions]
    for turn, lookup in enumerate(wanted):
        yield _finding(program, lookup, rule, bool(keys.search(lookup.column)), 2 * turn + 2)


def _finding(program: Program, lookup: Lookup, rule: Rule, key_like: bool, turn: int) -> Finding:
    hottest = lookup.sites[0]
    expression = f"{lookup.function}({lookup.column})" if lookup.function else lookup.column
    columns = (lookup.column,) if key_like or lookup.function else (lookup.column, *lookup.rest)
    proposal = index(lookup.lacking, lookup.table, columns, lookup.function, turn=turn)
    return rule.finding(
        hottest.place,
        function=hottest.within,
        severity=lookup.severity(program.rust),
        confidence=_confidence(lookup, key_like),
        related=lookup.related(),
        fix=proposal.fix,
        table=lookup.table,
        expression=expression,
        does="sorts by it" if hottest.rank == ORDER else "looks rows up by it",
        where=lookup.where,
        statement=proposal.statement,
    )


def _confidence(lookup: Lookup, key_like: bool) -> Confidence:
    certain = [site for site in lookup.sites if not site.optional]
    if not certain:
        return "medium" if key_like else "low"
    lookups_only = any(site.rank == LOOKUP for site in certain)
    return "high" if key_like and lookups_only and lookup.everywhere else "medium"
