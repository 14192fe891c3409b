"""The shipped command line in processes of its own, and what can be seen of them from outside: spool, claims, locks."""

import json
import sqlite3
import struct
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from scenario import Project

MADANG = Path(sys.executable).with_name("madang")
_HEADER = struct.Struct("<II")
Record = dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str


class Life:
    """One process; a test that fails takes it along."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> "Life":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # does nothing to one that has ended
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def line(self, holding: str) -> str:
        """The next line of its output that holds a text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if holding in line:
                return line
        raise AssertionError(f"it ended without saying {holding!r}: {self.end()}")

    def say(self, text: str = "") -> None:
        """Writes a line to its input."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{text}\n")
        self.process.stdin.flush()

    def kill(self) -> Ended:
        """Ends it with -9."""
        self.process.kill()
        return self.end()

    def end(self) -> Ended:
        """Waits until it has ended."""
        out, err = self.process.communicate(timeout=120)
        return Ended(self.process.returncode, out, err)


def run_once_ready(arguments: Sequence[str], environment: dict[str, str], ready: Callable[[int], None]) -> Ended:
    """`madang …` to its end, begun once somebody who needs its process id has had it.

    Args:
        arguments: Its arguments.
        environment: Its environment.
        ready: Called with the process id before madang begins.
    """
    with TemporaryDirectory() as folder:
        gate = Path(folder) / "gate"
        # The shell waits for the file, and becomes the command.
        shell = 'while [ ! -e "$1" ]; do sleep 0.01; done; shift; exec "$@"'
        with Life(["sh", "-c", shell, "sh", str(gate), str(MADANG), *arguments], environment) as life:
            ready(life.process.pid)
            gate.touch()
            return life.end()


@dataclass(frozen=True)
class Shipped:
    """The command line in a project."""

    project: Project

    def start(self, *arguments: str, concurrency: int = 4, **options: str | float) -> Life:
        """Starts `madang …`; the options are the scripted model's."""
        config = self.project.folder / f"model-{time.monotonic_ns()}.toml"
        options = {"log": str(self.project.folder / "requests.log")} | options
        config.write_text(
            '[tool.madang.models.local]\nlane = "online"\nfactory = "fakes:ScriptedModel"\n'
            f'identity = "scripted-local"\nconcurrency = {concurrency}\n[tool.madang.models.local.options]\n'
            + "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
        )
        return Life([str(MADANG), *arguments], self.project.environment | {"MADANG_CONFIG": str(config)})

    def run(self, *arguments: str, concurrency: int = 4, **options: str | float) -> Ended:
        """Runs `madang …` to its end."""
        with self.start(*arguments, concurrency=concurrency, **options) as life:
            return life.end()

    def sent(self) -> Counter[str]:
        """How often the model has received each request."""
        return Counter(self.project.sent())

    def unknown(self) -> Counter[str]:
        """How often the ledger says of each request that it was in flight when its sender died."""
        return self._ledger("unknown")

    def answered(self) -> Counter[str]:
        """How often the ledger says of each request that its reply came."""
        return self._ledger("ok")

    def _ledger(self, outcome: str) -> Counter[str]:
        found = self.project.rows("SELECT request_hash FROM ops.ledger WHERE outcome = ?", outcome)
        return Counter(request_hash for (request_hash,) in found)

    def replies(self) -> list[str]:
        """Request hashes of ops.replies."""
        return [request_hash for (request_hash,) in self.project.rows("SELECT request_hash FROM ops.replies")]

    def claims(self, state: str) -> list[tuple[str, str]]:
        """Owner and request hash of the claims in a state."""
        with _opened(self.project.home / "claims.sqlite") as file:
            return file.execute("SELECT owner, request_hash FROM claims WHERE state = ?", [state]).fetchall()

    def logs(self) -> list[Path]:
        """Logs in the spool."""
        return sorted((self.project.home / "spool").glob("*/*.log"))

    def spooled(self) -> set[str]:
        """Request hashes of the replies that are whole in the spool."""
        records = (record for log in self.logs() for record, _ in whole_records(log.read_bytes()))
        return {record["request_hash"] for record in records if record["outcome"] == "ok"}

    def data_files(self, table: str) -> set[Path]:
        """Data files of a table, committed or not."""
        return set((self.project.home / "warehouse" / "data" / table.replace(".", "/")).glob("*.parquet"))


def enter(project: Project, patch: pytest.MonkeyPatch) -> Project:
    """Makes a project this process's own."""
    for name in ("MADANG_PROJECT", "MADANG_HOME", "MADANG_CONFIG"):
        patch.setenv(name, project.environment[name])
    return project


def whole_records(log: bytes) -> list[tuple[Record, bytes]]:
    """Every record of a log with its bytes: length, CRC-32, JSON. Written down here once more, to judge the spool."""
    found, at = [], 0
    while at + _HEADER.size <= len(log):
        length, checksum = _HEADER.unpack_from(log, at)
        payload = log[at + _HEADER.size : at + _HEADER.size + length]
        if length == 0 or zlib.crc32(payload) != checksum:
            break
        found.append((json.loads(payload), log[at : at + _HEADER.size + length]))
        at += _HEADER.size + length
    return found


@contextmanager
def write_locked(database: Path) -> Iterator[None]:
    """Keeps every other process from committing to an SQLite file: a process that tries waits."""
    with _opened(database) as file:
        file.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    file = sqlite3.connect(database, timeout=30, isolation_level=None)
    try:
        yield file
    finally:
        file.close()


def until(condition: Callable[[], object], life: Life | None = None, seconds: float = 60) -> None:
    """Waits for something that another process does; fails when that has ended, or after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert life is None or life.process.poll() is None, life.end()
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)
