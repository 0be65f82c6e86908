"""A rule as SARIF describes it: its page is the help that code scanning shows beside an alert."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from slowpath.model.rule import Rule
from slowpath.report.shared import page

PRECISION = {"high": "very-high", "medium": "high", "low": "medium"}
MAX_TEXT = 1000
"""GitHub takes 1,024 characters of a description."""
MAX_NAME = 255
RELATIVE = re.compile(r"\[([^\]\n]+)\]\((?![a-z]+:|#)([^)\s]+)\)")


def described(rule: Rule) -> dict[str, Any]:
    """What `driver.rules` says of it. Never a tag of security: it would make security alerts of the findings."""
    title, address = sentence(rule.title), page(rule)
    return {
        "id": rule.id,
        "name": "".join(part.capitalize() for part in rule.id.split("-"))[:MAX_NAME],
        "shortDescription": {"text": _cut(title)},
        "fullDescription": {"text": _cut(sentence(" ".join(rule.why.split()) or title))},
        "help": {"text": rule.instead or title, "markdown": _help(rule, address)},
        **({"helpUri": address} if address else {}),
        "defaultConfiguration": {"level": rule.severity},
        "properties": {
            "tags": [tag for tag in dict.fromkeys(["performance", rule.group]) if tag and tag != "security"],
            "precision": PRECISION[rule.confidence],
            "problem.severity": "recommendation" if rule.severity == "note" else rule.severity,
        },
    }


def _help(rule: Rule, address: str) -> str:
    """The page without its examples. Code scanning shows it far from its folder, so links to its neighbours are made
    absolute, or words.
    """
    text = rule.page.partition("\n## Examples")[0].strip()
    more = f"\n\nThe whole page, with examples: <{address}>" if address else ""
    return RELATIVE.sub(lambda link: f"[{link[1]}]({urljoin(address, link[2])})" if address else link[1], text) + more


def sentence(text: str) -> str:
    """With a full stop, as SARIF's validator wants it."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _cut(text: str) -> str:
    """At a word, where it is too long."""
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT].rpartition(" ")[0] + " …."
