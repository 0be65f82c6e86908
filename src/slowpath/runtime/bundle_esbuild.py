"""esbuild's metafile: bytes of each module in each file, as they are there."""

from __future__ import annotations

import msgspec

from slowpath.runtime.bundle_shapes import Build, BundleError, Link, Piece, Size, decoded, tidy

DYNAMIC = "dynamic-import"
NOT_CODE = ("url-token", "file-loader")


class Imported(msgspec.Struct):
    path: str
    kind: str = ""
    external: bool = False


class Input(msgspec.Struct):
    imports: list[Imported] = []


class Contained(msgspec.Struct):
    bytesInOutput: Size = 0  # noqa: N815


class Output(msgspec.Struct):
    bytes: Size
    inputs: dict[str, Contained] = {}
    imports: list[Imported] = []
    entryPoint: str | None = None  # noqa: N815
    cssBundle: str | None = None  # noqa: N815


class Metafile(msgspec.Struct):
    inputs: dict[str, Input]
    outputs: dict[str, Output]


def read(text: bytes) -> Build:
    """Raises BundleError. A module that `import()` names is an entry in the file's words, and none here."""
    data = decoded(text, Metafile, "esbuild's metafile")
    outputs = {name: output for name, output in data.outputs.items() if not name.endswith(".map")}
    if not outputs:
        raise BundleError("esbuild's metafile: nothing was built")
    later = {known.path for output in outputs.values() for known in output.imports if known.kind == DYNAMIC}
    first = {name for name, output in outputs.items() if output.entryPoint is not None and name not in later}
    first = first or {name for name, output in outputs.items() if output.entryPoint is not None}
    pieces = []
    for name, output in outputs.items():
        modules: dict[str, int] = {}
        for path, contained in output.inputs.items():
            modules[tidy(path)] = modules.get(tidy(path), 0) + contained.bytesInOutput
        known = [each.path for each in output.imports if each.kind not in (DYNAMIC, *NOT_CODE) and not each.external]
        styles = [output.cssBundle] if output.cssBundle else []
        imports = tuple(dict.fromkeys(path for path in (*known, *styles) if path in outputs))
        pieces.append(Piece(name, name in first, imports, output.bytes, modules))
    links = [
        Link(tidy(path), tidy(each.path), each.kind == DYNAMIC)
        for path, one in data.inputs.items()
        for each in one.imports
        if not each.external
    ]
    entries = tuple(tidy(outputs[name].entryPoint or "") for name in sorted(first))
    return Build("esbuild", tuple(pieces), tuple(links), entries, exact=True)
