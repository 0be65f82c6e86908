"""What the browser loads."""

from __future__ import annotations

from collections.abc import Iterator

from slowpath.model.evidence import BundlePart, Chunk, Evidence
from slowpath.report import charts
from slowpath.report.amounts import kilobytes, plural
from slowpath.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Heading,
    Inline,
    Paragraph,
    Section,
    Strong,
    Table,
    Text,
    missing,
)

BUNDLE = "slowpath measure bundle FOLDER -o bundle.json"
SHOWN = 30


def bundle(evidence: Evidence) -> Section:
    return Section("bundle", "Bundle", tuple(_bundle(evidence.bundle)))


def _bundle(part: BundlePart | None) -> Iterator[Block]:
    if part is None:
        yield missing("what the browser loads", BUNDLE)
        return
    first = sum(chunk.first_load for chunk in part.chunks)
    size = f"{kilobytes(part.first_load_bytes)} ({kilobytes(part.first_load_gzip)} compressed)"
    told = f"The first load is {size} in {plural(first, 'chunk')} of {len(part.chunks)}."
    yield Paragraph((told, *_predicted(part)))
    if part.chunks:
        yield Chart(
            "bundle-map",
            "The bundle, chunk by chunk.",
            f"{told} Orange is loaded first, blue later; the area is the size.",
            charts.bundle(part),
        )
        chunks = sorted(part.chunks, key=lambda chunk: (not chunk.first_load, -chunk.bytes, chunk.file))
        more = f" ({SHOWN} of {len(chunks)})" if len(chunks) > SHOWN else ""
        head = ("Chunk", "Loaded", "Size", "Compressed", "Largest modules")
        yield Table(
            f"Chunks, the first load first{more}",
            head,
            tuple(_chunk(chunk) for chunk in chunks[:SHOWN]),
            frozenset({2, 3}),
        )
    if part.leaks:
        rows = tuple(
            ((leak.feature,), (Code(leak.module),), (kilobytes(leak.bytes),), (Code(" → ".join(leak.chain)),))
            for leak in part.leaks
        )
        yield Table(
            "Features that the first load holds", ("Feature", "Module", "Size", "Brought in by"), rows, frozenset({2})
        )
    if part.both_ways:
        yield Heading(("Imported both ways: these ", Code("import()"), " split nothing"))
        yield Bullets(tuple((Code(module),) for module in part.both_ways))


def _predicted(part: BundlePart) -> Text:
    if part.predicted_bytes is None:
        return ()
    return (f" The static reading expected {kilobytes(part.predicted_bytes)}.",)


def _chunk(chunk: Chunk) -> tuple[Text, ...]:
    named: list[Inline] = []
    for module, size in chunk.modules[:3]:
        named += [", "] if named else []
        named += [Code(module), f" {kilobytes(size)}"]
    when: Inline = Strong("first\u00a0load") if chunk.first_load else "later"
    return ((Code(chunk.file),), (when,), (kilobytes(chunk.bytes),), (kilobytes(chunk.gzip),), tuple(named) or ("–",))
