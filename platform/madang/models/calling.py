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
    """Keeps at most `concurrency` calls in flight; a request is pulled only when a place is free."""
    in_flight: set[asyncio.Task[Outcome]] = set()
    pulling: asyncio.Task[Request | None] | None = None
    is_exhausted = False
    try:
        while True:
            if pulling is None and not is_exhausted and len(in_flight) < concurrency:
                pulling = asyncio.create_task(_pull(requests))
            waiting = in_flight | ({pulling} if pulling else set())
            if not waiting:
                return
            # Pulling may wait for long: replies that arrive meanwhile must not wait with it.
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if pulling in done:
                request = pulling.result()
                pulling = None
                is_exhausted = request is None
                if request is not None:
                    in_flight.add(asyncio.create_task(_outcome(call, request)))
            for call_done in [task for task in in_flight if task in done]:
                in_flight.discard(call_done)
                yield call_done.result()
    finally:
        for unfinished in in_flight | ({pulling} if pulling else set()):
            unfinished.cancel()


async def _pull(requests: AsyncIterator[Request]) -> Request | None:
    return await anext(requests, None)


async def _outcome(call: Caller, request: Request) -> Outcome:
    try:
        return await call(request)
    except CallFailed as error:
        return Failure(request.hash, error.failure, error.culprit, isinstance(error, TransientFailure))
