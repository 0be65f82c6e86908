"""One Rust file's bytes → RustFacts. Each pass reads the same tree."""

from __future__ import annotations

from slowpath.extract import code, diesel, mentions
from slowpath.extract.parsing import broken, parse
from slowpath.model.rust import RustFacts


def extract(source: bytes) -> RustFacts:
    """The facts of one file."""
    tree = parse("rust", source)
    return RustFacts(
        broken=broken(tree),
        code=code.extract(tree, source),
        diesel=diesel.extract(tree, source),
        mentions=mentions.extract(tree, source),
    )
