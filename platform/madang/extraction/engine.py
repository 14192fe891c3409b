"""The engine: sends what nobody has sent, once, and brings every planned post to a row or to quarantine.

A walk feeds posts through the lanes. What another process has claimed is left out of it and tried again once that
process has committed or died. A lane is opened (it may wait for another process's model lock) before anything is
claimed for it: the other way round two processes could wait for each other.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

import polars as pl

from madang.extraction.adoption import adopt
from madang.extraction.prepared import Preparation, PreparedPost
from madang.extraction.resuming import finish_jobs, take_jobs_of_the_dead
from madang.extraction.running import Running
from madang.extraction.spool import is_alive
from madang.extraction.walk import Walk

Result = TypeVar("Result")
# Texts are read so many posts at a time, since each read looks through all posts of these days; then few posts are
# prepared, so that the first calls do not wait, and after them more, since each chunk looks for replies among all.
_READ_POSTS = 20_000
_FIRST_POSTS, _CHUNK_POSTS = 500, 4_000
_POLL_SECONDS = 0.2
# New objects, then rounds of the youngest, then rounds of the middle: Python's own are 700, 10 and 10.
_COLLECTED_AFTER = (50_000, 50, 100)


class Engine:
    """Extracts for one run in this process."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def extract(self, posts: pl.DataFrame) -> None:
        """Brings planned posts to a row or to quarantine; transient failures stay pending.

        Raises:
            CapReached: The next call would pass the cap. What was received is committed.
            DiskFull: There is no room for replies. What was received is committed.
            ModelFileError: A model cannot be loaded. Nothing was sent to it.
            ModelUnavailable: A model only fails, or a batch job cannot be looked at. The job stays written down.
        """
        with _seldom_collected():
            await self._extract(posts)

    async def _extract(self, posts: pl.DataFrame) -> None:
        preparation = Preparation(self._running.warehouse, self._running.task, self._running.catalogue)
        # A job that another process paid for is collected beside our own calls, whatever becomes of those.
        taken = await asyncio.to_thread(take_jobs_of_the_dead, self._running)
        walking = Walk(self._running, preparation).run(self._prepared(preparation, posts))
        walked, left = await asyncio.gather(walking, finish_jobs(self._running, taken), return_exceptions=True)
        held = _result(walked)
        _result(left)
        while held:
            await self._until_some_are_free(held)
            await finish_jobs(self._running, await asyncio.to_thread(take_jobs_of_the_dead, self._running))
            held = await Walk(self._running, preparation).run(_once(held))

    async def _prepared(self, preparation: Preparation, posts: pl.DataFrame) -> AsyncIterator[list[PreparedPost]]:
        for part in posts.iter_slices(_READ_POSTS):
            texts = await asyncio.to_thread(preparation.texts, part)
            for chunk in (texts[:_FIRST_POSTS], *texts[_FIRST_POSTS:].iter_slices(_CHUNK_POSTS)):
                yield await asyncio.to_thread(preparation.of_texts, chunk)

    async def _until_some_are_free(self, posts: list[PreparedPost]) -> None:
        while all([await asyncio.to_thread(self._is_held, post) for post in posts]):
            await asyncio.sleep(_POLL_SECONDS)

    def _is_held(self, post: PreparedPost) -> bool:
        assert post.request is not None
        held = self._running.claims.held(post.request.hash)
        if held is None or held.state == "committed":
            return False
        if not is_alive(self._running.spool_folder, held.owner):
            adopt(self._running.warehouse, self._running.claims, self._running.spool_folder, held.owner)
            return False
        return True


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Has Python look for cycles seldom: among the objects of ten thousand posts, which have none, the search took a
    quarter of a run's CPU.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECTED_AFTER)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _once(posts: list[PreparedPost]) -> AsyncIterator[list[PreparedPost]]:
    yield posts


def _result(ended: Result | BaseException) -> Result:
    if isinstance(ended, BaseException):
        raise ended
    return ended
