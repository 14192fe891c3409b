"""Turns a function that makes one call into a lane: so many calls in flight, each failure an outcome.

A provider that answers one request at a time needs only `Caller`; batch and local lanes write `send` themselves.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol, cast

from madang.errors import CallFailed, TransientFailure
from madang.models.control import Control, Rates
from madang.models.protocol import Failure, Outcome, Reply, Request


class Caller(Protocol):
    """Makes one call.

    Raises:
        CallFailed: With its class; anything else is a bug and ends the run.
    """

    async def __call__(self, request: Request) -> Reply: ...


async def send_with(call: Caller, requests: AsyncIterator[Request], rates: Rates) -> AsyncIterator[Outcome]:
    """Sends what it pulls, as fast as the rates and the server allow; a request is pulled only when it may start.

    A call's end costs the same however many others are in flight: waiting for the first of two hundred tasks to end
    took more CPU than a call.
    """
    control = Control(rates)
    has_room = asyncio.Event()
    ended: asyncio.Queue[asyncio.Task[Outcome] | asyncio.Task[None]] = asyncio.Queue()
    in_flight: dict[asyncio.Task[Outcome], float] = {}

    async def feed() -> None:
        while True:
            while not control.has_room:
                has_room.clear()
                await has_room.wait()
            if (pause := control.wait_seconds()) > 0:
                await asyncio.sleep(pause)
                continue
            request = await anext(requests, None)
            if request is None:
                return
            started_at = control.started(_tokens(request) if rates.tokens_per_minute else 0)
            task = asyncio.create_task(_outcome(call, request))
            in_flight[task] = started_at
            task.add_done_callback(ended.put_nowait)

    feeding = asyncio.create_task(feed())
    feeding.add_done_callback(ended.put_nowait)
    try:
        while in_flight or not feeding.done():
            done = await ended.get()
            if done is feeding:
                feeding.result()  # raises what pulling raised
                continue
            outcome = done.result()
            assert outcome is not None
            _count(control, outcome, in_flight.pop(cast("asyncio.Task[Outcome]", done)))
            has_room.set()
            yield outcome
        feeding.result()  # it may have failed while the last outcome was being read
    finally:
        for unfinished in (feeding, *in_flight):
            unfinished.cancel()


def _count(control: Control, outcome: Outcome, started_at: float) -> None:
    if isinstance(outcome, Reply):
        control.succeeded(started_at)
    elif outcome.is_overload:
        control.overloaded(started_at, outcome.retry_after_seconds)
    else:
        control.failed()


def _tokens(request: Request) -> int:
    """A guess: a token holds two characters of Korean or four of English, and a limit is better kept than passed."""
    return sum(len(message.content) for message in request.messages) // 2 + request.max_tokens


async def _outcome(call: Caller, request: Request) -> Outcome:
    try:
        return await call(request)
    except TransientFailure as error:
        return Failure(request.hash, error.failure, error.culprit, True, error.usd, error.retry_after_seconds,
                       error.is_overload)  # fmt: skip
    except CallFailed as error:
        return Failure(request.hash, error.failure, error.culprit, False, error.usd)
