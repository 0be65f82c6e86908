"""The server's state, on the thread of the protocol: open documents, projects, what was last said of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from slowpath import __version__
from slowpath.baseline_file import NAME
from slowpath.config import Config, ConfigError
from slowpath.server import asked, places
from slowpath.server.actions import Can
from slowpath.server.analyst import Analyst, Held, Opened, View, Wish
from slowpath.server.asked import Asked
from slowpath.server.diagnostics import Shape
from slowpath.server.progress import Progress
from slowpath.server.publisher import Publisher
from slowpath.workers import blame

PATIENCE = 10.0
"""Seconds that a request waits for the analysis of the text that it is about."""


class Protocol(LanguageServerProtocol):
    """A request that does not read is answered: pygls leaves the client waiting."""

    def structure_message(self, data: dict[str, Any]) -> Any:
        try:
            return super().structure_message(data)
        except JsonRpcException as error:
            if "id" in data and "method" in data:
                self._send_response(data["id"], error=error.to_response_error())
            raise


class Slowpath(LanguageServer):
    """A file is known by its place on disk, with the links of its folder followed."""

    def __init__(self, opened: Opened) -> None:
        # The whole text at each change: an editor and Python disagree on what ends a line, and positions drift apart.
        super().__init__(
            "slowpath", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full, protocol_cls=Protocol
        )
        self.opened = opened
        self.options: object = None
        """`initializationOptions`."""
        self.opening: list[str] = []
        """Folders, before the client is ready to hear what is wrong with them."""
        self.asked = Asked()
        self.shape, self.can = Shape(), Can()
        self.links = True
        self.folders: list[Path] = []
        self._folder_roots: list[Path] = []
        self.documents: dict[Path, Held] = {}
        self.roots: dict[Path, Path] = {}
        """Of open documents."""
        self.views: dict[Path, View] = {}
        self.publisher = Publisher(self.text_document_publish_diagnostics)
        self.bar = Progress(self, shown=False)
        self.analyst: Analyst | None = None
        self.code = 1
        """Of the exit: 0 once the client has asked for the shutdown."""
        self._tasks: set[asyncio.Future[None]] = set()
        self._told: set[str] = set()
        self._arrived = asyncio.Event()

    def start(self) -> None:
        """The client has said all that it wants: begin."""
        loop = asyncio.get_running_loop()

        def later(do: Callable[..., None]) -> Callable[..., None]:
            def told(*what: object) -> None:
                with suppress(RuntimeError):  # the client has gone, and the loop with it
                    loop.call_soon_threadsafe(do, *what)

            return told

        self.analyst = Analyst(
            self.opened, self.shape, begun=later(self._begun), stage=later(self._stage), done=later(self._done)
        )
        self.follow_all()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """What waits for the client. One that refuses, or is gone, is left without."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Future[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.log(f"{blame(error)}")

    def configure(self, given: Iterable[object]) -> None:
        """Settings of the editor, later ones winning. What cannot be used is said, and left out."""
        for each in given:
            self.asked, problems = asked.read(each, self.asked)
            for problem in problems:
                self.tell(problem, types.MessageType.Warning)

    def follow_all(self) -> None:
        """Analyse what is open; nothing else is any more."""
        if self.analyst is None:
            return
        wanted = self._wanted()
        for root in [root for root in self.views if root not in wanted]:
            self.analyst.forget(root)
            self.views.pop(root)
            self.publisher.clear(root)
        for root, change in wanted.items():
            self.analyst.wish(root, change)

    def open(self, uri: str, version: int, text: str) -> None:
        """A document is open, or has changed."""
        path = places.path_of(uri)
        if path is None:
            return
        self.documents[path] = held = Held(uri, version, text.encode("utf-8", "replace"))
        if path not in self.roots:
            try:
                self.roots[path] = places.root_of_file(path, self._folder_roots)
            except places.NoProjectError as reason:
                self.tell(str(reason))
                return
        self._wish(self.roots[path], Wish(held={self._relative(path): held}))

    def close(self, uri: str) -> None:
        """What is on disk counts again."""
        path = places.path_of(uri)
        if path is None or self.documents.pop(path, None) is None or path not in self.roots:
            return
        change = Wish(reload=True, held={self._relative(path): None})
        root = self.roots.pop(path)
        if root in self._projects():
            self._wish(root, change)
        else:
            self.follow_all()

    def changed(self, uris: Iterable[str]) -> None:
        """Files on disk were written, made or removed."""
        for path in filter(None, map(places.path_of, uris)):
            for root, view in self.views.items():
                if path.is_relative_to(root):
                    self._wish(root, Wish(reload=True, reopen=_is_setting(path, view)))

    def folders_are(self, uris: Iterable[str]) -> None:
        """The folders of the workspace, in the client's spelling; why one is no project is said."""
        self.folders = [Path(path) for path in map(places.named, uris) if path is not None]
        self._folder_roots = []
        for folder in self.folders:
            try:
                self._folder_roots.append(places.root_of_folder(folder))
            except (places.NoProjectError, ConfigError) as reason:
                self.tell(str(reason), types.MessageType.Warning)

    async def current(self, uri: str) -> tuple[View, str] | None:
        """The view of the document's text as it is now, and its path there; None where there is nothing to say."""
        path = places.path_of(uri)
        if path is None or path not in self.documents or path not in self.roots:
            return None
        relative = self._relative(path)
        until = asyncio.get_running_loop().time() + PATIENCE
        while True:
            view = self.views.get(self.roots.get(path, path))
            held = view.held.get(relative) if view is not None else None
            if view is not None and held is not None and held is self.documents.get(path):
                return (view, relative) if view.report is not None else None
            left = until - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                return None

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Once. Warnings and errors are shown, the rest is for the log."""
        if message in self._told:
            return
        self._told.add(message)
        if kind in (types.MessageType.Error, types.MessageType.Warning):
            self.window_show_message(types.ShowMessageParams(kind, f"slowpath: {message}"))
        else:
            self.log(message, kind)

    def log(self, message: str, kind: types.MessageType = types.MessageType.Error) -> None:
        """One line in the editor's log."""
        self.window_log_message(types.LogMessageParams(kind, f"slowpath: {' '.join(message.split())}"))

    def report_server_error(self, error: Exception, source: object) -> None:
        """A request that failed costs itself; pygls would show each to the user."""
        self.log(f"internal error: {error}")

    def _projects(self) -> list[Path]:
        """Of the folders and of the documents that are open."""
        return list(dict.fromkeys([*self._folder_roots, *self.roots.values()]))

    def _wanted(self) -> dict[Path, Wish]:
        """The projects that are open, as they are now."""
        if not self.asked.enable:
            return {}
        found = {root: Wish(reopen=True, flags=self.asked.flags()) for root in self._projects()}
        shown = [*self.folders, *(path.parent for path in self.documents)]
        for root, wish in found.items():
            wish.shown = places.shown_root(root, shown)
        for path, root in self.roots.items():
            if root in found:
                found[root].held[self._relative(path)] = self.documents[path]
        return found

    def _wish(self, root: Path, change: Wish) -> None:
        if self.analyst is None or not self.asked.enable:
            return
        if root not in self.views:
            change.add(self._wanted().get(root, Wish()))
        self.analyst.wish(root, change)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.roots[path]).as_posix()

    def _begun(self, root: Path) -> None:
        self.later(self.bar.begin(f"reading {root.name}"))

    def _stage(self, words: str) -> None:
        self.bar.stage(words)

    def _done(self, view: View) -> None:
        self.bar.end()
        if self.asked.enable and view.root in self._projects():
            self.views[view.root] = view
            self.publisher.publish(view, self.documents)
        if view.trouble:
            meanwhile = "the settings before it go on" if view.project is not None else "nothing is analysed until then"
            self.tell(f"{view.trouble} ({meanwhile})", types.MessageType.Error)
        if view.failed:
            self.log(f"internal error: {view.failed}")
        for trouble in view.report.troubles if view.report is not None else ():
            if trouble.internal:
                self.tell(f"{trouble.path}: {trouble.message}")
        self._arrived.set()
        self._arrived = asyncio.Event()


def _is_setting(path: Path, view: View) -> bool:
    """Whether a file says how the project is analysed, or what of it is shown."""
    settings = view.project.settings if view.project is not None else Config()
    names = ("slowpath.toml", "pyproject.toml", settings.baseline or NAME)
    return any(path == view.root / name for name in names) or any(
        path.is_relative_to((view.root / folder).resolve()) for folder in settings.rules
    )
