"""Sets of canonical paths, as rule pages and `known.toml` write them.

std::fs::read         that item, or that method of a type      std::fs::*    everything below
*::Pool::get          whatever crate                           .load(connection)    a method given one connection
connection.query      a method of a connection                 .block_on     a method by name alone
.query(redis::Connection)    a method given one value of that type
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any


@cache
def known() -> dict[str, Any]:
    """The tables of `known.toml`."""
    return tomllib.loads((Path(__file__).parent / "known.toml").read_text(encoding="utf-8"))


class Paths:
    """A compiled set."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.exact: set[str] = set()
        self.prefixes: tuple[str, ...] = ()
        self.endings: tuple[str, ...] = ()
        """`::Pool::get` for `*::Pool::get`"""
        self.regexes: list[re.Pattern[str]] = []
        self.given_connection: set[str] = set()
        self.of_connection: set[str] = set()
        self.given_type: dict[str, set[str]] = {}
        self.methods: set[str] = set()
        self.excluded: Paths | None = None
        self._known: dict[str, bool] = {}
        patterns = list(patterns)
        if not_these := [pattern[1:] for pattern in patterns if pattern.startswith("!")]:
            self.excluded = Paths(not_these)
        for pattern in patterns:
            self._add(pattern)

    def _add(self, pattern: str) -> None:
        if pattern.startswith("!"):
            return
        if pattern.endswith("(connection)"):
            self.given_connection.add(pattern[1:].removesuffix("(connection)"))
        elif pattern.startswith(".") and pattern.endswith(")"):
            name, _, kind = pattern[1:-1].partition("(")
            self.given_type.setdefault(name, set()).add(kind)
        elif pattern.startswith("connection."):
            self.of_connection.add(pattern.removeprefix("connection."))
        elif pattern.startswith("."):
            self.methods.add(pattern[1:])
        elif "*" not in pattern:
            self.exact.add(pattern)
        elif pattern.endswith("::*") and "*" not in pattern[:-1]:
            self.prefixes += (pattern[:-1],)
        elif pattern.startswith("*::") and "*" not in pattern[1:]:
            self.endings += (pattern[1:],)
        else:
            middle = re.escape(pattern).replace(r"\*", r"[\w:]*")
            self.regexes.append(re.compile(middle.replace(r"[\w:]*::", r"(?:[\w:]*::)?")))

    @property
    def open(self) -> bool:
        """Whether a path of any last segment may belong: then every path call has to be looked at."""
        return bool(self.prefixes)

    @cached_property
    def modules(self) -> frozenset[str]:
        """The modules that the wildcards stand in: `std::fs` for `std::fs::*`, `redis` for `redis::Connection::*`."""
        return frozenset(modules_of(prefix[:-2])[-1] for prefix in self.prefixes)

    @cached_property
    def above(self) -> frozenset[str]:
        """What a wildcard stands below: `a::` and `a::b::` for `a::b::*`."""
        parts = [prefix.split("::")[:-1] for prefix in self.prefixes]
        return frozenset("::".join(part[:end]) + "::" for part in parts for end in range(1, len(part) + 1))

    @cached_property
    def names(self) -> set[str]:
        """Last segments that members can have, wildcards aside."""
        exact = {path[path.rfind(":") + 1 :] for path in self.exact}
        tails = {r.pattern.rsplit("::", 1)[-1] for r in self.regexes}
        tails |= {ending[ending.rfind(":") + 1 :] for ending in self.endings}
        return exact | tails | self.given_connection | self.of_connection | self.given_type.keys() | self.methods

    def has(self, path: str) -> bool:
        """Whether a canonical path belongs. `~` marks a method of what a call gave, whose own type is not known:
        a wildcard over a module does not mean it."""
        known = self._known.get(path)
        if known is None:
            known = self._known[path] = self._has(path)
        return known

    def _has(self, path: str) -> bool:
        derived = path.startswith("~")
        path = path.removeprefix("~")
        if path in self.exact:
            return True
        if self.excluded is not None and self.excluded.has(path):
            return False
        if self.endings and f"::{path}".endswith(self.endings):
            return True
        if self.regexes and any(regex.fullmatch(path) for regex in self.regexes):
            return True
        return not derived and path.startswith(self.prefixes)


@lru_cache(maxsize=1 << 14)
def modules_of(path: str) -> tuple[str, ...]:
    """The modules along a path, outermost first: types and what follows them left out, the crate never."""
    parts = path.split("::")
    end = next((index for index, part in enumerate(parts) if index and not part[:1].islower()), len(parts))
    return tuple("::".join(parts[:stop]) for stop in range(1, end + 1))


@cache
def named(section: str) -> Paths:
    """A set of `known.toml`: its calls, and its methods by name."""
    table = known()[section]
    return Paths([*table["calls"], *(f".{name}" for name in table["methods"])])
