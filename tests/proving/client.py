"""The proving server seen from a test: a process of its own, with what it has received and a way to tell it more."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proving.script import Rule, Script

_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Proving:
    """A running server.

    Args:
        url: Where it listens, without a slash at the end.
        file: Its log.
        pid: Its process.
    """

    url: str
    file: Path
    pid: int

    def tell(self, script: Script | None = None, *rules: Rule) -> None:
        """Gives it a new script; without one, answers at once and without a fault but for the rules."""
        told = script or Script(rules=rules)
        self._call("script", told.model_dump_json().encode())

    def counters(self) -> dict[str, Any]:
        """What it has received since it started."""
        found: dict[str, Any] = json.loads(self._call("counters"))
        return found

    def lines(self, kind: str | None = "model") -> list[dict[str, Any]]:
        """Its log, oldest first."""
        found = [json.loads(line) for line in self.file.read_text(encoding="utf-8").splitlines()]
        return [line for line in found if kind in (None, line["kind"])]

    def ids(self, kind: str = "model") -> list[str]:
        """Ids of the requests of a kind: hashes of madang's requests, where madang's own lanes sent them."""
        return [line["id"] for line in self.lines(kind)]

    def stop(self) -> None:
        """Ends it in the middle of things."""
        os.kill(self.pid, signal.SIGKILL)

    def _call(self, name: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(f"{self.url}/proving/{name}", body)
        with urllib.request.urlopen(request, timeout=10) as answer:
            read: bytes = answer.read()
        return read


@contextmanager
def proving(folder: Path, script: Script | None = None) -> Iterator[Proving]:
    """Starts a server, and stops it in the end.

    Args:
        folder: Where its log and script are written.
        script: What it is told to begin with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, file = folder / "proving.log", folder / "proving.json"
    log.touch()
    file.write_text((script or Script()).model_dump_json(), encoding="utf-8")
    command = [sys.executable, "-m", "proving", "--log", str(log), "--script", str(file)]
    process = subprocess.Popen(command, cwd=_TESTS, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, f"the proving server ended with {process.wait()}"
        yield Proving(f"http://127.0.0.1:{port}", log, process.pid)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
