"""A project whose task `groups` asks one lane of the proving server, and a command line that the server can kill."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from faults.shipped import MADANG, Ended, Life, run_once_ready
from proving import Kill, Proving, Script
from proving.batching import settings_of
from proving.script import Kind
from scenario import Project


def _gemini(server: Proving) -> dict[str, Any]:
    return {"provider": "gemini", "model": "gemini-2.5-flash", "project": "p", "base_url": server.url,
            "credentials": "local"}  # fmt: skip


def _openai(server: Proving) -> dict[str, Any]:
    return {"provider": "openai", "model": "gpt-4o-mini", "base_url": f"{server.url}/v1"}


def _anthropic(server: Proving) -> dict[str, Any]:
    return {"provider": "pydantic-ai", "model": "anthropic:claude-haiku-4-5"}


ONLINE: dict[str, Callable[[Proving], dict[str, Any]]] = {
    "gemini": _gemini, "openai": _openai, "anthropic": _anthropic
}  # fmt: skip
# A batch lane by the place of its rows.
BATCH = {"storage": "gs://rows/madang", "bigquery": "bq://p.rows"}


@dataclass(frozen=True)
class Point:
    """Where the server ends a run: at its so manieth request of a kind, before or after it is answered."""

    on: Kind
    at: int
    moment: Literal["before", "after"] = "before"


@dataclass(frozen=True)
class Lane:
    """One lane of a project.

    Args:
        project: The project.
        server: Whom it asks.
        name: One of `ONLINE` or `BATCH`.
    """

    project: Project
    server: Proving
    name: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a process of the project; Anthropic's key and address come from there."""
        return self.project.environment | {
            "ANTHROPIC_API_KEY": "a key of nobody", "ANTHROPIC_BASE_URL": self.server.url
        }  # fmt: skip

    def configure(self, concurrency: int = 1, policy: dict[str, float] | None = None, **settings: Any) -> None:
        """Writes the model `local`.

        Args:
            concurrency: Calls in flight; of a batch lane, jobs: one holds all rows, several hold four each.
            policy: Patience with failed calls.
            settings: Replace some of the lane's own.
        """
        if self.name in ONLINE:
            model = {"lane": "online", "concurrency": concurrency, **ONLINE[self.name](self.server), **settings}
        else:
            rows = 100 if concurrency == 1 else 4
            model = settings_of(self.server, storage=BATCH[self.name], jobs=concurrency, rows=rows, **settings)
        lines = ["[tool.madang]", 'timezone = "Asia/Seoul"', 'first_day = "2016-01-01"', "[tool.madang.policy]"]
        lines += [f"{name} = {value}" for name, value in (policy or {"first_delay_seconds": 0.05}).items()]
        lines += ["[tool.madang.models.local]", *(f"{name} = {json.dumps(value)}" for name, value in model.items())]
        (self.project.folder / "madang.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def run(self, *arguments: str) -> Ended:
        """`madang run groups`, or with other arguments, to its end."""
        with Life([str(MADANG), *(arguments or ("run", "groups"))], self.environment) as life:
            return life.end()

    def run_killed(self, point: Point, script: Script) -> Ended:
        """`madang run groups`, ended with -9 by the server; the script goes on without the kill."""

        def tell(pid: int) -> None:
            kill = Kill(pid=pid, at=point.at, on=point.on, moment=point.moment)
            self.server.tell(script.model_copy(update={"kill": kill}))

        ended = run_once_ready(["run", "groups"], self.environment, tell)
        self.server.tell(script)
        return ended
