"""Which commit of a project was measured."""

from __future__ import annotations

from pathlib import Path

from slowpath import git


def commit(folder: Path) -> str:
    """The commit that is checked out around a folder; nothing where git is missing or knows none."""
    try:
        return git.commit(folder, "HEAD")
    except git.GitError:
        return ""
