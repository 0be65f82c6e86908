"""Which files are read: ignored, vendored and built ones are not, with git or without."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from surface import write

from slowpath.discover import discover

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
