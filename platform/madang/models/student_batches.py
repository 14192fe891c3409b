"""Batches answered in a thread of their own, while the engine's loop claims the next ones and reads those before."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from madang.models.protocol import Outcome, Request

# One is read by the engine, one is with the student, one is ready for it.
_IN_FLIGHT = 3


class _BatchEnded:
    """Stands behind the last part of a batch."""


class _AllEnded:
    """Stands behind the last batch."""


async def answered_beside(
    answer: Callable[[Sequence[Request]], Iterator[list[Outcome]]], batches: AsyncIterator[Sequence[Request]]
) -> AsyncIterator[list[Outcome]]:
    """Outcomes of batches, in order.

    Args:
        answer: Answers one batch, in parts; it runs in one thread.
        batches: Pulled ahead, a few at a time.
    """
    loop, room = asyncio.get_running_loop(), asyncio.Semaphore(_IN_FLIGHT)
    parts: asyncio.Queue[list[Outcome] | BaseException | _BatchEnded | _AllEnded] = asyncio.Queue()
    # A thread goes on with the next batch although the loop is busy reading the one before.
    thread = ThreadPoolExecutor(1, "student")

    def put(part: list[Outcome] | BaseException | _BatchEnded | _AllEnded) -> None:
        loop.call_soon_threadsafe(parts.put_nowait, part)

    def work(batch: Sequence[Request]) -> None:
        try:
            for outcomes in answer(batch):
                put(outcomes)
        except BaseException as error:  # raised where outcomes are awaited
            put(error)
        put(_BatchEnded())

    async def feed() -> None:
        try:
            while await room.acquire() and (batch := await anext(batches, None)) is not None:
                thread.submit(work, batch)
        finally:
            thread.submit(put, _AllEnded())

    feeding = asyncio.create_task(feed())
    try:
        while not isinstance(part := await parts.get(), _AllEnded):
            if isinstance(part, BaseException):
                raise part
            if isinstance(part, _BatchEnded):
                room.release()
            else:
                yield part
        await feeding  # raises what pulling raised
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        thread.shutdown(wait=False, cancel_futures=True)
