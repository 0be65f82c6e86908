"""What a project's source says of its front end, for `measure bundle`: where modules lie, features, the prediction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pathspec

from slowpath.program.first_loads import first_load, kilobytes_by_name
from slowpath.program.router_pages import pages
from slowpath.program.web import WebProgram
from slowpath.runtime.bundle import Project


def describe(web: WebProgram, features: Mapping[str, Sequence[str]], settings: Mapping[str, Any]) -> Project:
    """`features` are those of the configuration, `settings` those of the rule eager-route."""

    def predicted(begun: Iterable[str]) -> tuple[Mapping[str, float], float]:
        known = [path for path, kind in web.entries.items() if kind != "library"]
        entries = list(begun) or known
        if not begun and len(known) != 1:  # a manifest names no module: which of them it is cannot be told
            return {}, 0.0
        load = first_load(web, *entries)
        return kilobytes_by_name(web, load), load.weight.kilobytes

    return Project(lambda names: placed(web, names), dict(_features(web, features, settings)), predicted)


def _features(
    web: WebProgram, features: Mapping[str, Sequence[str]], settings: Mapping[str, Any]
) -> Iterator[tuple[str, frozenset[str]]]:
    """Those that the configuration names, and the pages of routers where nobody arrives."""
    named: set[str] = set()
    for name, patterns in features.items():
        spec = pathspec.GitIgnoreSpec.from_lines(patterns)
        files = frozenset(path for path in web.modules if spec.match_file(path))
        named |= files
        yield name, files
    for path, facts in web.modules.items():
        if facts.routes and web.is_client(path):
            for name, edge in pages(web, settings, path, facts.routes)[0].items():
                if edge.path not in named:
                    yield f"page {name}", frozenset([edge.path])


def placed(web: WebProgram, names: Iterable[str]) -> dict[str, str]:
    """Built modules by their path in the project: bundlers name them from the folder that they ran in."""
    by_file: dict[str, list[str]] = defaultdict(list)
    for path in web.modules:
        by_file[path.rpartition("/")[2]].append(path)
    fits: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        tail = _tail(name)
        if not name.startswith("node_modules/"):
            fits[name] = [path for path in by_file[tail.rpartition("/")[2]] if f"/{path}".endswith(f"/{tail}")]
    prefixes = Counter(path[: len(path) - len(_tail(name))] for name, paths in fits.items() for path in paths)
    ranked = sorted(prefixes, key=lambda prefix: (-prefixes[prefix], len(prefix), prefix))
    home = ranked[0] if ranked else ""
    found = {}
    for name, paths in fits.items():
        if home + _tail(name) in paths:
            found[name] = home + _tail(name)
        elif len(paths) == 1:
            found[name] = paths[0]
    return found


def _tail(name: str) -> str:
    while name.startswith("../"):
        name = name[3:]
    return name
