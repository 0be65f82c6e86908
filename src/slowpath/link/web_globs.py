"""Files that a pattern means: of `import.meta.glob`, or of an `import()` whose argument is a template."""

from __future__ import annotations

import posixpath
from bisect import bisect_left
from collections.abc import Sequence
from fnmatch import fnmatchcase

MAX_STARS = 6


def matching(ordered: Sequence[str], pattern: str) -> list[str]:
    """Those of the sorted paths that fit. `*` is any part of a name, `**` any folders; the suffix may be left out."""
    if pattern.count("*") > MAX_STARS:
        return []
    fixed = pattern.partition("*")[0]
    near = ordered[bisect_left(ordered, fixed) : bisect_left(ordered, fixed + "\uffff")]
    parts = pattern.split("/")
    return [path for path in near if _fits(path.split("/"), parts)]


def _fits(path: list[str], pattern: list[str]) -> bool:
    if "**" not in pattern:
        return len(path) == len(pattern) and all(map(_named, path, pattern))
    before = pattern.index("**")
    after = pattern[before + 1 :]
    if len(path) < len(pattern) - 1 or not all(map(_named, path[:before], pattern[:before])):
        return False
    return any(_fits(path[start:], after) for start in range(before, len(path))) if after else True


def _named(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(posixpath.splitext(name)[0], pattern)
