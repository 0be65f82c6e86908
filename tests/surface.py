"""What the tests of the command share: a project of invented code with findings, and a way to run `slowpath` on it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from slowpath.extract.toml import extract
from slowpath.model.cargo import Manifest

CLIENT = """import {{ QueryClient }} from "@tanstack/react-query";

export function {name}() {{
  const client = new QueryClient();
  return <Shell client={{client}} />;
}}
"""

PACKAGE = '[package]\nname = "{}"\nversion = "0.1.0"\nedition = "2021"\n'
"""The head of a Cargo.toml."""


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def project(root: Path) -> Path:
    """Two files with one finding each."""
    return write(root, {f"src/{name}.tsx": CLIENT.format(name=name) for name in ("Basket", "Shelf")})


def workspace(root: Path, manifest: str, source: str, *crates: str) -> Path:
    """A package that cargo can build, and those that it depends on by path, each with a function `a`."""
    files = {"Cargo.toml": manifest, "src/lib.rs": source}
    for name in crates:
        files |= {f"{name}/Cargo.toml": PACKAGE.format(name), f"{name}/src/lib.rs": "pub fn a() {}\n"}
    return write(root, files)


def manifest(text: str) -> Manifest:
    found = extract(text.encode()).manifest
    assert found is not None
    return found


def run(*arguments: str | Path, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """`slowpath` as a process; no run of the tests may end in a traceback."""
    import os

    command = [sys.executable, "-c", "from slowpath.cli import main; main()", *map(str, arguments)]
    outcome = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **env})
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome


def scan(root: Path, *arguments: str, **env: str) -> dict[str, Any]:
    """The JSON report of a scan."""
    outcome = run("scan", root, "--format", "json", "--exit-zero", *arguments, **env)
    assert outcome.returncode == 0, outcome.stderr
    document: dict[str, Any] = json.loads(outcome.stdout)
    return document
