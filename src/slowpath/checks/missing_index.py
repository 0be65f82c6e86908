"""A column by which queries look rows up, or sort the first few, leads no index. Foreign keys have their own rule."""

from __future__ import annotations

import re
from collections.abc import Iterator

from slowpath.model.finding import Confidence, Finding, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.needs import LOOKUP, ORDER, Lookup, lookups
from slowpath.program.schema import DIALECT_NAMES


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    keys = re.compile(rule.settings["keys"])
    expressions = frozenset(rule.settings["expressions"])
    for lookup in lookups(program.schema.queries, re.compile(rule.settings["flags"]), foreign=False):
        if lookup.function and lookup.function not in expressions:
            continue
        yield _finding(lookup, rule, bool(keys.search(lookup.column)))


def _finding(lookup: Lookup, rule: Rule, key_like: bool) -> Finding:
    hottest = lookup.sites[0]
    related = [Step(site.place, f"also by `{lookup.column}` in `{site.within}`") for site in lookup.sites[1:]]
    related += [Step(place, f"compared beside an indexed condition in `{within}`") for place, within in lookup.beside]
    related += [Step(place, "the column") for place in lookup.declared]
    expression = f"{lookup.function}({lookup.column})" if lookup.function else lookup.column
    listed = f"({expression})" if lookup.function else expression
    return rule.finding(
        hottest.place,
        function=hottest.within,
        confidence=_confidence(lookup, key_like),
        related=related,
        table=lookup.table,
        expression=expression,
        does="sorts by it" if hottest.rank == ORDER else "looks rows up by it",
        where="" if lookup.everywhere else " in " + " and ".join(DIALECT_NAMES[dialect] for dialect in lookup.dialects),
        name="_".join(part for part in (lookup.table.replace(".", "_"), lookup.column, lookup.function, "idx") if part),
        listed=listed,
    )


def _confidence(lookup: Lookup, key_like: bool) -> Confidence:
    certain = [site for site in lookup.sites if not site.optional]
    if not certain:
        return "medium" if key_like else "low"
    lookups_only = any(site.rank == LOOKUP for site in certain)
    return "high" if key_like and lookups_only and lookup.everywhere else "medium"
