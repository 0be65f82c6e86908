"""webpack's `--json`: modules with the chunks that hold them; those that were concatenated stand below one.

Sizes of modules are those of their source.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from slowpath.runtime.bundle_shapes import Build, BundleError, Link, Piece, Size, decoded, tidy

LOADED_LATER = ("import()", "import() eager", "require.ensure", "amd require", "new Worker()")
Id = str | int


class Reason(msgspec.Struct):
    type: str | None = None
    moduleName: str | None = None  # noqa: N815
    resolvedModule: str | None = None  # noqa: N815


class Module(msgspec.Struct):
    name: str | None = None
    size: Size | float = 0
    chunks: list[Id] = []
    reasons: list[Reason] = []
    modules: list[Module] = []
    moduleType: str | None = None  # noqa: N815


class Asset(msgspec.Struct):
    name: str
    size: Size = 0


class Chunk(msgspec.Struct):
    id: Id | None = None
    files: list[str] = []
    names: list[str] = []


class Entrypoint(msgspec.Struct):
    assets: list[Asset | str] = []


class Stats(msgspec.Struct):
    chunks: list[Chunk]
    modules: list[Module]
    entrypoints: dict[str, Entrypoint] = {}
    assets: list[Asset] = []


def read(text: bytes) -> Build:
    """Raises BundleError."""
    data = decoded(text, Stats, "webpack's stats")
    if not data.chunks:
        raise BundleError("webpack's stats: no chunk in it")
    files = {chunk.id: chunk.files for chunk in data.chunks}
    modules: dict[str, dict[str, int]] = {file: {} for chunk in data.chunks for file in chunk.files}
    links: dict[Link, None] = {}
    entries: dict[str, None] = {}
    for module, chunks in _flat(data.modules, []):
        if module.name is None or module.moduleType == "runtime":
            continue
        name = tidy(_first(module.name))
        ending = ".css" if (module.moduleType or "").startswith("css") else "js"
        for file in (next((f for f in files.get(chunk, ()) if f.endswith(ending)), None) for chunk in chunks):
            if file is not None:
                modules[file][name] = modules[file].get(name, 0) + max(0, int(module.size))
        for reason in module.reasons:
            importer = reason.resolvedModule or reason.moduleName
            if importer:
                links[Link(tidy(_first(importer)), name, reason.type in LOADED_LATER)] = None
            elif reason.type == "entry":
                entries[name] = None
    first = dict(_entries(data))
    sizes = {asset.name: asset.size for asset in data.assets}
    pieces = [Piece(f, f in first, first.get(f, ()), sizes.get(f, 0), own) for f, own in modules.items()]
    return Build("webpack", tuple(pieces), tuple(links), tuple(entries))


def _entries(data: Stats) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The file of each entry point, and those that load with it."""
    own = {name: file for chunk in data.chunks for name in chunk.names for file in chunk.files if file.endswith("js")}
    for name, point in data.entrypoints.items():
        assets = [asset if isinstance(asset, str) else asset.name for asset in point.assets]
        if assets:
            yield own.get(name, assets[-1]), tuple(assets)


def _flat(modules: list[Module], chunks: list[Id]) -> Iterator[tuple[Module, list[Id]]]:
    """Each module once, with the chunks that hold it: of those that were concatenated the parts, not the whole."""
    for module in modules:
        own = module.chunks or chunks
        if module.modules:
            head = msgspec.structs.replace(module, name=_first(module.name or ""), size=0, modules=[])
            yield head, []
            yield from _flat(module.modules, own)
        elif own:
            yield module, own


def _first(name: str) -> str:
    """`./a.js + 3 modules` → `./a.js`; loaders before it, and its kind, are left away."""
    head, plus, tail = name.rpartition(" + ")
    whole = head if plus and tail.endswith((" modules", " module")) else name
    return whole.rpartition("!")[2].removeprefix("css ")
