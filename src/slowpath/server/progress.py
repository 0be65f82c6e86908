"""The editor's progress bar, while a project is read for the first time."""

from __future__ import annotations

from lsprotocol import types
from pygls.lsp.server import LanguageServer


class Progress:
    """One at a time; nothing where the client shows none."""

    def __init__(self, server: LanguageServer, *, shown: bool) -> None:
        self.server, self.shown = server, shown
        self._count = 0
        self._token = ""

    async def begin(self, title: str) -> None:
        """Asks the client for a bar first."""
        if not self.shown:
            return
        self._count += 1
        self._token = token = f"slowpath/{self._count}"
        await self.server.work_done_progress.create_async(token)
        if self._token == token:  # it has not ended meanwhile
            self.server.work_done_progress.begin(token, types.WorkDoneProgressBegin(title, cancellable=False))

    def stage(self, words: str) -> None:
        """What is being done."""
        if self._begun():
            self.server.work_done_progress.report(self._token, types.WorkDoneProgressReport(message=words))

    def end(self) -> None:
        """All is read."""
        if self._begun():
            self.server.work_done_progress.end(self._token, types.WorkDoneProgressEnd())
        self._token = ""

    def _begun(self) -> bool:
        return self._token in self.server.work_done_progress.tokens
