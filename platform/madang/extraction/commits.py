"""What a walk has settled and not yet brought to the warehouse, and when that is due."""

import asyncio
import time
from collections.abc import Sequence

from madang.extraction.running import Running
from madang.extraction.settling import Settled, commit_settled
from madang.extraction.spool import Record

# A commit looks for its keys among all rows that are there, so those of a quick lane are made seldomer as they take
# longer, and never of more posts than fit the memory easily.
_POSTS = 2000
_MOST_POSTS = 10_000
_MOST_SECONDS = 10.0
_LEAST_PAUSE = 4.0  # times what the last one took


class Commits:
    """Commits of one run, one after the other.

    Args:
        running: The run.
    """

    def __init__(self, running: Running) -> None:
        self._run = running
        self.settled: list[Settled] = []
        self._records: list[Record] = []
        self._appends: list[int] = []
        self._one_at_a_time = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None
        self._ended_at, self._took_seconds = time.monotonic(), 0.0

    def keep(self, append: int, records: Sequence[Record]) -> None:
        """Takes records of the spool, with the number of their append."""
        self._appends.append(append)
        self._records += records

    async def commit_if_due(self, group: asyncio.TaskGroup) -> None:
        """Begins a commit beside the lanes if one is due; waits for it where too many posts have settled meanwhile."""
        count, seconds = len(self.settled), time.monotonic() - self._ended_at
        if count >= _MOST_POSTS:
            await self.commit(least_posts=_MOST_POSTS)
        elif self._beside is None and (
            (count >= _POSTS and seconds > _LEAST_PAUSE * self._took_seconds) or (count and seconds > _MOST_SECONDS)
        ):
            self._beside = group.create_task(self._commit_beside())

    async def commit(self, least_posts: int = 0) -> None:
        """Brings everything to the warehouse; nothing where a commit that was waited for has left fewer posts."""
        run = self._run
        async with self._one_at_a_time:
            if len(self.settled) < least_posts:
                return
            settled, self.settled = self.settled, []
            records, self._records = self._records, []
            appends, self._appends = self._appends, []
            began = time.monotonic()
            if settled or records:
                await asyncio.to_thread(commit_settled, run.warehouse, run.task, run.recipe, run.run, settled, records)
                replied = [str(record["request_hash"]) for record in records if record["outcome"] == "ok"]
                run.claims.mark(replied, "committed")
                run.spool.forget(appends)
            self._ended_at = time.monotonic()
            self._took_seconds = self._ended_at - began
        if settled or records:
            run.progress.count(settled)
            run.on_progress(run.progress)

    async def _commit_beside(self) -> None:
        try:
            await self.commit()
        finally:
            self._beside = None
