"""A project that stays loaded, for editors and `--watch`: texts change, findings follow."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slowpath import engine
from slowpath.discover import Discovery, discover, language_of
from slowpath.memory import Memory
from slowpath.model.report import Report
from slowpath.model.rule import Rule

GROWN = 1_000_000
"""Objects made and not freed, about 100 MB, before what is left of old programs is looked for."""


class Session:
    """A project's texts, those on disk and those that an editor holds unsaved. `options` are those of `engine.scan`."""

    def __init__(self, root: Path, rules: Iterable[Rule], options: Mapping[str, Any]) -> None:
        self.root = root
        self.rules = list(rules)
        self.options = {name: value for name, value in options.items() if name != "exclude"}
        self._exclude = tuple(options.get("exclude", ()))
        self._unsaved: dict[str, bytes] = {}
        self._found = discover(root, self._exclude)
        self._memory = Memory()

    def reload(self) -> None:
        """Read the files anew: some were saved, made or removed."""
        self._found = discover(self.root, self._exclude)

    def hold(self, path: str, text: bytes | None) -> None:
        """An editor's text of a file, relative to the root, is what counts; None: what is on disk counts again."""
        if text is None:
            self._unsaved.pop(path, None)
        else:
            self._unsaved[path] = text

    def reads(self, path: str) -> bool:
        """Whether a file counts: it was read, or is not on disk yet. Others are ignored, excluded or of no use."""
        return any(path == known for known, _, _ in self._found.files) or not (self.root / path).exists()

    def texts(self) -> Discovery:
        """The texts as they are now."""
        files = {path: (path, language, self._unsaved.get(path, text)) for path, language, text in self._found.files}
        for path in self._unsaved.keys() - files.keys():
            language = language_of(path)
            if language is not None:
                files[path] = (path, language, self._unsaved[path])
        return Discovery(sorted(files.values()), self._found.troubles, self._found.unread)

    def report(self) -> Report:
        """The findings of the texts as they are now: those of a scan, without its work where nothing changed."""
        return engine.analyse(self.texts(), self.rules, memory=self._memory, **self.options)

    def tidy(self) -> None:
        """Free programs that were replaced. They are circular, and by the thresholds of a scan nothing ever does."""
        young, middle, old = gc.get_count()
        first, second, _ = gc.get_threshold()
        if young + first * (middle + second * old) > GROWN:
            gc.unfreeze()
            gc.collect()
            gc.freeze()  # the program stays: no collection walks it again
