"""Look-ups in a cache: what a function does after one, it does not do for each call."""

from __future__ import annotations

import re
import sys

from slowpath.model.code import Call
from slowpath.program.rust import RustProgram, Site

CACHE = re.compile(r"(^|[._:])(?i:\w*cache\w*|memo\w*)($|[.?])|(^|::)[A-Z][A-Z0-9_]+$")
"""What is called a cache, or a static that something is looked up in."""


class LookUps:
    """Answers for one program."""

    def __init__(self, program: RustProgram) -> None:
        self._first: dict[int, int] = {}
        """id(function) → its first look-up in a cache"""

    def before(self, site: Site) -> bool:
        """Whether a look-up in a cache comes first in the same function."""
        key = id(site.function)
        if key not in self._first:
            calls = enumerate(site.function.fact.calls)
            self._first[key] = next((number for number, call in calls if is_look_up(call)), sys.maxsize)
        return self._first[key] < site.number


def is_look_up(call: Call) -> bool:
    """Whether a call looks something up in a cache."""
    named = call.receiver not in ("-", "") and call.name.startswith(("get", "try_get", "entry"))
    return named and not call.name.endswith("_init") and CACHE.search(call.receiver) is not None
