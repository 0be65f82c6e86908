"""What a shell completes, asked of real shells."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from surface import run, write
from test_command import PAGE


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with a `slowpath`."""
    bin_ = tmp_path / "bin"
    write(bin_, {"slowpath": f'#!/bin/sh\nexec {sys.executable} -c "from slowpath.cli import main; main()" "$@"\n'})
    (bin_ / "slowpath").chmod(0o755)
    return f"{bin_}:{os.environ['PATH']}"


def completed(shell: str, path: str, cwd: Path, *words: str) -> list[str]:
    """What a shell offers for the last of the words."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    if shell == "bash":
        line = f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}; _slowpath_completion slowpath"
        script = f'eval "$(slowpath completion bash)"; {line}; printf "%s\\n" "${{COMPREPLY[@]}}"'
    elif shell == "fish":
        script = f"slowpath completion fish | source; complete -C {' '.join(words)!r}"
    else:
        script = "autoload -Uz compinit; compinit -u; source <(slowpath completion zsh); whence _slowpath_completion"
    outcome = subprocess.run(
        [shell, "-c", script], cwd=cwd, capture_output=True, text=True, env={**os.environ, "PATH": path}
    )
    return outcome.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_names_are_completed(tmp_path: Path, path: str, shell: str) -> None:
    write(tmp_path, {"slowpath.toml": 'rules = ["pages"]', "pages/own/shouting.md": PAGE})
    found = completed(shell, path, tmp_path, "slowpath", "scan", "--select", "n-plus-")
    assert found == ["n-plus-one"]
    if shell == "bash":  # fish offers nothing behind a comma
        assert completed(shell, path, tmp_path, "slowpath", "scan", "--ignore", "sql,rea") == ["sql,react"]
    assert completed(shell, path, tmp_path, "slowpath", "scan", "--extend-select", "shou") == ["shouting"]
    assert completed(shell, path, tmp_path, "slowpath", "scan", "--preset", "s") == ["strict"]
    assert "sarif" in completed(shell, path, tmp_path, "slowpath", "scan", "--format", "s")
    assert completed(shell, path, tmp_path, "slowpath", "explain", "regex-") == ["regex-per-call"]
    assert "scan" in completed(shell, path, tmp_path, "slowpath", "s")


def test_zsh_takes_the_script(tmp_path: Path, path: str) -> None:
    assert "_slowpath_completion" in completed("zsh", path, tmp_path)[0]


def test_other_shells_are_refused() -> None:
    outcome = run("completion", "tcsh")
    assert outcome.returncode == 2 and "bash" in outcome.stderr
