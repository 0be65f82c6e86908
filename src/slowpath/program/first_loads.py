"""What a front end loads first, as its source lets expect, without a build."""

from __future__ import annotations

from typing import NamedTuple

from slowpath.program.web import WebProgram
from slowpath.program.weights import PER_BYTE, Weight, weigh


class FirstLoad(NamedTuple):
    """Of some entries together."""

    modules: frozenset[str]
    weight: Weight

    @property
    def packages(self) -> frozenset[str]:
        return frozenset([*self.weight.packages, *self.weight.unknown])


def first_load(web: WebProgram, *entries: str) -> FirstLoad:
    """The files on a static path from the entries, and the packages that they bring."""
    modules = web.first_load_of(*entries)
    return FirstLoad(modules, weigh(web, modules))


def kilobytes_by_name(web: WebProgram, load: FirstLoad) -> dict[str, float]:
    """By package, and by path of an own file."""
    own = {path: web.modules[path].code * PER_BYTE for path in load.modules}
    return own | {name: load.weight.packages.get(name, 0.0) for name in load.packages}
