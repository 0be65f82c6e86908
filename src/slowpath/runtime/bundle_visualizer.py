"""rollup-plugin-visualizer with `template: "raw-data"`: modules of each chunk, and what imports what.

Lengths are those before the chunk is made small. Whether an import is dynamic stands on `imported` alone.
"""

from __future__ import annotations

from collections import defaultdict

import msgspec

from slowpath.runtime.bundle_shapes import Build, BundleError, Link, Piece, Size, closure, decoded, tidy


class Part(msgspec.Struct):
    renderedLength: Size = 0  # noqa: N815


class Imported(msgspec.Struct):
    uid: str
    dynamic: bool = False


class Meta(msgspec.Struct):
    id: str
    moduleParts: dict[str, str] = {}  # noqa: N815
    imported: list[Imported] = []
    isEntry: bool = False  # noqa: N815


class RawData(msgspec.Struct):
    version: int
    nodeParts: dict[str, Part]  # noqa: N815
    nodeMetas: dict[str, Meta]  # noqa: N815


def read(text: bytes) -> Build:
    """Raises BundleError."""
    data = decoded(text, RawData, "raw data of rollup-plugin-visualizer")
    if data.version != 2:
        raise BundleError(f"raw data of rollup-plugin-visualizer: version {data.version} is not known, 2 is")
    modules: dict[str, dict[str, int]] = defaultdict(dict)
    homes: dict[str, list[str]] = {}
    for uid, meta in data.nodeMetas.items():
        name, homes[uid] = tidy(meta.id), list(meta.moduleParts)
        for file, part in meta.moduleParts.items():
            size = data.nodeParts[part].renderedLength if part in data.nodeParts else 0
            modules[file][name] = modules[file].get(name, 0) + size
    links = [
        Link(tidy(meta.id), tidy(data.nodeMetas[other.uid].id), other.dynamic)
        for meta in data.nodeMetas.values()
        for other in meta.imported
        if other.uid in data.nodeMetas
    ]
    static = {
        uid: [other.uid for other in meta.imported if not other.dynamic and other.uid in homes]
        for uid, meta in data.nodeMetas.items()
    }
    starts = [uid for uid, meta in data.nodeMetas.items() if meta.isEntry]
    return Build(
        "visualizer",
        tuple(_pieces(modules, homes, static, starts)),
        tuple(links),
        tuple(dict.fromkeys(tidy(data.nodeMetas[uid].id) for uid in starts)),
    )


def _pieces(
    modules: dict[str, dict[str, int]], homes: dict[str, list[str]], static: dict[str, list[str]], starts: list[str]
) -> list[Piece]:
    """A chunk loads those that hold what its modules import: through modules of which nothing was kept, too."""
    through = {uid: others for uid, others in static.items() if not homes[uid]}
    wanted: dict[str, list[str]] = defaultdict(list)
    for uid, own in homes.items():
        for file in own:
            wanted[file] += static[uid]
    imports = {
        file: tuple(dict.fromkeys(home for uid in closure(others, through) for home in homes[uid] if home != file))
        for file, others in wanted.items()
    }
    entries = {file for uid in starts for file in homes[uid]}
    return [Piece(file, file in entries, imports.get(file, ()), 0, own) for file, own in modules.items()]
