"""Runs a page of docs/: named fences are files, `sh` fences commands, and the `text` below is what they print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from surface import run, write

DOCS = Path(__file__).parents[1] / "docs"
FENCE = re.compile(r"^(`{3,})(\w+)[ ]?([^\n]*)\n(.*?)^\1$", re.M | re.S)


class Fence(NamedTuple):
    language: str
    name: str
    text: str


def fences(page: str) -> list[Fence]:
    return [Fence(mark[2], mark[3], mark[4]) for mark in FENCE.finditer((DOCS / page).read_text(encoding="utf-8"))]


def steps(page: str) -> Iterator[tuple[dict[str, str], list[list[str]], str]]:
    """The files that a reader has written by now, the commands of the next `sh` fence, and what they print."""
    files: dict[str, str] = {}
    found = fences(page)
    for fence, after in zip(found, [*found[1:], Fence("", "", "")], strict=True):
        if fence.language == "sh":
            lines = fence.text.replace("\\\n", " ").splitlines()
            yield files, [shlex.split(line, comments=True) for line in lines], after.text * (after.language == "text")
        elif fence.name:
            files[fence.name] = fence.text


def walk(page: str, root: Path, **env: str) -> int:
    """Do what the page says; how many commands that were."""
    count = 0
    for files, commands, told in steps(page):
        write(root, files)
        printed = ""
        for command in commands:
            assert command[0] == "slowpath", command
            named = [found for word in command[1:] for found in _globbed(word, root)]
            outcome = run(*named, cwd=root, NO_COLOR="1", **env)
            assert outcome.returncode in (0, 1), outcome.stderr
            printed += outcome.stdout + outcome.stderr
            count += 1
        rest = iter(printed.splitlines())
        for line in told.splitlines():
            assert line.strip() == "…" or line in rest, f"not printed, or not there: {line}\n{printed}"
    return count


def _globbed(word: str, root: Path) -> list[str]:
    """As a shell does."""
    return sorted(path.relative_to(root).as_posix() for path in root.glob(word)) if "*" in word else [word]
