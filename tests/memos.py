"""Files with one finding each that has an unsafe fix."""

from __future__ import annotations

import subprocess
from pathlib import Path

from surface import run, write

MEMO = """import { useMemo } from "react";
export function NAME({ user }) {
  const name = useMemo(() => user.name, [user]);
  return <p title="é">{name}</p>;
}
"""


def memo(name: str) -> str:
    return MEMO.replace("NAME", name)


def project(root: Path, *names: str) -> Path:
    """Files with one finding each that has an unsafe fix."""
    return write(root, {"slowpath.toml": "", **{f"src/{name}.jsx": memo(name) for name in names}})


def files(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def fixed(root: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("scan", root, "--fix", "--unsafe-fixes", "--select", "needless-use-memo", *arguments)
