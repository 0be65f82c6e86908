"""An editor, as far as a language server can tell: JSON-RPC over the pipes of a process."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Message = dict[str, Any]
PATIENCE = 60.0
CAN: Message = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "publishDiagnostics": {"relatedInformation": True, "versionSupport": True, "dataSupport": True},
        "codeAction": {
            "isPreferredSupport": True,
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "source.fixAll"]}},
        },
        "hover": {"contentFormat": ["markdown"]},
    },
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["create"]},
        "workspaceFolders": True,
        "configuration": True,
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "window": {"workDoneProgress": True},
}
"""What today's editors can."""


class Editor:
    """Keeps all that the server says; `settings` are its answer to `workspace/configuration`."""

    def __init__(self, *arguments: str, settings: Message | None = None, **env: str) -> None:
        command = [sys.executable, "-c", "from slowpath.cli import main; main()", "server", *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **env}
        )
        self.settings = settings
        self.heard: list[Message] = []
        self.diagnostics: dict[str, Message] = {}
        """What was last published of a file, by its URI."""
        self.versions: dict[str, int] = {}
        self._incoming: queue.Queue[Message | None] = queue.Queue()
        self._count = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while header := self.process.stdout.readline():
            length = int(header.split(b":")[1])
            while self.process.stdout.readline().strip():
                pass
            self._incoming.put(json.loads(self.process.stdout.read(length)))
        self._incoming.put(None)

    def send(self, message: Message) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, **params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> int:
        self._count += 1
        self.send({"id": self._count, "method": method, "params": params})
        return self._count

    def request(self, method: str, **params: Any) -> Any:
        """The result, or what is wrong as a dict with `code`."""
        return self.answer(self.ask(method, **params))

    def answer(self, number: int) -> Any:
        found = self.until(lambda message: message.get("id") == number and "method" not in message)
        return found.get("error") or found.get("result")

    def until(self, wanted: Callable[[Message], bool]) -> Message:
        """The next message like that; what the server asks meanwhile is answered."""
        while True:
            message = self._incoming.get(timeout=PATIENCE)
            if message is None:
                raise EOFError("the server has ended")
            self._take(message)
            if wanted(message):
                return message

    def _take(self, message: Message) -> None:
        self.heard.append(message)
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]
        if "id" in message and "method" in message:
            answer = [self.settings] if message["method"] == "workspace/configuration" else None
            self.send({"id": message["id"], "result": answer})

    def start(self, *folders: Path, can: Message = CAN, **options: Any) -> Message:
        result: Message = self.request(
            "initialize",
            processId=os.getpid(),
            rootUri=folders[0].as_uri() if folders else None,
            workspaceFolders=[{"uri": folder.as_uri(), "name": folder.name} for folder in folders] or None,
            capabilities=can,
            **options,
        )
        self.notify("initialized")
        return result

    def open(self, path: Path, text: str | None = None) -> str:
        uri = path.as_uri()
        self.versions[uri] = 1
        shown = path.read_bytes().decode("utf-8-sig") if text is None else text
        item = {"uri": uri, "languageId": "x", "version": 1, "text": shown}
        self.notify("textDocument/didOpen", textDocument=item)
        return uri

    def change(self, uri: str, text: str) -> None:
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", textDocument=document, contentChanges=[{"text": text}])

    def published(self, uri: str) -> list[Message]:
        """The diagnostics of the document as it is now."""
        version = self.versions.get(uri)
        self.until(
            lambda message: (
                message.get("method") == "textDocument/publishDiagnostics"
                and message["params"]["uri"] == uri
                and message["params"].get("version") == version
            )
        )
        found: list[Message] = self.diagnostics[uri]["diagnostics"]
        return found

    def actions(self, uri: str, where: Message, **context: Any) -> list[Message]:
        found = self.request(
            "textDocument/codeAction", textDocument={"uri": uri}, range=where, context={"diagnostics": [], **context}
        )
        assert found is None or isinstance(found, list), found
        return found or []

    def stop(self) -> int:
        """The exit code."""
        self.request("shutdown")
        self.notify("exit")
        return self.process.wait(PATIENCE)


@contextmanager
def editor(*arguments: str, **options: Any) -> Iterator[Editor]:
    """One that ends with the test, and whose server has nothing to say on stderr."""
    opened = Editor(*arguments, **options)
    try:
        yield opened
    finally:
        assert opened.process.stdin is not None and opened.process.stderr is not None
        opened.process.stdin.close()
        if opened.process.poll() is None:
            opened.process.kill()
        said = opened.process.stderr.read().decode()
        opened.process.wait()
    assert "Traceback" not in said, said


def applied(text: str, edits: list[Message]) -> str:
    """Text edits in UTF-16 positions, as an editor applies them."""
    units = [line.encode("utf-16-le") for line in text.splitlines(keepends=True)] + [b""]

    def at(position: Message) -> int:
        return sum(map(len, units[: position["line"]])) + 2 * int(position["character"])

    whole = b"".join(units)
    for edit in sorted(edits, key=lambda edit: at(edit["range"]["start"]), reverse=True):
        start, end = at(edit["range"]["start"]), at(edit["range"]["end"])
        whole = whole[:start] + edit["newText"].encode("utf-16-le") + whole[end:]
    return whole.decode("utf-16-le")
