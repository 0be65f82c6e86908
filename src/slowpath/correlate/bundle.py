"""Findings about the first load of the front end, beside the chunks that the bundler built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from slowpath.correlate.words import listed, size
from slowpath.model.evidence import BundlePart, Chunk
from slowpath.model.finding import Finding, Measured, Place
from slowpath.program import Program
from slowpath.program.web import WebProgram

ANYWHERE = frozenset(["full-library-import"])
"""Rules about what is in the bundle at all, not about its first load."""
RULES = ANYWHERE | {"heavy-import", "eager-route", "feature-in-first-load", "static-import-defeats-dynamic"}
"""No barrels: a file that only re-exports leaves nothing behind in a bundle."""
LISTED = 200
"""Modules that a part lists of one chunk: of a chunk with so many the smallest are not known."""


def judge(program: Program, part: BundlePart, finding: Finding) -> Measured | None:
    """What the bundle says of a finding; None where it does not list modules."""
    if not any(chunk.modules for chunk in part.chunks):
        return None
    wanted = list(dict.fromkeys(_imported(program.web, finding)))
    if not wanted:
        return None
    if finding.rule == "static-import-defeats-dynamic":
        return _both_ways(part, wanted)
    chunks = [chunk for chunk in part.chunks if chunk.first_load or finding.rule in ANYWHERE]
    where = "the bundle" if finding.rule in ANYWHERE else "the first load"
    first = _found(chunks, wanted)
    if first:
        return _there(part, first, wanted, where)
    told = listed(path.rstrip("/") for path in wanted)
    if any(len(chunk.modules) >= LISTED for chunk in chunks):
        return Measured("ambiguous", f"{told} is not among the {LISTED} largest modules of {where}")
    later = _found([chunk for chunk in part.chunks if chunk not in chunks], wanted)
    if later:
        files = listed(chunk.file for chunk, _, _ in later)
        return Measured("contradicted", f"{told} is in {files}, which the first load does not bring")
    return Measured("contradicted", f"no chunk of {where} has {told}")


def _there(part: BundlePart, found: list[tuple[Chunk, str, int]], wanted: list[str], where: str) -> Measured:
    """In the bundle, with its own size, and all that would leave the first load with it where that was worked out."""
    about = "" if part.exact else "about "
    names = listed(module for _, module, _ in found)
    files = listed(chunk.file for chunk, _, _ in found)
    summary = f"{where} has {names} in {files}: {about}{size(sum(count for _, _, count in found))}"
    leaks = [leak for leak in part.leaks if any(is_module(leak.module, path) for path in wanted)]
    if not leaks:
        return Measured("confirmed", summary)
    most = max(leaks, key=lambda leak: (leak.bytes, leak.module))
    return Measured("confirmed", f"{summary}; {about}{size(max(most.bytes, 0))} would leave it", path=most.chain)


def _both_ways(part: BundlePart, wanted: list[str]) -> Measured | None:
    """Whether the bundler found a module imported by `import()` and statically too."""
    if part.source != "visualizer":
        return None
    own = [module for module in part.both_ways if any(is_module(module, path) for path in wanted)]
    if own:
        return Measured(
            "confirmed", f"the bundler put {listed(own)} where its static imports want it: `import()` splits nothing"
        )
    return Measured("contradicted", f"the bundler found no static import of {listed(wanted)} beside `import()`")


def _found(chunks: Iterable[Chunk], wanted: Iterable[str]) -> list[tuple[Chunk, str, int]]:
    return [
        (chunk, module, max(count, 0))
        for chunk in chunks
        for module, count in chunk.modules
        if any(is_module(module, path) for path in wanted)
    ]


def is_module(module: str, path: str) -> bool:
    """Whether a bundler's id is a file of the project, or of a package if the path ends in a slash.

    An id may begin anywhere above or below the project's root, and carry a query.
    """
    plain = module.lstrip("\0").replace("\\", "/").partition("?")[0].removeprefix("./")
    if path.endswith("/"):
        return f"/{path}" in f"/{plain}"
    own, other = plain.strip("/").split("/"), path.split("/")
    least = min(len(own), len(other))
    return own[-least:] == other[-least:] and least >= min(2, len(other))


def _imported(web: WebProgram, finding: Finding) -> Iterator[str]:
    """The files, and folders of packages, that the imports at a finding's places bring."""
    places = {finding.place, *(step.place for step in finding.related)}
    for use in web.uses:
        if Place(use.importer, use.statement.span) in places:
            yield f"node_modules/{use.package}/"
    for place in sorted(places, key=lambda place: (place.path, place.span)):
        for edge in web.imports(place.path) if place.path in web.modules else ():
            if edge.span == place.span and not edge.dynamic:
                yield edge.path
