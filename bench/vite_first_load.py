#!/usr/bin/env python3
"""What slowpath says an entry loads first, beside what a real Vite build put into its first chunks.

usage: vite_first_load.py DIR CHUNKS.json [--entry PATH]

In: a front end, and the chunks of its build as the plugin below writes them. Out: own modules and packages that both
have, that slowpath alone has, that the build alone has; kilobytes estimated, and measured minified and gzipped.

    import { writeFileSync } from "node:fs";
    import { gzipSync } from "node:zlib";
    export const chunks = (file) => ({ name: "chunks", enforce: "post", generateBundle(_, bundle) {
      const list = Object.values(bundle).filter((one) => one.type === "chunk").map((one) => ({
        file: one.fileName, entry: one.isEntry, imports: one.imports, bytes: Buffer.byteLength(one.code),
        gzip: gzipSync(one.code).length,
        modules: Object.entries(one.modules).map(([id, module]) => [id, module.renderedLength]) }));
      writeFileSync(file, JSON.stringify(list)); } });
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from slowpath.discover import discover, language_of
from slowpath.facts import facts_of
from slowpath.link import link
from slowpath.program.first_loads import first_load

PACKAGE = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/(?!.*node_modules/)")


class Load(NamedTuple):
    """What a first load holds; the packages with bytes of their source as the build kept it, where that is known."""

    modules: frozenset[str]
    packages: dict[str, float]
    kilobytes: float
    gzipped: float = 0.0


def built(chunks: list[dict[str, Any]], root: Path) -> Load:
    """The entry chunks with all that they import statically. A module of which nothing was kept is not loaded."""
    by_file = {chunk["file"]: chunk for chunk in chunks}
    waiting = [chunk["file"] for chunk in chunks if chunk["entry"]]
    taken: dict[str, dict[str, Any]] = {}
    while waiting:
        name = waiting.pop()
        if name not in taken and name in by_file:
            taken[name] = by_file[name]
            waiting += by_file[name]["imports"]
    kept = {id.lstrip("\0").split("?")[0]: size for one in taken.values() for id, size in one["modules"] if size}
    packages: dict[str, float] = {}
    for id, size in kept.items():
        if found := PACKAGE.search(id):
            packages[found[1]] = packages.get(found[1], 0) + size / 1000
    own = {str(Path(id).relative_to(root)) for id in kept if Path(id).is_relative_to(root) and "node_modules" not in id}
    modules = frozenset(path for path in own if language_of(path))
    chosen = taken.values()
    return Load(modules, packages, sum(c["bytes"] for c in chosen) / 1000, sum(c["gzip"] for c in chosen) / 1000)


def predicted(root: Path, entry: str) -> tuple[Load, tuple[str, ...]]:
    """slowpath's estimate, and the packages whose size it does not know."""
    files, _, _ = facts_of(discover(root), [], 1, None)
    web = link(files).web
    modules, weight = first_load(web, entry)
    return Load(modules, dict(weight.packages), weight.kilobytes), tuple(weight.unknown)


def compared(title: str, one: set[str], two: set[str]) -> str:
    both = len(one & two)
    share = (
        f"{both / len(one) if one else 1:.2f} of predicted are loaded, {both / len(two) if two else 1:.2f} of loaded"
    )
    lines = [f"{title}: {both} in both; {share} are predicted"]
    lines += [f"  predicted alone: {name}" for name in sorted(one - two)]
    lines += [f"  built alone: {name}" for name in sorted(two - one)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("chunks", type=Path)
    parser.add_argument("--entry", default="src/main.tsx")
    options = parser.parse_args()
    root = options.root.resolve()
    real = built(json.loads(options.chunks.read_text()), root)
    guess, unknown = predicted(root, options.entry)
    print(compared("own modules", set(guess.modules), set(real.modules)))
    print(compared("packages", set(guess.packages) | set(unknown), set(real.packages)))
    print(f"kilobytes: {guess.kilobytes:.0f} estimated, {real.kilobytes:.0f} minified, {real.gzipped:.0f} gzipped")
    heavy = sorted(real.packages, key=lambda name: -real.packages[name])[:15]
    for name in heavy:
        print(f"  {name}: {guess.packages.get(name, 0):.0f} estimated, {real.packages[name]:.0f} before minifying")
    print("sizes not known:", ", ".join(unknown) or "none")


if __name__ == "__main__":
    main()
