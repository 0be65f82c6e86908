"""Vite's manifest: which file imports which."""

from __future__ import annotations

import msgspec

from slowpath.runtime.bundle_shapes import Build, BundleError, Piece, decoded, tidy


class Entry(msgspec.Struct):
    file: str
    isEntry: bool = False  # noqa: N815
    imports: list[str] = []
    css: list[str] = []
    src: str = ""


def read(text: bytes) -> Build:
    """Raises BundleError."""
    manifest = decoded(text, dict[str, Entry], "Vite's manifest")
    if not manifest:
        raise BundleError("Vite's manifest: it is empty")
    pieces: dict[str, Piece] = {}
    for entry in manifest.values():
        files = [manifest[name].file for name in entry.imports if name in manifest]
        pieces[entry.file] = Piece(entry.file, entry.isEntry, tuple(dict.fromkeys([*files, *entry.css])))
        for style in entry.css:
            pieces.setdefault(style, Piece(style, False))
    entries = tuple(tidy(entry.src or key) for key, entry in manifest.items() if entry.isEntry)
    return Build("vite-manifest", tuple(pieces.values()), entries=entries)
