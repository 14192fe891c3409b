"""madang as a contender: the whole path over the posts of a project, in a process of its own.

Run by engine.py: python engine_madang.py PROJECT MODEL-AS-JSON. `BEGIN` is printed when everything is imported and the
warehouse is open; planning, claims, spool and merges come after it, and count.
"""

import asyncio
import cProfile
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp  # noqa: F401 - start-up, as the other contenders' imports are
import pandas as pd  # noqa: F401 - duckdb imports it at the first frame it is handed
import phonenumbers  # noqa: F401

from madang.extraction.run import run_task
from madang.models import online, openai_compatible  # noqa: F401
from madang.models.calling import send_with
from madang.models.control import Rates
from madang.models.protocol import Outcome, Reply, Request
from madang.models.specs import Lane
from madang.settings import Settings
from madang.task import load_task
from madang.warehouse import open_warehouse

_ANSWER = json.dumps({"is_recruiting": True, "topics": ["running"], "age_bands": ["20s"], "gender": "unspecified"})


class InstantModel:
    """A model that answers at once, in this process."""

    lane: Lane = "online"

    def __init__(self, identity: str, concurrency: int) -> None:
        self._concurrency = concurrency

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        yield

    def reserved_usd(self, request: Request) -> float:
        return 0.0

    def send(self, requests: AsyncIterator[Request]) -> AsyncIterator[Outcome]:
        return send_with(self._answer, requests, Rates(self._concurrency))

    async def _answer(self, request: Request) -> Reply:
        await asyncio.sleep(0)
        return Reply(request.hash, _ANSWER, "stop", 1000, 40)


def main() -> None:
    """Runs the task, and says what came out."""
    project, model = Path(sys.argv[1]), json.loads(sys.argv[2])
    settings = Settings(project=project, home=project / ".madang", models={"bench": model})
    task = load_task(project, "groups")
    warehouse = open_warehouse(settings)
    days = (settings.first_day, settings.first_day.replace(year=2030))
    sys.stdout.write("BEGIN\n")
    sys.stdout.flush()
    profile = cProfile.Profile() if os.environ.get("BENCH_PROFILE") else None
    if profile:
        profile.enable()
    began = time.perf_counter()
    report = run_task(task, settings, warehouse, days)
    seconds = time.perf_counter() - began
    if profile:
        profile.disable()
        profile.dump_stats(os.environ["BENCH_PROFILE"])
    done = report.progress
    told = {
        "seconds": seconds, "extracted": done.extracted, "quarantined": done.quarantined, "pending": report.pending,
        "sent": done.sent, "retried": done.retried, "reasked": done.reasked, "reused": done.reused,
    }  # fmt: skip
    sys.stdout.write(f"TOLD {json.dumps(told)}\nEND {done.extracted}\n")


if __name__ == "__main__":
    main()
