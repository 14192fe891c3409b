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


async def send_with(
    call: Caller, requests: AsyncIterator[Request], concurrency: int
) -> AsyncIterator[Outcome]:
    """Keeps at most `concurrency` calls in flight; a request is pulled only when a place is free."""
    in_flight: set[asyncio.Task[Outcome]] = set()
    is_exhausted = False
    try:
        while not is_exhausted or in_flight:
            while not is_exhausted and len(in_flight) < concurrency:
                request = await anext(requests, None)
                if request is None:
                    is_exhausted = True
                else:
                    in_flight.add(asyncio.create_task(_outcome(call, request)))
            if in_flight:
                done, in_flight = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    yield task.result()
    finally:
        for task in in_flight:
            task.cancel()


async def _outcome(call: Caller, request: Request) -> Outcome:
    try:
        return await call(request)
    except CallFailed as error:
        return Failure(request.hash, error.failure, error.culprit, isinstance(error, TransientFailure))
