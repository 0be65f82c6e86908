"""Which files are read: ignored, vendored and built ones are not, with git or without."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from surface import run, write

from slowpath.discover import discover
from slowpath.programs import on_path
from slowpath.runtime.checkout import commit

FILES = {
    "Cargo.toml": "",
    "src/main.rs": "",
    "src/build/mod.rs": "",
    "src/out/mod.rs": "",
    "crates/build/Cargo.toml": "",
    "crates/build/src/lib.rs": "",
    "target/debug/gen.rs": "",
    "web/package.json": "{}",
    "web/src/a.ts": "",
    "web/src/a.min.js": "",
    "web/dist/a.js": "",
    "web/node_modules/x/a.js": "",
    "vendor/x/src/lib.rs": "",
    "web/.gitignore": "/local\n*.tmp.ts\n!kept.tmp.ts\n",
    "web/local/a.ts": "",
    "web/src/b.tmp.ts": "",
    "web/src/kept.tmp.ts": "",
}
READ = [
    "Cargo.toml",
    "crates/build/Cargo.toml",
    "crates/build/src/lib.rs",
    "src/build/mod.rs",
    "src/main.rs",
    "src/out/mod.rs",
    "web/package.json",
    "web/src/a.ts",
    "web/src/kept.tmp.ts",
]


@pytest.mark.parametrize("git", [True, False])
def test_source_is_read_and_nothing_else(tmp_path: Path, git: bool) -> None:
    root = write(tmp_path, FILES)
    if git:
        subprocess.run(["git", "init", "-q", root], check=True)
    assert [path for path, _, _ in discover(root).files] == READ


def test_excluded(tmp_path: Path) -> None:
    paths = [path for path, _, _ in discover(write(tmp_path, FILES), ["crates/", "*.json"]).files]
    assert paths == [path for path in READ if not path.startswith("crates/") and not path.endswith(".json")]


def test_no_program_of_the_project_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH may name the folder that we are in."""
    for name in ("git", "k6", "kubectl", "pg_dump"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for first in (".", "", tmp_path.name):
        monkeypatch.setenv("PATH", os.pathsep.join([first, os.environ["PATH"]]))
        assert all(on_path(name) != str(tmp_path / name) for name in ("git", "k6", "kubectl", "pg_dump"))
        run("scan", tmp_path, "--exit-zero")
        commit(tmp_path)
    assert not (tmp_path / "started").exists()
