"""`scan --watch`, as a process beside which files change."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from surface import CLIENT, project, run, write


class Watching:
    """A running watch and what it has printed."""

    def __init__(self, root: Path, *arguments: str) -> None:
        command = [
            sys.executable,
            "-u",
            "-m",
            "slowpath",
            "scan",
            str(root),
            "--watch",
            "--format",
            "concise",
            *arguments,
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = ""
        self.read = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def says(self, words: str) -> str:
        """Wait for words after those that were waited for before."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = re.search(words, self.said[self.read :])
            if found:
                self.read += found.end()
                return found[0]
            assert self.process.poll() is None, self.said
            time.sleep(0.02)
        raise AssertionError(f"{words} is not in {self.said[self.read :]!r}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(project(tmp_path / "p"), {"slowpath.toml": ""})


@pytest.fixture
def watching(root: Path) -> Iterator[Watching]:
    own = Watching(root)
    yield own
    own.process.kill()
    own.process.wait()


def test_changes_are_seen(root: Path, watching: Watching) -> None:
    watching.says(r"2 findings")
    beside = root / "src/.Shelf.tsx.swp"
    beside.write_text("export const Shelf = 1;\n")
    beside.replace(root / "src/Shelf.tsx")  # as editors save
    watching.says(r"1 finding ")
    write(root, {"web/deep/down/Till.tsx": CLIENT.format(name="Till")})
    watching.says(r"web/deep/down/Till.tsx:4[\s\S]*2 findings")
    shutil.rmtree(root / "web")
    watching.says(r"1 finding ")
    write(root, {"slowpath.toml": 'ignore = ["react"]'})
    watching.says(r"No slow paths found")
    write(root, {"slowpath.toml": "ignore = ["})
    watching.says(r"slowpath: .*slowpath.toml")
    write(root, {"slowpath.toml": ""})
    watching.says(r"1 finding ")
    assert run("scan", root, "--write-baseline").returncode == 0
    watching.says(r"1 known finding not shown")
    shutil.rmtree(root)
    watching.says(r"no such file or directory|No slow paths found; 0 files")
    write(project(root), {"slowpath.toml": ""})
    watching.says(r"2 findings")
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(30) == 0 and "Traceback" not in watching.said


def test_a_checkout_of_another_branch(tmp_path: Path) -> None:
    root = project(tmp_path / "p")

    def git(*arguments: str) -> None:
        env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", *who, *arguments], cwd=root, env=env, check=True, capture_output=True)

    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"], ["checkout", "-qb", "other"]):
        git(*arguments)
    write(root, {f"src/more/{name}.tsx": CLIENT.format(name=name) for name in "ABCDEF"})
    for arguments in (["add", "."], ["commit", "-qm", "b"], ["checkout", "-q", "-"]):
        git(*arguments)
    watching = Watching(root)
    try:
        watching.says(r"2 findings")
        git("checkout", "-q", "other")
        watching.says(r"8 findings")
        git("checkout", "-q", "-")
        watching.says(r"2 findings")
    finally:
        watching.process.kill()
        watching.process.wait()


def test_it_only_shows(root: Path) -> None:
    for option in ("--fix", "--diff", "--write-baseline", "--add-allow", "--staged"):
        assert run("scan", root, "--watch", option).returncode == 2
    assert run("scan", root, "--watch", "--format", "json").returncode == 2
