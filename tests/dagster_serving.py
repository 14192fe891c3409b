"""Dagster as `madang dev` runs it: code server, daemon and webserver, each a process group of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
from dagster_home import Yard, yard_at

_START_SECONDS = 60
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Serving:
    """A running Dagster.

    Args:
        yard: Its home.
        instance: Its instance.
        url: Of its webserver.
        workspace: File that names its code server.
    """

    yard: Yard
    instance: dg.DagsterInstance
    url: str
    workspace: Path

    def ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Data of a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def runs(self, **tags: str) -> list[dg.RunRecord]:
        """Runs in the order of their creation."""
        found = self.instance.get_run_records(dg.RunsFilter(tags=tags), ascending=True)
        return list(found)

    def drop(self, name: str, text: str) -> Path:
        """Puts a file into the inbox at once, as a move does."""
        draft = self.yard.folder / name
        draft.write_text(text, encoding="utf-8")
        return draft.rename(self.yard.inbox / name)


def wait_for(what: Callable[[], _Found | None], seconds: float, why: str) -> _Found:
    """Asks until there is an answer.

    Raises:
        TimeoutError: There was none in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.3)
    raise TimeoutError(f"{why}: not within {seconds} s")


@contextmanager
def process(log: Path, environment: Mapping[str, str], *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a process group of its own, which is ended whole."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *command], stdout=output, stderr=output, env=dict(environment), cwd=log.parent,
            start_new_session=True,
        )  # fmt: skip
        try:
            yield started
        finally:
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(started.pid, sign)
                    started.wait(10)
                except (ProcessLookupError, subprocess.TimeoutExpired):
                    continue


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def serving_at(folder: Path) -> Iterator[Serving]:
    """Starts Dagster over a new home, and ends it."""
    with ExitStack() as stack:
        yard = stack.enter_context(yard_at(folder))
        instance = stack.enter_context(dg.DagsterInstance.get())
        # Several runs at a time: the shipped limit of one is there for the local model's sake.
        instance.event_log_storage.set_concurrency_slots("local_model", 4)
        code, web = free_port(), free_port()
        workspace = yard.folder / "workspace.yaml"
        workspace.write_text(
            f"load_from: [{{grpc_server: {{host: 127.0.0.1, port: {code}, location_name: madang}}}}]\n"
        )
        commands = {
            "code": ("dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(code), "-m", "orchestration.definitions"),
            "daemon": ("dagster._daemon", "run", "-w", str(workspace)),
            "web": ("dagster_webserver", "-h", "127.0.0.1", "-p", str(web), "-w", str(workspace)),
        }
        for name, command in commands.items():
            stack.enter_context(process(yard.folder / f"{name}.log", yard.environment, *command))
            if name == "code":
                wait_for(lambda: is_listening(code), _START_SECONDS, "code server")
        wait_for(lambda: is_listening(web), _START_SECONDS, "webserver")
        yield Serving(yard, instance, f"http://127.0.0.1:{web}", workspace)
