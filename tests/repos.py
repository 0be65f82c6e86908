"""Checkouts of git for the tests: a server whose handlers call helpers in files of their own, and what a scan says."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner
from surface import PACKAGE, write

from slowpath.cli import cli

MAIN = """mod archive;
mod handlers;
#[tokio::main]
async fn main() { serve(handlers::download, handlers::report).await; }
"""
HANDLERS = """use crate::archive;

#[get("/reports/{name}")]
pub async fn download(name: String) -> Vec<u8> {
    archive::load(&name)
}

#[get("/old")]
pub async fn report() -> Vec<u8> {
    archive::old("x")
}
"""
ARCHIVE = """pub fn load(name: &str) -> Vec<u8> {
    Vec::new()
}
pub fn old(name: &str) -> Vec<u8> {
    std::fs::read(name).unwrap_or_default()
}
"""
SERVER = {
    "Cargo.toml": PACKAGE.format("server"),
    "src/main.rs": MAIN,
    "src/handlers.rs": HANDLERS,
    "src/archive.rs": ARCHIVE,
}
"""One finding: `report` in handlers.rs, line 10, blocks its worker through `old`."""
BLOCKS = ARCHIVE.replace("Vec::new()", "std::fs::read(name).unwrap_or_default()")
"""`load` blocks as well: that makes `download` a finding, handlers.rs line 5."""


class Said(NamedTuple):
    """What a scan answered."""

    code: int
    found: list[str]
    """`path:line` of each finding."""
    messages: list[str]
    stderr: str
    text: str


class Repo:
    """A checkout."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main", *options)
        for name, value in (("user.name", "T"), ("user.email", "t@example.org"), ("core.autocrlf", "false")):
            self.git("config", name, value)

    def git(self, *arguments: str | Path, ok: bool = True) -> str:
        outcome = subprocess.run(["git", "-C", str(self.root), *map(str, arguments)], capture_output=True, text=True)
        assert not ok or outcome.returncode == 0, outcome.stderr
        return outcome.stdout.strip()

    def write(self, files: dict[str, str]) -> Repo:
        write(self.root, files)
        return self

    def commit(self, files: dict[str, str] | None = None) -> Repo:
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        return self

    def scan(self, *arguments: str | Path, at: str = ".", rules: str = "blocking-in-async") -> Said:
        """`slowpath scan` in the checkout, or in a folder of it."""
        here = Path.cwd()
        os.chdir(self.root / at)
        try:
            asked = ["scan", "--format", "json", *(["--select", rules] if rules else []), *map(str, arguments)]
            outcome = CliRunner().invoke(cli, asked)
        finally:
            os.chdir(here)
        assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
        if not outcome.stdout.startswith("{"):
            return Said(outcome.exit_code, [], [], outcome.stderr, outcome.stdout)
        findings = json.loads(outcome.stdout[: outcome.stdout.rindex("}") + 1])["findings"]
        places = [f"{finding['path']}:{finding['start']['line']}" for finding in findings]
        return Said(
            outcome.exit_code, places, [finding["message"] for finding in findings], outcome.stderr, outcome.stdout
        )
