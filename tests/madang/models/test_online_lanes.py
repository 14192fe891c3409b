"""Every online lane over real sockets: the truth comes back, faults come back as their class, money is counted."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from proving import Latency, Proving, Rule, Script
from proving.asking import SCHEMA, anthropic, ask, gemini, openai, request
from proving.script import Fault

from madang.extraction.confidence import confidences
from madang.models.protocol import Failure, Image, Model, Reply
from madang.schema.flag import FlagField
from madang.schema.labels import LabelsField
from madang.schema.text import TextField

Lane = Callable[..., Model]
LANES = {"gemini": gemini, "openai": openai, "anthropic": anthropic}
each_lane = pytest.mark.parametrize("lane", LANES.values(), ids=LANES)
WITH_LOGPROBS = pytest.mark.parametrize("lane", [gemini, openai], ids=["gemini", "openai"])
TRUTH = '{"topics": ["running"], "is_open": true, "word": "주말"}'


def one(lane: Model, *arguments: Any) -> Reply:
    """The reply to one request."""
    (outcome,) = ask(lane, request(*arguments))
    assert isinstance(outcome, Reply), outcome
    return outcome


def failed(lane: Model, *arguments: Any) -> Failure:
    """The failure of one request."""
    (outcome,) = ask(lane, request(*arguments))
    assert isinstance(outcome, Failure), outcome
    return outcome


@each_lane
def test_a_post_is_answered_under_its_own_hash(server: Proving, lane: Lane) -> None:
    asked = [request(f"주말 running 모집 {number}") for number in range(5)]

    outcomes = ask(lane(server), *asked)

    assert {outcome.request_hash for outcome in outcomes} == {one.hash for one in asked}
    assert {outcome.text for outcome in outcomes if isinstance(outcome, Reply)} == {TRUTH}
    assert sorted(server.ids()[-5:]) == sorted(one.hash for one in asked)


@each_lane
def test_a_reply_cut_at_the_limit_says_so(server: Proving, lane: Lane) -> None:
    reply = one(lane(server), "running", 3)

    assert (reply.finish, reply.output_tokens, reply.text) == ("length", 3, '{"topics')


@each_lane
@pytest.mark.parametrize(
    ("fault", "failure", "is_overload", "is_paid"),
    [
        ("rate_limited", "transient", True, False),
        ("unavailable", "transient", True, False),
        ("server_error", "transient", False, False),
        ("reset", "transient", False, None),
        ("drop", "transient", False, None),
        ("cut_body", "transient", False, None),
        ("refusal", "refused", False, True),
        ("blocked", "refused", False, True),
        ("too_long", "too_long", False, False),
        ("bad_request", "permanent", False, False),
        ("unauthorized", "misconfigured", False, False),
        ("forbidden", "misconfigured", False, False),
        ("not_found", "misconfigured", False, False),
    ],
)
def test_a_fault_is_its_class_and_is_sent_once(
    server: Proving, lane: Lane, fault: Fault, failure: str, is_overload: bool, is_paid: bool | None
) -> None:
    server.tell(None, Rule(fault=fault))
    before = server.counters()["requests"]

    found = failed(lane(server), f"a post with {fault}")

    assert (found.failure, found.is_overload) == (failure, is_overload)
    assert found.is_transient == (failure == "transient")
    assert (found.usd is None, bool(found.usd)) == (is_paid is None, bool(is_paid))
    assert server.counters()["requests"] == before + 1


@each_lane
@pytest.mark.parametrize("fault", ["bad_request", "unauthorized", "rate_limited", "refusal"])
def test_a_message_holds_neither_the_post_nor_the_key(server: Proving, lane: Lane, fault: Fault) -> None:
    """The server quotes both in its errors."""
    server.tell(None, Rule(fault=fault))

    found = failed(lane(server), "010-1234-5678 is my number")

    assert "010-1234" not in str(found)
    assert "nobody-may-see" not in str(found)
    assert "local" not in found.message


@each_lane
def test_a_server_that_asks_to_wait_is_heard(server: Proving, lane: Lane) -> None:
    server.tell(None, Rule(fault="rate_limited", holds="seconds", seconds=7),
                Rule(fault="unavailable", holds="date", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"),
                Rule(fault="rate_limited", holds="nothing"))  # fmt: skip

    waits = [failed(lane(server), post).retry_after_seconds for post in ("seconds", "date", "nothing")]

    assert waits == [7.0, 0.0, None]


@each_lane
def test_nobody_there_is_transient(server: Proving, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = Proving("http://127.0.0.1:9", server.file, 0)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", nowhere.url)

    assert failed(lane(nowhere)).failure == "transient"


@each_lane
def test_an_answer_that_does_not_come_is_given_up(server: Proving, lane: Lane) -> None:
    server.tell(None, Rule(fault="slow", seconds=5))

    found = failed(lane(server, timeout_seconds=0.2), "slow")

    assert (found.failure, found.usd) == ("transient", None)


@each_lane
def test_an_answer_whose_drops_take_too_long_is_given_up(server: Proving, lane: Lane) -> None:
    """Each drop came in time, and Anthropic's client waited a minute for the last one of a call allowed ten seconds."""
    server.tell(None, Rule(fault="drip", seconds=20))

    found = failed(lane(server, timeout_seconds=2), "drip")

    assert (found.failure, found.message, found.usd) == ("transient", "no answer within 2 s", None)


@each_lane
def test_an_answer_in_drops_is_read_whole(server: Proving, lane: Lane) -> None:
    server.tell(None, Rule(fault="drip", seconds=0.2))

    assert one(lane(server)).text == TRUTH


@each_lane
@pytest.mark.parametrize("fault", ["truncated_json", "wrong_schema", "prose"])
def test_a_bad_answer_is_a_reply_all_the_same(server: Proving, lane: Lane, fault: Fault) -> None:
    """It was paid for; what can be made of it is not the lane's business."""
    server.tell(None, Rule(fault=fault))

    reply = one(lane(server), f"running with {fault}")

    assert (reply.finish, reply.text == TRUTH, reply.usd > 0) == ("stop", False, True)


@pytest.mark.parametrize(
    ("lane", "prices"),
    [(gemini, (0.30, 0.03, 2.50)), (openai, (0.15, 0.075, 0.60)), (anthropic, (1.00, 0.10, 5.00))],
    ids=LANES,
)
def test_cached_tokens_cost_their_own_price(server: Proving, lane: Lane, prices: tuple[float, float, float]) -> None:
    """Dollars a million: input, cached, output, as the three publish them."""
    server.tell(Script(cached_share=0.5))

    reply = one(lane(server))
    tokens = (reply.input_tokens - reply.cached_tokens, reply.cached_tokens, reply.output_tokens)

    assert reply.cached_tokens == int(reply.input_tokens * 0.5)
    assert reply.usd == pytest.approx(sum(count * price for count, price in zip(tokens, prices, strict=True)) / 1e6)


@each_lane
def test_prices_of_the_settings_win(server: Proving, lane: Lane) -> None:
    reply = one(lane(server, input_usd_per_million=1000, output_usd_per_million=2000))

    assert reply.usd == pytest.approx(reply.input_tokens * 0.001 + reply.output_tokens * 0.002)


@each_lane
def test_a_call_never_costs_more_than_was_reserved(server: Proving, lane: Lane) -> None:
    made = lane(server)
    posts = [request(f"running {'ㄱ' * number}") for number in range(0, 400, 10)]
    first = made.reserved_usd(posts[-1])

    outcomes = {outcome.request_hash: outcome for outcome in ask(made, *posts)}
    later = made.reserved_usd(posts[-1])

    assert all(isinstance(reply, Reply) and reply.usd <= later for reply in outcomes.values())
    assert later < first


@WITH_LOGPROBS
def test_probabilities_give_every_field_its_confidence(server: Proving, lane: Lane) -> None:
    reply = one(lane(server))
    fields = {
        "topics": LabelsField(kind="labels", of=["running", "hiking"], max=2), "is_open": FlagField(kind="flag"),
        "word": TextField(kind="text"),
    }  # fmt: skip

    found = confidences(reply.text, reply.tokens, fields)

    assert "".join(token.text for token in reply.tokens) == reply.text
    assert found.keys() == {"topics", "is_open", "word"}
    assert all(0.3 < sure <= 1 for sure in found.values())


@WITH_LOGPROBS
def test_probabilities_can_be_left_unasked(server: Proving, lane: Lane) -> None:
    assert one(lane(server, logprobs=0)).tokens == ()


@each_lane
def test_no_more_calls_are_in_flight_than_allowed(server: Proving, lane: Lane) -> None:
    server.tell(Script(latency=Latency(seconds=0.02)))
    made = lane(server, concurrency=7)
    most = 0

    async def watched() -> None:
        nonlocal most
        in_flight = 0

        async def pulled() -> Any:
            nonlocal in_flight, most
            for number in range(30):
                in_flight += 1
                most = max(most, in_flight)
                yield request(f"running {number}")

        async with made.open():
            async for _ in made.send(pulled()):
                in_flight -= 1

    asyncio.run(watched())

    assert most == 7


@each_lane
@pytest.mark.parametrize("content", ["https://example.org/cat.jpg", b"\xff\xd8\xff"], ids=["address", "bytes"])
def test_images_are_sent_with_the_post(server: Proving, lane: Lane, content: str | bytes) -> None:
    image = Image(content, "image/jpeg")

    reply = one(lane(server), "주말 running 모집", 100, image)

    assert (reply.text, len(server.lines()[-1]["images"])) == (TRUTH, 1)
    assert request("x", 9, image).hash != request("x", 9).hash


def test_a_request_without_images_keeps_its_hash() -> None:
    """Replies that were paid for before images came must be found again."""
    assert request("x", 9).hash == "bdd373770dd6c62a4fcdfc2c16cf21bb7cfd664cbff67bceba8036cb97a4d5a6"


def test_the_schema_is_not_changed_by_sending(server: Proving) -> None:
    before = repr(SCHEMA)

    ask(gemini(server), request())
    ask(openai(server, is_strict=True), request())

    assert repr(SCHEMA) == before
