"""Requests gathered into batches, as they come."""

import asyncio
from collections.abc import AsyncIterator

from madang.models.protocol import Request


async def gathered(
    requests: AsyncIterator[Request], most: int, pause_seconds: float, places: asyncio.Semaphore
) -> AsyncIterator[list[Request]]:
    """Batches of requests; one is pulled only when a batch may be given out.

    Args:
        requests: Where they are pulled from.
        most: Most requests of a batch.
        pause_seconds: A batch is full when no further request came for so long.
        places: Batches that may be under way; a place is taken for each, and whoever gets the batch gives it back.
    """
    batch: list[Request] = []
    pulling: asyncio.Task[Request | None] | None = None
    try:
        while True:
            if not batch:
                await places.acquire()
            if pulling is None:
                pulling = asyncio.create_task(_next(requests))
            await asyncio.wait({pulling}, timeout=pause_seconds if batch else None)
            if pulling.done():
                request, pulling = pulling.result(), None
                if request is None:
                    break
                batch.append(request)
                if len(batch) < most:
                    continue
            yield batch
            batch = []
        if batch:
            yield batch
        else:
            places.release()
    finally:
        if pulling is not None:
            pulling.cancel()


async def _next(requests: AsyncIterator[Request]) -> Request | None:
    return await anext(requests, None)
