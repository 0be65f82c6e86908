"""Which commit of a project was measured."""

from __future__ import annotations

import subprocess
from pathlib import Path

from slowpath.programs import on_path


def commit(folder: Path) -> str:
    """The commit that is checked out around a folder; nothing where git is missing or knows none."""
    git = on_path("git")
    if git is None:
        return ""
    command = [git, "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
