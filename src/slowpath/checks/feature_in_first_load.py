"""Code that the project's configuration keeps out of the first load, and what brings it in: one finding per feature."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pathspec

from slowpath.model.finding import Finding, Place, Step
from slowpath.model.rule import Rule
from slowpath.program import Program
from slowpath.program.web import Edge, WebProgram
from slowpath.program.weights import saved


def check(program: Program, rule: Rule) -> Iterator[Finding]:
    for name, patterns in program.features.items():
        spec = pathspec.GitIgnoreSpec.from_lines(patterns)
        feature = frozenset(path for path in program.web.modules if spec.match_file(path))
        yield from _feature(program.web, rule, name, feature)


def _feature(web: WebProgram, rule: Rule, name: str, feature: frozenset[str]) -> Iterator[Finding]:
    """A page of the feature's own may load it; other entries may not."""
    others = [path for path, kind in web.entries.items() if kind != "library" and path not in feature]
    loaded = web.first_load_of(*others) if others else frozenset[str]()
    edges = [
        edge
        for path in loaded - feature
        for edge in web.imports(path)
        if not edge.dynamic and edge.path in feature and edge.path in loaded
    ]
    if edges:
        yield _finding(web, rule, name, sorted(edges, key=lambda edge: web.distance(edge.importer, edge.span)))


def _finding(web: WebProgram, rule: Rule, name: str, edges: Sequence[Edge]) -> Finding:
    first = edges[0]
    return rule.finding(
        Place(first.importer, first.span),
        flow=web.proof(first.importer),
        related=[Step(Place(edge.importer, edge.span), f"imports {edge.path} as well") for edge in edges[1:]],
        name=name,
        path=first.path,
        kilobytes=f"{saved(web, edges).kilobytes:.0f}",
    )
