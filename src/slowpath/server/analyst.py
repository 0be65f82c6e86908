"""One thread that analyses. What changes while it does is gathered, and only the newest state is analysed next."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lsprotocol import types

from slowpath.cache import Cache, directory
from slowpath.config import ConfigError
from slowpath.model.report import Report
from slowpath.server.diagnostics import Diagnoser, Shape
from slowpath.session import Session
from slowpath.workers import blame

if TYPE_CHECKING:
    from slowpath.commands.project import Project

Opened = Callable[[list[Path], Mapping[str, object]], "Project"]
"""Settings and rules of the project that paths lie in. Raises ConfigError."""
PAUSE = 0.01
"""Seconds in which changes gather: one command of an editor may change twenty files."""


class Held(NamedTuple):
    """A file that is open in the editor: what it holds counts, saved or not."""

    uri: str
    version: int
    text: bytes
    """Two are one text only if they are one object: versions begin anew when a document is opened again."""


@dataclass
class Wish:
    """What changed of a project since its analysis was last begun."""

    reopen: bool = False
    """Its settings."""
    reload: bool = False
    """Files on disk."""
    held: dict[str, Held | None] = field(default_factory=dict)
    flags: Mapping[str, object] | None = None
    shown: Path | None = None

    def add(self, other: Wish) -> None:
        self.reopen |= other.reopen
        self.reload |= other.reload
        self.held |= other.held
        self.flags = self.flags if other.flags is None else other.flags
        self.shown = self.shown or other.shown


class View(NamedTuple):
    """What an analysis saw, and what it says. Without a report there are no settings to go by yet."""

    root: Path
    shown: Path
    """The root as the editor names it."""
    held: dict[str, Held]
    report: Report | None
    diagnostics: dict[str, list[types.Diagnostic]]
    project: Project | None
    trouble: str = ""
    """Why the settings on disk are not those that were used."""
    failed: str = ""
    """A fault of slowpath's own."""

    def uri(self, path: str) -> str:
        held = self.held.get(path)
        return held.uri if held is not None else (self.shown / path).as_uri()


class _Kept:
    """A project between analyses."""

    def __init__(self, shape: Shape) -> None:
        self.flags: Mapping[str, object] = {}
        self.shown = Path()
        self.project: Project | None = None
        self.session: Session | None = None
        self.held: dict[str, Held] = {}
        self.trouble = ""
        self.report: Report | None = None
        self.diagnoser = Diagnoser(shape, self.uri)
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}

    def uri(self, path: str) -> str:
        held = self.held.get(path)
        return held.uri if held is not None else (self.shown / path).as_uri()


class Analyst:
    """`begun`, `stage` and `done` are called in its thread."""

    def __init__(
        self,
        opened: Opened,
        shape: Shape,
        begun: Callable[[Path], None],
        stage: Callable[[str], None],
        done: Callable[[View], None],
    ) -> None:
        self.opened, self.shape = opened, shape
        self.begun, self.stage, self.done = begun, stage, done
        self._wishes: dict[Path, Wish] = {}
        self._changed = threading.Condition()
        self._kept: dict[Path, _Kept] = {}
        self._cache: Cache | None = None
        threading.Thread(target=self._run, name="analyst", daemon=True).start()

    def wish(self, root: Path, change: Wish) -> None:
        """Something changed: analyse the project, as soon as what runs has ended."""
        with self._changed:
            known = self._wishes.pop(root, Wish())
            known.add(change)
            self._wishes[root] = known  # last
            self._changed.notify()

    def forget(self, root: Path) -> None:
        """The project is open no more."""
        with self._changed:
            self._wishes.pop(root, None)
            self._kept.pop(root, None)

    def _run(self) -> None:
        self._cache = Cache(directory())
        while True:
            with self._changed:
                while not self._wishes:
                    self._changed.wait()
            time.sleep(PAUSE)
            with self._changed:
                if not self._wishes:
                    continue
                root, wish = self._wishes.popitem()  # where the user is
                kept = self._kept.setdefault(root, _Kept(self.shape))
            self.done(self._view(root, kept, wish))
            if kept.session is not None:
                kept.session.tidy()

    def _view(self, root: Path, kept: _Kept, wish: Wish) -> View:
        failed = ""
        first = kept.session is None
        if first:
            self.begun(root)
        try:
            self._follow(root, kept, wish)
            if kept.session is not None:
                kept.report = kept.session.report()
                kept.diagnostics = kept.diagnoser.of(kept.report, kept.held)
        except Exception as error:
            failed = blame(error)
            kept.session = None  # whatever state it is in: the next change begins anew
            kept.report, kept.diagnostics = None, {}  # they speak of a text before this one
        if first:
            gc.collect()
            gc.freeze()  # the program stays: no collection walks it again
        held = dict(kept.held)
        return View(root, kept.shown, held, kept.report, kept.diagnostics, kept.project, kept.trouble, failed)

    def _follow(self, root: Path, kept: _Kept, wish: Wish) -> None:
        """Bring the session to the state of the editor and of the disk."""
        kept.shown = wish.shown or kept.shown
        kept.flags = kept.flags if wish.flags is None else wish.flags
        for path, held in wish.held.items():
            if held is None:
                kept.held.pop(path, None)
            else:
                kept.held[path] = held
        if wish.reopen or kept.session is None:
            self._open(root, kept)
            changed = set(kept.held)
        elif wish.reload:
            kept.session.reload()
            changed = {*kept.held, *wish.held}
        else:
            changed = set(wish.held)
        if kept.session is not None:
            for path in changed:
                open_now = kept.held.get(path)
                counts = open_now is not None and kept.session.reads(path)
                kept.session.hold(path, open_now.text if open_now is not None and counts else None)

    def _open(self, root: Path, kept: _Kept) -> None:
        """By the settings on disk; where those are broken the old ones go on."""
        try:
            kept.project = self.opened([root], kept.flags)
            kept.trouble = ""
        except ConfigError as error:
            kept.trouble = str(error)
            return
        options = kept.project.options | {"cache": self._cache, "jobs": 0, "progress": self.stage}
        kept.session = Session(root, kept.project.rules, options)
