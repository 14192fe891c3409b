"""Reads and photographs pages of a headless Chromium over its DevTools socket."""

import base64
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

_START_SECONDS = 30


def chromium() -> str:
    """The browser's path; skips the test where there is none, and fails it where services are required."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return found
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail("no chromium on the PATH, and REQUIRE_SERVICES=1")
    pytest.skip("no chromium on the PATH")


class Page:
    """One tab."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection, self._sent = connection, 0

    def _call(self, method: str, **parameters: object) -> dict[str, Any]:
        self._sent += 1
        self._connection.send(json.dumps({"id": self._sent, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._connection.recv(timeout=60))
            if told.get("id") == self._sent:
                return told["result"]

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        return self._call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    @property
    def text(self) -> str:
        """What a reader sees, without white space at line ends."""
        return self.evaluate("document.body ? document.body.innerText : ''") or ""

    def wait_for(self, *words: str, seconds: float = 40) -> str:
        """Text of the page once it holds all words.

        Raises:
            TimeoutError: It did not; says what the page shows instead.
        """
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.text
            if all(word in shown for word in words):
                return shown
            time.sleep(0.2)
        raise TimeoutError(f"{[word for word in words if word not in shown]} are not in:\n{shown[:3000]}")

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browsing(folder: Path, width: int = 1600, height: int = 1200) -> Iterator[Page]:
    """Opens a browser with a profile of its own, and ends it whole."""
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-quic", f"--user-data-dir={folder / 'profile'}",
        "--remote-debugging-port=0", f"--window-size={width},{height}", "about:blank",
    ]  # fmt: skip
    with (folder / "chromium.log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        with connect(_socket_of(folder / "profile" / "DevToolsActivePort"), max_size=None, proxy=None) as connection:
            yield Page(connection)
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)


def _socket_of(file: Path) -> str:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if file.exists() and "\n" in file.read_text():
            port = file.read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                tabs = json.load(answer)
            return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
        time.sleep(0.1)
    raise TimeoutError(f"chromium: not within {_START_SECONDS} s; see {file.parent.parent / 'chromium.log'}")
