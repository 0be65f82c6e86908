"""Every rule page's examples, exact both ways."""

from __future__ import annotations

import pytest

from slowpath import rulebook, testing
from slowpath.model.rule import Rule

RULES = rulebook.load()
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.id}: {example.title}")
    for rule in RULES
    for example in testing.examples(rule)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_example(rule: Rule, example: testing.Example) -> None:
    problems = testing.check_example(example, rule, RULES)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_page_shows_two_flagged_and_two_quiet_examples(rule: Rule) -> None:
    assert rule.title and rule.why and rule.instead and rule.limits
    flagged = quiet = 0
    for example in testing.examples(rule):
        expected = testing.expectations(example.files, rule.id)
        flagged += sum(count for site, count in expected.found.items() if site[2] == rule.id)
        quiet += not any(site[2] == rule.id for site in expected.found)
    assert flagged >= 2 and quiet >= 2, f"{flagged} flagged sites, {quiet} quiet examples"


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_rule_switched_off_fails_its_own_examples(rule: Rule) -> None:
    others = [other for other in RULES if other.id != rule.id]
    flagged = [e for e in testing.examples(rule) if testing.expectations(e.files, rule.id).found]
    assert flagged and all(testing.check_example(example, rule, others) for example in flagged)
