"""A build as its bundler tells of it, with sizes from disk: the part that `measure bundle` writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from slowpath.model.evidence import BundlePart, Chunk, FeatureLeak, Remark
from slowpath.runtime import bundle_files
from slowpath.runtime.bundle_graph import Graph, by_package
from slowpath.runtime.bundle_read import Reading
from slowpath.runtime.bundle_shapes import Build, BundleError, Piece, closure, package_of

SHOWN = 200
LEAST_KB = 0.1
"""Own files below it are lists of exports, of which a bundler keeps nothing."""


class Project(NamedTuple):
    """What a project says of its front end. `place` gives a built module its path there, or nothing."""

    place: Callable[[Iterable[str]], Mapping[str, str]]
    features: Mapping[str, frozenset[str]]
    """Name → paths of code that the first load shall not hold."""
    predicted: Callable[[Iterable[str]], tuple[Mapping[str, float], float]]
    """For the paths that it begins with: kilobytes by package or path of the first load, and their sum."""


def part(reading: Reading, project: Project | None, entry: str = "") -> BundlePart:
    """The figures. `entry` is the file that the first load begins with, where there are several."""
    build = reading.build
    remarks: list[Remark] = []
    pieces = {piece.file: piece for piece in build.pieces}
    where = bundle_files.place(reading.folder, pieces)
    weights = {name: weight for name, path in where.items() if (weight := bundle_files.weigh(path)) is not None}
    remarks += _missing(build, pieces, weights, reading.folder)
    page = {} if entry else bundle_files.loaded_by_page(reading.folder)
    begin = _begin(pieces, page, entry, remarks)
    first = set(closure(begin, {name: piece.imports for name, piece in pieces.items()})) & pieces.keys()
    if page:
        remarks += _page(page, first, pieces)
        for name, path in page.items():
            known = _named(name, pieces)
            if known is None and (weight := bundle_files.weigh(path)) is not None:
                known, weights[name], pieces[name] = name, weight, Piece(name, False)
            first |= {known} if known is not None else set()
    chunks = [_chunk(piece, weights, piece.file in first, build.exact) for piece in pieces.values()]
    chunks.sort(key=lambda chunk: (not chunk.first_load, -chunk.bytes, chunk.file))
    if not any(piece.modules for piece in pieces.values()):
        told = "it names no modules: what is heavy, and features that leak, cannot be told"
        more = 'add rollup-plugin-visualizer with `template: "raw-data"` to the build'
        remarks.append(Remark("note", build.source, told, instead=more))
    loaded: dict[str, int] = {}
    for chunk in chunks:
        for module, size in chunk.modules if chunk.first_load else ():
            loaded[module] = loaded.get(module, 0) + size
    held = {module for name in first for module in pieces[name].modules}
    kept = tuple(name for name in build.entries if name in held) or build.entries
    graph = Graph(build._replace(entries=kept), loaded)
    made = BundlePart(
        schema="slowpath-bundle/1",
        source=build.source,
        folder=reading.folder.name,
        chunks=tuple(msgspec.structs.replace(chunk, modules=chunk.modules[:SHOWN]) for chunk in chunks),
        first_load_bytes=sum(chunk.bytes for chunk in chunks if chunk.first_load),
        first_load_gzip=sum(chunk.gzip for chunk in chunks if chunk.first_load),
        both_ways=tuple(graph.both_ways()),
        exact=build.exact,
        entries=kept,
        remarks=tuple(remarks),
    )
    return _compared(made, graph, loaded, project) if project is not None else made


def _chunk(piece: Piece, weights: Mapping[str, bundle_files.Weight], first: bool, exact: bool) -> Chunk:
    """Modules get their share of the file where their own lengths are those before it was made small."""
    weight = weights.get(piece.file, bundle_files.Weight(piece.size, 0))
    whole = sum(piece.modules.values())
    scale = 1.0 if exact or not whole else weight.bytes / whole
    modules = sorted(((name, round(size * scale)) for name, size in piece.modules.items()), key=lambda m: (-m[1], m[0]))
    return Chunk(piece.file, weight.bytes, weight.gzip, first, tuple(each for each in modules if each[1]))


def _missing(
    build: Build, pieces: Mapping[str, Piece], weights: Mapping[str, bundle_files.Weight], folder: Path
) -> Iterator[Remark]:
    lost = sorted(name for name in pieces if name not in weights)
    if len(lost) == len(pieces) and not any(piece.size for piece in pieces.values()):
        raise BundleError(f"{folder}: holds none of the files that were built: name their folder as well")
    if lost:
        few = ", ".join(lost[:5]) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        told = "their sizes are the bundler's, without gzip" if build.pieces[0].size else "they count as empty"
        yield Remark("warning", folder.name, f"not in the folder: {few}; {told}")
    stale = sorted(n for n, weight in weights.items() if pieces[n].size and pieces[n].size != weight.bytes)
    if stale:
        told = f"{', '.join(stale[:5])}: not of the size that the bundler tells: the file is of another build, "
        yield Remark("warning", folder.name, f"{told}or was changed since")


def _begin(pieces: Mapping[str, Piece], page: Iterable[str], entry: str, remarks: list[Remark]) -> list[str]:
    """The files that the first load begins with: those that are asked for, else index.html's, else all entries."""
    entries = [piece.file for piece in pieces.values() if piece.entry]
    if entry:
        named = [name for name in entries if name == entry or entry in name.rpartition("/")[2]]
        if len(named) != 1:
            raise BundleError(f"--entry {entry}: {'several' if named else 'no'} of the entries: {', '.join(entries)}")
        return named
    if not entries:
        raise BundleError("no file of the build is an entry")
    begun = {_named(name, pieces) for name in page}
    named = [name for name in entries if name in begun] or entries
    pages = [name for name in entries if name.endswith((".js", ".mjs", ".cjs"))]
    if len(pages) > 1:
        told = f"{len(pages)} entries, {', '.join(pages[:5])}: the first load is that of "
        told += "index.html" if len(named) < len(entries) else "all of them together"
        remarks.append(Remark("note", "entries", told, instead="choose one with --entry NAME"))
    return named


def _page(page: Iterable[str], first: set[str], pieces: Mapping[str, Piece]) -> Iterator[Remark]:
    """What index.html does not name is found out late: a browser asks for it when the entry is there."""
    named = {_named(name, pieces) for name in page}
    late = sorted(first - named)
    if late and named & first:
        told = f"it does not preload {', '.join(late[:5])}, which the entry imports: that takes another round trip"
        yield Remark("note", "index.html", told)


def _named(name: str, pieces: Mapping[str, Piece]) -> str | None:
    """The piece that a path in the folder is."""
    fits = [known for known in pieces if known == name or known.endswith(f"/{name}") or name.endswith(f"/{known}")]
    return fits[0] if len(fits) == 1 else None


def _compared(made: BundlePart, graph: Graph, loaded: Mapping[str, int], project: Project) -> BundlePart:
    """With leaks of features, and what the static reading expects."""
    paths = project.place([*loaded, *graph.static, *graph.entries])
    leaks = []
    for name, files in project.features.items():
        inside = {module for module in loaded if paths.get(module) in files}
        chain = graph.chain(inside) if inside else ()
        if inside:
            target = chain[-1] if chain else min(inside)
            leaks.append(FeatureLeak(name, target, chain, graph.leaving(inside) or sum(loaded[m] for m in inside)))
    leaks.sort(key=lambda leak: (-leak.bytes, leak.feature))
    named = {module: package_of(module) or paths.get(module, "") or module for module in loaded}
    real = by_package(loaded.items(), named)
    begun = [name for entry in graph.entries for name in ([entry] if entry in paths else graph.static.get(entry, ()))]
    expected, kilobytes = project.predicted([paths[name] for name in begun if name in paths])
    if not expected:
        return msgspec.structs.replace(made, leaks=tuple(leaks))
    built = {name for name, _ in real}
    known = {*paths.values(), *(package_of(module) for module in loaded)} - {""}
    return msgspec.structs.replace(
        made,
        leaks=tuple(leaks),
        predicted=tuple(sorted(expected)),
        predicted_bytes=round(kilobytes * 1000),
        absent=tuple(sorted(n for n, kb in expected.items() if n not in built and kb >= LEAST_KB)) if loaded else (),
        unpredicted=tuple(each for each in real if each[0] not in expected and each[0] in known),
    )
