#!/usr/bin/env python3
"""Writes the rule list of the README from the rule pages, with measured figures where they are given.

usage: rule_list.py [SCORES FAMILIES]

SCORES: {family: [true sites, of these found, right findings, wrong ones, unlabelled ones]}; FAMILIES:
{family: {"rules": [id, …]}}. Without them the figures in the README stay.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from slowpath import rulebook

README = Path(__file__).parents[1] / "README.md"
BEGIN, END = "<!-- rules: python bench/rule_list.py -->\n", "<!-- end of rules -->"
HEAD = "| rule | finds | severity | confidence | precision | recall |\n|---|---|---|---|--:|--:|\n"


def measured(scores: dict[str, list[int]], families: dict[str, dict[str, list[str]]]) -> dict[str, str]:
    """Rule → its family's precision of labelled findings and recall, as two cells."""
    cells = {}
    for family, (true, hit, right, wrong, _) in scores.items():
        precision = f"{right / (right + wrong):.2f}" if right + wrong else "–"
        recall = f"{hit / true:.2f}" if true else "–"
        cells |= dict.fromkeys(families[family]["rules"], f"{precision} | {recall}")
    return cells


def kept(text: str) -> dict[str, str]:
    """The figures that the README has now."""
    return dict(re.findall(r"^\| \[`([a-z-]+)`\].*\| ([^|]+ \| [^|]+) \|$", text, re.M))


def rows(cells: dict[str, str]) -> Iterator[str]:
    """One line per rule, by group."""
    for rule in sorted(rulebook.load(), key=lambda rule: (rule.group, rule.id)):
        link = f"[`{rule.id}`](rules/{rule.group}/{rule.id}.md)"
        off = "" if rule.enabled else " (off by default)"
        figures = cells.get(rule.id, "– | –")
        yield f"| {link} | {rule.title}{off} | {rule.severity} | {rule.confidence} | {figures} |\n"


def main() -> None:
    text = README.read_text()
    given = [json.loads(Path(name).read_text()) for name in sys.argv[1:3]]
    cells = measured(*given) if given else kept(text)
    head, _, rest = text.partition(BEGIN)
    README.write_text(head + BEGIN + HEAD + "".join(rows(cells)) + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
