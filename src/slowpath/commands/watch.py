"""`slowpath scan --watch`: scan anew whenever a file changes, until an interrupt.

Changes are found by asking for the time of each file that was read, and of each folder that may hold one: 3,000 files
take 10 ms. That sees what editors and git do on every file system, and needs no package.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from slowpath.baseline_file import NAME, BaselineError
from slowpath.commands import terminal
from slowpath.commands.project import Project
from slowpath.config import Config, ConfigError
from slowpath.discover import FOREIGN_FOLDERS, OUTPUT_FOLDERS, language_of
from slowpath.git import GitError
from slowpath.model.report import Report
from slowpath.session import Session

EVERY = 0.5
"""Seconds between two looks."""
SETTLED = 0.1
"""Seconds for which nothing must change: a checkout writes many files."""
MAX_FOLDERS = 20_000
CLEAR = "\x1b[2J\x1b[3J\x1b[H"
SETTINGS = ("slowpath.toml", "pyproject.toml", NAME, ".gitignore")

Stamps = dict[str, tuple[int, int, int] | None]
Opened = tuple[Project, Mapping[str, Any]]


def watch(root: Path, opened: Callable[[], Opened], shown: Callable[[Report, Project], None]) -> None:
    """Show the report of a project, and again after each change, until an interrupt. `opened` reads its settings."""
    try:
        while True:
            _until_settings_change(root, opened, shown)
    except KeyboardInterrupt:
        click.echo(err=True)


def _until_settings_change(root: Path, opened: Callable[[], Opened], shown: Callable[[Report, Project], None]) -> None:
    settings = stamps([str(root), *_settings(root)])
    try:
        own, options = opened()
        session = Session(own.root, own.rules, options)
    except (ConfigError, BaselineError, GitError) as error:
        _head(root)
        terminal.warn(str(error))
        _changed(settings)
        return
    settings = stamps(_settings(own.root, own.settings))
    while True:
        before = stamps(_watched(own.root))
        session.reload()
        report = session.report()
        _head(own.root)
        shown(report, own)
        session.tidy()
        now = _changed(before | settings)
        if any(now[name] != stamp for name, stamp in settings.items()):
            return


def _head(root: Path) -> None:
    """A fresh screen, where the output is a terminal."""
    if sys.stdout.isatty():
        click.echo(CLEAR, nl=False)
    click.echo(f"slowpath watches {root}: Ctrl-C ends it\n")


def _changed(before: Stamps) -> Stamps:
    """Wait for a change, and until no other follows."""
    now = before
    while now == before:
        time.sleep(EVERY)
        now = stamps(before)
    later: Stamps = {}
    while later != now:
        now = later or now
        time.sleep(SETTLED)
        later = stamps(before)
    return now


def stamps(names: Iterable[str]) -> Stamps:
    """What changes with each file; None for one that is not there."""
    found: Stamps = {}
    for name in names:
        try:
            own = os.stat(name)  # noqa: PTH116 (of each file, twice a second)
        except OSError:
            found[name] = None
        else:
            found[name] = (own.st_mtime_ns, own.st_size, own.st_ino)
    return found


def _settings(root: Path, settings: Config = Config()) -> list[str]:  # noqa: B008 (frozen)
    """The files that say how to scan."""
    pages = (page for folder in settings.rules for page in sorted((root / folder).rglob("*.md")))
    names = [*SETTINGS, *settings.rules, *([settings.baseline] if settings.baseline else [])]
    return [*(str(root / name) for name in names), *map(str, pages)]


def _watched(root: Path) -> Iterator[str]:
    """All folders that may hold source, and the files in them that are read as such."""
    for count, (top, folders, files) in enumerate(os.walk(root)):
        yield top
        if count == MAX_FOLDERS:
            return
        hidden = (name.startswith(".") and name != ".cargo" for name in folders)
        skipped = FOREIGN_FOLDERS | (OUTPUT_FOLDERS if "src" not in Path(top).parts else frozenset())
        folders[:] = sorted(name for name, dot in zip(folders, hidden, strict=True) if name not in skipped and not dot)
        paths = (os.path.join(top, name) for name in files)  # noqa: PTH118
        yield from (path for path in paths if path.endswith(".gitignore") or language_of(os.path.relpath(path, root)))
