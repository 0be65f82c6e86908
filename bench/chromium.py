"""A browser for pages on disk, told what to do by the DevTools protocol over a pipe: no port is opened."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
)  # fmt: skip


class BrowserError(Exception):
    """The browser did not do as it was told."""


def found() -> str | None:
    """The browser, where one is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Page:
    """One tab. `events` are all that the browser reported."""

    def __init__(self, to: int, back: int) -> None:
        self.to, self.back = to, back
        self.buffer = b""
        self.last = 0
        self.session = ""
        self.events: list[dict[str, Any]] = []

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command. Raises BrowserError."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return dict(answer["result"])
            self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            data = os.read(self.back, 1 << 16)
            if not data:
                raise BrowserError("the browser is gone")
            self.buffer += data
        text, _, self.buffer = self.buffer.partition(b"\0")
        return dict(json.loads(text))

    def value(self, expression: str) -> Any:
        """What a script's expression is, as JSON."""
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"])[:500])
        return answer["result"].get("value")

    def open(self, file: Path, until: str, seconds: float = 30) -> None:
        """Load a file, and wait until an expression holds."""
        self("Page.navigate", url=file.resolve().as_uri())
        end = time.monotonic() + seconds
        while not self.value(until):
            if time.monotonic() > end:
                raise BrowserError(f"{file.name}: not within {seconds} s: {until}")
            time.sleep(0.05)

    def window(self, width: int, height: int = 900, scheme: str = "light") -> None:
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, file: Path) -> None:
        """Of the whole page."""
        shot = self("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, file: Path) -> None:
        file.write_bytes(
            base64.b64decode(self("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])
        )

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, and exceptions."""
        told = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                told.append(str(params["exceptionDetails"])[:500])
            elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                told.append(str(params["args"])[:500])
            elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                told.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return told

    def requests(self) -> list[str]:
        """Addresses that it asked for."""
        sent = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]


@contextlib.contextmanager
def page() -> Iterator[Page]:
    """A tab in a browser of its own, which ends with it."""
    browser = found()
    if browser is None:
        raise BrowserError("no chromium on PATH")
    ours, theirs_out = os.pipe()
    theirs_in, to = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = f'exec 3<&{theirs_in} 4>&{theirs_out}; exec "$@"'
        flags = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank")
        running = subprocess.Popen(
            ["bash", "-c", command, "bash", browser, *flags],
            pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        tab = Page(to, ours)
        try:
            target = next(t for t in tab("Target.getTargets")["targetInfos"] if t["type"] == "page")
            tab.session = tab("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                tab(f"{domain}.enable")
            yield tab
            tab.session = ""
            tab("Browser.close")
        finally:
            running.terminate()
            running.wait(10)
            os.close(to)
            os.close(ours)
