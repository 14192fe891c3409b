"""A project whose task `groups` asks Gemini in batch jobs of the proving server, run by the shipped command line."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from faults.shipped import MADANG, Ended, Life, run_once_ready
from pydantic import TypeAdapter
from scenario import ALL_DAYS, Project, posts

from madang.extraction.checks import completeness
from madang.models.batch import BatchLane
from madang.models.batch_journal import UNKEPT, BatchJournal
from madang.models.online_lanes import prices_of
from madang.models.specs import ModelSpec
from proving.client import Proving
from proving.script import BatchScript, Kill, Script

# Everything as quick as a test wants it; free of the table's prices, so that sums are round.
SETTINGS: dict[str, Any] = {
    "lane": "batch", "provider": "gemini", "model": "gemini-2.5-flash", "project": "p", "location": "us-central1",
    "credentials": "local", "storage": "gs://rows/madang", "rows": 100, "jobs": 2, "gather_seconds": 0.3,
    "poll_seconds": 0.05, "logprobs": 0, "input_usd_per_million": 0.1, "output_usd_per_million": 0.4,
}  # fmt: skip


def settings_of(server: Proving, **settings: Any) -> dict[str, Any]:
    """Settings of a batch model at the server; `settings` replace some, None takes one away."""
    urls = dict.fromkeys(("base_url", "storage_url", "bigquery_url"), server.url)
    return {name: value for name, value in {**SETTINGS, **urls, **settings}.items() if value is not None}


def batch_lane(server: Proving, journal: BatchJournal = UNKEPT, **settings: Any) -> BatchLane:
    """A lane without an engine."""
    spec = TypeAdapter(ModelSpec).validate_python(settings_of(server, **settings))
    return BatchLane(spec, prices_of(spec), journal)


@dataclass(frozen=True)
class Batching:
    """The project and the server."""

    project: Project
    server: Proving

    def configure(self, **settings: Any) -> None:
        """Writes the model `local`; `settings` replace some of its own, None takes one away."""
        lines = ["[tool.madang]", 'timezone = "Asia/Seoul"', 'first_day = "2016-01-01"', "[tool.madang.models.local]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in settings_of(self.server, **settings).items()]
        (self.project.folder / "madang.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def tell(self, batch: BatchScript | None = None, **script: Any) -> None:
        """Gives the server a script; a job takes no time by default."""
        self.server.tell(Script(batch=batch or BatchScript(seconds=0.05), **script))

    def ingest(self, count: int, body: str = "running 모집") -> None:
        """Lands posts p01, p02 …"""
        self.project.ingest(*posts(count, body))

    def run(self, *options: str) -> Ended:
        """`madang run groups` to its end."""
        with Life([str(MADANG), "run", "groups", *options], self.project.environment) as life:
            return life.end()

    def run_killed(self, on: Any, at: int = 1, moment: Any = "before", batch: BatchScript | None = None) -> int:
        """`madang run groups`, ended with -9 by the server at its n-th request of a kind."""
        ended = run_once_ready(
            ["run", "groups"], self.project.environment,
            lambda pid: self.tell(batch, kill=Kill(pid=pid, at=at, on=on, moment=moment)),
        )  # fmt: skip
        self.tell(batch)
        return ended.code

    def states(self) -> dict[str, int]:
        """Posts of ops.plans by state."""
        return dict(self.project.rows("SELECT state, count(*) FROM ops.plans GROUP BY state"))

    def outcomes(self) -> dict[str, int]:
        """Lines of the ledger by outcome."""
        return dict(self.project.rows("SELECT outcome, count(*) FROM ops.ledger GROUP BY outcome"))

    def quarantine(self) -> dict[str, int]:
        """Posts given up, by class."""
        return dict(self.project.rows("SELECT failure, count(*) FROM ops.quarantine GROUP BY failure"))

    def jobs(self) -> int:
        """Jobs that the server was made to create."""
        return len(self.server.lines("batch.create"))

    def paid(self) -> Counter[str]:
        """How often the model has answered each row."""
        return Counter(self.server.ids("batch.row"))

    @property
    def is_complete(self) -> bool:
        """Whether planned = extracted + quarantined + pending holds."""
        return completeness(self.project.warehouse, self.project.task(), ALL_DAYS).passed
