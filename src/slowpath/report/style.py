"""How text looks in a terminal, and what of a scanned project may not reach one, or the log of a CI."""

from __future__ import annotations

import re

CODES: dict[str, str] = {"error": "1;31", "warning": "1;33", "note": "1;36", "bold": "1", "dim": "2", "blue": "34"}
STEERING = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|(?<=#)#(?=(?:vso|teamcity)?\\[)"
)
"""Control characters, changes of direction, and what makes a log of CI take text for a command."""


class Style:
    """ANSI codes, or nothing where the output is no terminal."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, name: str, text: str) -> str:
        return f"\x1b[{CODES[name]}m{text}\x1b[0m" if self.color and text else text


PLAIN = Style(color=False)


def clean(text: str) -> str:
    """Text that cannot steer a terminal or start a new line."""
    if text.isprintable() and "##" not in text:
        return text
    return STEERING.sub("\ufffd", text)


def begun(text: str) -> str:
    """Text that a line may begin with: GitHub's log takes `::` there for a command."""
    return clean(f"\ufffd{text}" if text.lstrip().startswith("::") else text)
