"""Which diagnostics the editor was sent, so that only what changed is sent, and nothing of a text that is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types

from slowpath.server.analyst import Held, View
from slowpath.server.diagnostics import SOURCE

AT_LINE = re.compile(r"\bline (\d+)")
Send = Callable[[types.PublishDiagnosticsParams], None]


class _Sent(NamedTuple):
    uri: str
    version: int | None
    diagnostics: list[types.Diagnostic]


class Publisher:
    """`send` publishes; a file is named by its place on disk, and belongs to the innermost of the projects."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self._sent: dict[Path, dict[Path, _Sent]] = {}

    def publish(self, view: View, open_now: Mapping[Path, Held]) -> None:
        """What the view says of all files, but for those that the user has changed since."""
        sent = self._sent.setdefault(view.root, {})
        found = {view.root / path: each for path, each in view.diagnostics.items()}
        found |= {view.root / path: [] for path in view.held if view.root / path not in found}
        found |= _troubles(view)
        for path, each in found.items():
            if self._owner(path) != view.root:
                continue
            relative = path.relative_to(view.root).as_posix()
            held, now = view.held.get(relative), open_now.get(path)
            if held is not None and now is not None and held is not now:
                continue
            new = _Sent(view.uri(relative), now.version if held and now else None, each)
            self._send(new, sent.get(path))
            sent[path] = new
        for path in sent.keys() - found.keys():
            self._send(_Sent(sent[path].uri, None, []), sent.pop(path))

    def clear(self, root: Path) -> None:
        """The project is open no more: neither are its diagnostics."""
        for each in self._sent.pop(root, {}).values():
            self._send(_Sent(each.uri, None, []), each)

    def _send(self, new: _Sent, before: _Sent | None) -> None:
        if before is not None and before.uri != new.uri:
            self._send(_Sent(before.uri, None, []), before)
            before = None
        same = before is not None and (before.diagnostics is new.diagnostics or before.diagnostics == new.diagnostics)
        if (before is None and not new.diagnostics and new.version is None) or (
            before is not None and same and (new.version is None or new.version == before.version)
        ):
            return
        self.send(types.PublishDiagnosticsParams(new.uri, new.diagnostics, new.version))

    def _owner(self, path: Path) -> Path | None:
        return next((folder for folder in path.parents if folder in self._sent), None)


def _troubles(view: View) -> dict[Path, list[types.Diagnostic]]:
    """What is wrong with the settings and the rule pages of the project, where it is written."""
    found: dict[Path, list[types.Diagnostic]] = {}
    if view.trouble:
        own = view.root / "slowpath.toml"
        place = own if own.is_file() else view.root / "pyproject.toml"
        found[place] = [_trouble(view.trouble.removeprefix(f"{place}: "))]
    for each in view.project.broken if view.project is not None else ():
        found.setdefault(view.root / each.path, []).append(_trouble(each.message))
    return found


def _trouble(message: str) -> types.Diagnostic:
    at = AT_LINE.search(message)
    line = int(at[1]) - 1 if at else 0
    whole = types.Range(types.Position(line, 0), types.Position(line + 1, 0))
    return types.Diagnostic(whole, message, types.DiagnosticSeverity.Error, source=SOURCE)
