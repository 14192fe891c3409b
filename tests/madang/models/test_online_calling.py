"""`send_with`: places, failures as outcomes, bugs as exceptions."""

import asyncio
import pickle
from collections.abc import AsyncIterator

import pytest
from proving.asking import request

from madang.errors import TransientFailure
from madang.models.calling import Caller, send_with
from madang.models.control import Rates
from madang.models.protocol import Failure, Outcome, Reply, Request


async def some(count: int) -> AsyncIterator[Request]:
    for number in range(count):
        yield request(f"post {number}")


async def reply(asked: Request) -> Reply:
    return Reply(asked.hash, "{}", "stop", 1, 1)


def sent(call: Caller, requests: AsyncIterator[Request], concurrency: int = 3) -> list[Outcome]:
    async def collected() -> list[Outcome]:
        return [outcome async for outcome in send_with(call, requests, Rates(concurrency))]

    return asyncio.run(collected())


def test_nothing_to_send_ends_at_once() -> None:
    assert sent(reply, some(0)) == []


def test_a_failure_carries_what_the_engine_must_know() -> None:
    async def fail(asked: Request) -> Reply:
        raise TransientFailure("there", "HTTP 429", "Wait", usd=None, retry_after_seconds=3.0, is_overload=True)

    (found,) = sent(fail, some(1))

    assert found == Failure(request("post 0").hash, "transient", "HTTP 429", True, None, 3.0, True)


def test_a_bug_in_pulling_ends_the_run_after_what_was_sent() -> None:
    async def broken() -> AsyncIterator[Request]:
        yield request("post 0")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sent(reply, broken())


def test_a_bug_in_pulling_is_not_lost_while_an_outcome_is_read() -> None:
    """Pulling failed while nobody waited for it and nothing was in flight: the run ended as if all had been sent."""
    release = asyncio.Event()

    async def broken() -> AsyncIterator[Request]:
        yield request("post 0")
        await release.wait()
        raise ZeroDivisionError

    async def read() -> None:
        async for _ in send_with(reply, broken(), Rates(3)):
            release.set()
            await asyncio.sleep(0.01)

    with pytest.raises(ZeroDivisionError):
        asyncio.run(read())


def test_replies_do_not_wait_for_a_slow_pull() -> None:
    async def slow() -> AsyncIterator[Request]:
        yield request("post 0")
        await asyncio.sleep(30)

    async def first() -> Outcome:
        sending = send_with(reply, slow(), Rates(4))
        outcome = await asyncio.wait_for(anext(sending), 2)
        await sending.aclose()
        return outcome

    assert asyncio.run(first()).request_hash == request("post 0").hash


def test_a_failure_survives_another_process() -> None:
    error = TransientFailure("there", "HTTP 503", "Wait", usd=None, retry_after_seconds=2.0, is_overload=True)

    again = pickle.loads(pickle.dumps(error))

    assert (str(again), again.usd, again.retry_after_seconds, again.is_overload) == (str(error), None, 2.0, True)
