"""What crosses the border to a model: calls in flight are bounded, and a failed call is an outcome."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from madang.errors import PermanentFailure, TooLong, TransientFailure
from madang.models.calling import send_with
from madang.models.control import Rates
from madang.models.protocol import Failure, Message, Outcome, Reply, Request, Token


def request(text: str) -> Request:
    return Request((Message("user", text),), {"type": "object"}, "online:a", 64)


async def asking(*texts: str) -> AsyncIterator[Request]:
    for text in texts:
        yield request(text)


class Caller:
    """Answers with the post; waits, fails or breaks where the post says so. Counts its calls in flight."""

    def __init__(self) -> None:
        self.now = self.most = 0

    async def __call__(self, asked: Request) -> Reply:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.05 if asked.messages[0].content == "slow" else 0.001)
        self.now -= 1
        match asked.messages[0].content:
            case "busy":
                raise TransientFailure("model", "503", "Wait")
            case "refused":
                raise PermanentFailure("model", "a policy", "Give up")
            case "long":
                raise TooLong("model", "9000 tokens", "Shorten it")
            case "bug":
                raise KeyError("bug")
        return Reply(asked.hash, asked.messages[0].content, "stop", 1, 1)


def outcomes(caller: Caller, *texts: str, concurrency: int = 3) -> list[Outcome]:
    async def collect() -> list[Outcome]:
        return [outcome async for outcome in send_with(caller, asking(*texts), Rates(concurrency))]

    return asyncio.run(collect())


def test_every_request_has_one_outcome() -> None:
    texts = [f"post {number}" for number in range(20)]
    found = outcomes(Caller(), *texts)

    assert sorted(outcome.request_hash for outcome in found) == sorted(request(text).hash for text in texts)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_no_more_calls_are_in_flight_than_allowed(concurrency: int) -> None:
    caller = Caller()
    outcomes(caller, *(f"post {number}" for number in range(20)), concurrency=concurrency)

    assert caller.most == concurrency


def test_outcomes_come_in_the_order_in_which_they_are_ready() -> None:
    found = outcomes(Caller(), "slow", "quick")

    assert [outcome.request_hash for outcome in found] == [request("quick").hash, request("slow").hash]


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("busy", Failure(request("busy").hash, "transient", "503", True)),
        ("refused", Failure(request("refused").hash, "permanent", "a policy", False)),
        ("long", Failure(request("long").hash, "too_long", "9000 tokens", False)),
    ],
)
def test_a_failed_call_is_an_outcome_and_ends_no_other(text: str, failure: Failure) -> None:
    found = outcomes(Caller(), "a", text, "b")

    assert [outcome for outcome in found if isinstance(outcome, Failure)] == [failure]
    assert len(found) == 3


def test_a_bug_is_no_outcome() -> None:
    with pytest.raises(KeyError, match="bug"):
        outcomes(Caller(), "a", "bug")


def test_no_request_is_pulled_before_there_is_room_for_it() -> None:
    """What a lane never pulled was never claimed."""
    pulled: list[str] = []

    async def pull() -> AsyncIterator[Request]:
        for number in range(10):
            pulled.append(str(number))
            yield request(str(number))

    async def first() -> int:
        found = send_with(Caller(), pull(), Rates(2))
        await anext(found)
        count = len(pulled)
        await found.aclose()
        return count

    assert asyncio.run(first()) == 2


def test_a_reply_survives_its_plain_form() -> None:
    token = Token("러닝", -0.5, (("러닝", -0.5), ("등산", -1.0)))
    reply = Reply("r", '{"a": 1}', "length", 10, 2, 3, 0.25, 0.001, (token,))

    assert Reply.from_json(reply.to_json()) == reply
    assert Reply.from_json(json.loads(json.dumps(reply.to_json()))) == reply


def test_the_hash_of_a_request_is_that_of_everything_sent() -> None:
    base = request("a")
    others = [
        request("b"), Request(base.messages, {"type": "array"}, "online:a", 64),
        Request(base.messages, base.schema, "online:b", 64),
        Request(base.messages, base.schema, "online:a", 65),
        Request((Message("system", "a"),), base.schema, "online:a", 64),
    ]  # fmt: skip

    assert request("a").hash == base.hash
    assert len({base.hash, *(other.hash for other in others)}) == 6
