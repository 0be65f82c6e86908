"""A build's figures for a human: what loads first, what is heavy in it, and what to do."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import BundlePart
from slowpath.runtime.bundle_graph import by_package
from slowpath.runtime.bundle_shapes import package_of

LARGE = 500_000
"""Bytes of a chunk from which on Vite warns."""
LEAST = 1000
"""Bytes of what is told of one by one."""
SHOWN = 8
SOURCES = {
    "visualizer": "rollup-plugin-visualizer",
    "vite-manifest": "Vite's manifest",
    "esbuild": "esbuild's metafile",
    "webpack": "webpack's stats",
}


def told(part: BundlePart) -> str:
    return "\n".join(_lines(part)) + "\n"


def _lines(part: BundlePart) -> Iterator[str]:
    first = [chunk for chunk in part.chunks if chunk.first_load]
    later = [chunk for chunk in part.chunks if not chunk.first_load]
    packed = f", {_kb(part.first_load_gzip)} by gzip" if part.first_load_gzip else ""
    yield (
        f"First load: {_kb(part.first_load_bytes)}{packed}, in {_count(len(first), 'file')}; "
        f"{_count(len(later), 'file')} on demand, {_kb(sum(chunk.bytes for chunk in later))} ({SOURCES[part.source]})"
    )
    for chunk in part.chunks:
        if chunk.bytes > LARGE:
            yield f"Large: {chunk.file}, {_kb(chunk.bytes)}: split it with `import()`, or let a lighter package do it"
    modules = [each for chunk in first for each in chunk.modules]
    if modules:
        about = "" if part.exact else ", by their share of the source"
        yield f"Heaviest in the first load{about}:"
        for name, size in by_package(modules, {name: package_of(name) or name for name, _ in modules})[:SHOWN]:
            yield f"  {_kb(size):>8}  {name}"
    for leak in part.leaks:
        way = " → ".join(leak.chain) or leak.module
        yield f"Leak: {leak.feature} is in the first load ({_kb(leak.bytes)} would leave it): {way}"
        last = leak.chain[-2] if len(leak.chain) > 1 else ""
        yield f"  load {leak.module} with `import()`" + (f" in {last}" if last else "")
    if part.both_ways:
        yield "Imported both ways, so that `import()` splits nothing (make the static imports dynamic, or drop it):"
        for name in part.both_ways[:SHOWN]:
            yield f"  {name}"
    yield from _prediction(part)
    for remark in part.remarks:
        then = f": {remark.instead}" if remark.instead else ""
        yield f"{remark.level}: {remark.about}: {remark.message}{then}"


def _prediction(part: BundlePart) -> Iterator[str]:
    if part.predicted_bytes is None:
        return
    yield f"Source lets expect {_kb(part.predicted_bytes)} in the first load; built are {_kb(part.first_load_bytes)}"
    if part.absent:
        yield f"  expected, and not there: {', '.join(part.absent[:SHOWN])}{_more(len(part.absent))}"
    extra = [(name, size) for name, size in part.unpredicted if size >= LEAST]
    if extra:
        few = ", ".join(f"{name} ({_kb(size)})" for name, size in extra[:SHOWN])
        yield f"  there, and not expected: {few}{_more(len(extra))}"


def _more(count: int) -> str:
    return f" and {count - SHOWN} more" if count > SHOWN else ""


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _kb(size: int) -> str:
    return f"{size / 1000:.0f} kB" if size >= 10_000 else f"{size / 1000:.1f} kB"
