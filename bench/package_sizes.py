"""Rows for src/slowpath/program/package_sizes.toml: `package_sizes.py ESBUILD FOLDER…`, each FOLDER with a package.json
and the node_modules of the packages that it names; `subpaths` there lists further specifiers to measure."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from slowpath.program.web import package_name

EXTERNAL = ("react", "react-dom")
EMPTY = "css scss less svg png jpg gif webp woff woff2 ttf eot wasm mp3 node glsl".split()
PRODUCTION = '--define:process.env.NODE_ENV="production"'
SAMPLE = 6
SHAKEN = 0.6
"""A package of which one name is more than this share cannot be shaken."""
IN_NODE_MODULES = re.compile(r".*node_modules/((?:@[^/]+/)?[^/]+)/")


class Bundle(NamedTuple):
    """What one entry loads statically."""

    size: int
    gzipped: int
    packages: Counter[str]
    exports: list[str]
    peers: set[str]


def main(esbuild: str, folders: list[Path]) -> None:
    """Prints one row per package, as it is measured."""
    for folder in folders:
        wanted = json.loads((folder / "package.json").read_text())
        for name in [*wanted.get("dependencies", {}), *wanted.get("subpaths", [])]:
            row = measure(esbuild, folder, name)
            print(f'"{name}" = {row}' if row else f"# {name}: not bundled", flush=True)


def measure(esbuild: str, folder: Path, name: str) -> str:
    """The row of one package, or of one file of it."""
    package = package_name(name)
    manifest = json.loads((folder / "node_modules" / package / "package.json").read_text())
    external = [peer for peer in {*EXTERNAL, *manifest.get("peerDependencies", {})} if peer != package]
    whole = bundle(esbuild, folder, f'import * as x from "{name}"; globalThis.x = x;', external)
    if whole is None or whole.size < 100:
        return ""
    row = f"kb = {kb(whole.size)}, gzip = {kb(whole.gzipped)}"
    listed = bundle(esbuild, folder, f'export * from "{name}";', external)
    names = [n for n in sorted(listed.exports if listed else []) if n.isidentifier()]
    sample = names[:: max(1, len(names) // SAMPLE)][:SAMPLE]
    if len(sample) > 1:
        ones = sorted(_some(esbuild, folder, name, [one], external) for one in sample)
        one, together = ones[3 * len(ones) // 4], _some(esbuild, folder, name, sample, external)
        if one < SHAKEN * whole.size:
            row += f", first = {kb(one)}, each = {kb(max(0, together - one) // (len(sample) - 1))}"
            default = bundle(esbuild, folder, f'import x from "{name}"; globalThis.x = x;', external)
            row += f", default = {kb(default.size)}" if default is not None and default.size > one else ""
    shared = {other: size for other, size in whole.packages.items() if other != package and size >= 1000}
    peers = sorted(whole.peers - {*EXTERNAL, package})
    row += f", peers = {json.dumps(peers)}" if peers else ""
    if shared:
        inside = ", ".join(f'"{other}" = {kb(size)}' for other, size in sorted(shared.items()))
        row += f", with = {{ {inside} }}"
    return f"{{ {row} }}  # {manifest.get('version', '')}"


def _some(esbuild: str, folder: Path, name: str, names: list[str], external: list[str]) -> int:
    found = bundle(
        esbuild,
        folder,
        f'import {{ {", ".join(names)} }} from "{name}"; globalThis.x = [{", ".join(names)}];',
        external,
    )
    return found.size if found else 0


def kb(size: int) -> str:
    """Kilobytes with as many digits as matter."""
    return f"{size / 1000:.0f}" if size >= 10_000 else f"{size / 1000:.1f}".removesuffix(".0")


def bundle(esbuild: str, folder: Path, text: str, external: list[str]) -> Bundle | None:
    """What esbuild makes of an entry, None where it cannot."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            esbuild, "--bundle", "--minify", "--format=esm", "--splitting", "--platform=browser", "--log-level=silent",
            f"--outdir={out}", f"--metafile={out}/meta.json", "--define:global=globalThis", PRODUCTION,
            *(f"--loader:.{suffix}=empty" for suffix in EMPTY), *(f"--external:{name}" for name in external),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, cwd=folder, input=text.encode(), capture_output=True, timeout=120, check=False
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
        outputs = json.loads(Path(out, "meta.json").read_text())["outputs"]
        return _weigh(folder, outputs)


def _weigh(folder: Path, outputs: dict[str, Any]) -> Bundle | None:
    first = next((path for path, output in outputs.items() if output.get("entryPoint") == "<stdin>"), None)
    if first is None:
        return None
    reached = list(_static(first, outputs))
    packages: Counter[str] = Counter()
    peers = set()
    text = b""
    for path in reached:
        text += (folder / path).read_bytes()
        peers |= {package_name(used["path"]) for used in outputs[path]["imports"] if used.get("external")}
        for source, held in outputs[path]["inputs"].items():
            found = IN_NODE_MODULES.match(source)
            if found:
                packages[found[1]] += held["bytesInOutput"]
    return Bundle(len(text), len(gzip.compress(text, 6)), packages, outputs[first]["exports"], peers)


def _static(first: str, outputs: dict[str, Any]) -> Iterator[str]:
    seen, stack = {first}, [first]
    while stack:
        path = stack.pop()
        yield path
        for used in outputs[path]["imports"]:
            if used["kind"] != "dynamic-import" and not used.get("external") and used["path"] not in seen:
                seen.add(used["path"])
                stack.append(used["path"])


if __name__ == "__main__":
    main(str(Path(sys.argv[1]).absolute()), [Path(folder).absolute() for folder in sys.argv[2:]])
