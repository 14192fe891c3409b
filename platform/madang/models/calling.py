"""Turns a function that makes one call into a lane: so many calls in flight, each failure an outcome.

A provider that answers one request at a time needs only `Caller`; batch and local lanes write `send` themselves.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from madang.errors import CallFailed, TransientFailure
from madang.models.protocol import Failure, Outcome, Reply, Request


class Caller(Protocol):
    """Makes one call.

    Raises:
        CallFailed: With its class; anything else is a bug and ends the run.
    """

    async def __call__(self, request: Request) -> Reply: ...


async def send_with(call: Caller, requests: AsyncIterator[Request], concurrency: int) -> AsyncIterator[Outcome]:
    """Keeps at most `concurrency` calls in flight; a request is pulled only when a place is free.

    A call's end costs the same however many others are in flight: waiting for the first of two hundred tasks to end
    took four times the CPU.
    """
    places = asyncio.Semaphore(concurrency)
    ended: asyncio.Queue[asyncio.Task[Outcome] | asyncio.Task[None]] = asyncio.Queue()
    in_flight: set[asyncio.Task[Outcome]] = set()

    async def feed() -> None:
        while True:
            await places.acquire()
            request = await anext(requests, None)
            if request is None:
                return
            task = asyncio.create_task(_outcome(call, request))
            in_flight.add(task)
            task.add_done_callback(ended.put_nowait)

    feeding = asyncio.create_task(feed())
    feeding.add_done_callback(ended.put_nowait)
    try:
        while in_flight or not feeding.done():
            done = await ended.get()
            if done is feeding:
                feeding.result()  # raises what pulling raised, without waiting for the calls in flight
                continue
            outcome = done.result()
            assert outcome is not None
            in_flight.discard(done)
            places.release()
            yield outcome
        feeding.result()
    finally:
        for unfinished in (feeding, *in_flight):
            unfinished.cancel()


async def _outcome(call: Caller, request: Request) -> Outcome:
    try:
        return await call(request)
    except TransientFailure as error:
        return Failure(request.hash, error.failure, error.culprit, True, error.usd, error.retry_after_seconds,
                       error.is_overload)  # fmt: skip
    except CallFailed as error:
        return Failure(request.hash, error.failure, error.culprit, False, error.usd)
