"""The batch lane against the proving server: what becomes of each row, and what is written down before it is sent."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from proving import BatchScript, Proving, RowRule, Script, proving
from proving.asking import ask, request
from proving.batching import batch_lane

from madang.errors import ModelUnavailable
from madang.models.batch_gathering import gathered
from madang.models.batch_journal import BatchJob
from madang.models.protocol import Failure, Outcome, Reply, Request, StoredImage

STORAGES = ("gs://rows/madang", "bq://p.rows")
# What the server's fault makes of a row, and whether that is worth another try.
ROWS = {
    "missing": ("transient", True), "wrong_id": ("transient", True), "error": ("permanent", False),
    "refusal": ("refused", False), "truncated_json": ("stop", False), "wrong_schema": ("stop", False),
    "length": ("length", False),
}  # fmt: skip


class Written:
    """A journal that remembers, and knows how much the server had been sent by then."""

    def __init__(self, server: Proving) -> None:
        self._server = server
        self.jobs: list[BatchJob] = []
        self.steps: list[tuple[str, list[str]]] = []
        self.told: list[str] = []

    def _note(self, step: str) -> None:
        kinds = [line["kind"] for line in self._server.lines(None)]
        self.steps.append((step, [kind for kind in kinds if kind.startswith(("batch.c", "batch.l", "storage.u"))]))

    def begin(self, job: BatchJob) -> None:
        self.jobs.append(job)
        self._note("begin")

    def creating(self, job: BatchJob) -> None:
        self._note("creating")

    def created(self, job: BatchJob, name: str) -> None:
        self.jobs.append(replace(job, may_exist=True, name=name))
        self._note("created")

    def said(self, job: BatchJob, text: str) -> None:
        self.told.append(text)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Proving]:
    """A server that nobody has asked anything."""
    with proving(tmp_path / "server") as server:
        server.tell(Script(batch=BatchScript(seconds=0.02)))
        yield server


def tell(server: Proving, fault: Any = "", **batch: Any) -> None:
    """Gives the server a script for jobs."""
    server.tell(Script(batch=BatchScript(**{"seconds": 0.02, "fault": fault, **batch})))


def asked(tag: str, count: int = 4) -> list[Request]:
    """Requests with posts of their own; each second one holds the word struck."""
    return [request(f"{tag} {'struck' if number % 2 else 'running 모집'} {number}") for number in range(count)]


def paid(server: Proving) -> Counter[str]:
    return Counter(server.ids("batch.row"))


@pytest.mark.parametrize("storage", STORAGES)
def test_each_request_gets_its_own_answer_from_one_job(server: Proving, storage: str) -> None:
    tell(server)
    requests = asked(storage, 8)
    before = len(server.lines("batch.create"))

    outcomes = ask(batch_lane(server, storage=storage), *requests)
    words = {one.hash: json.loads(reply.text)["word"] for one in requests for reply in outcomes
             if isinstance(reply, Reply) and reply.request_hash == one.hash}  # fmt: skip

    assert words == {one.hash: storage for one in requests}
    assert len(server.lines("batch.create")) == before + 1


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("fault", ROWS)
def test_a_row_goes_wrong_and_no_other_with_it(server: Proving, storage: str, fault: Any) -> None:
    tell(server, rows=(RowRule(fault=fault, holds="struck"),))
    requests = asked(f"{storage} {fault}")
    struck = {one.hash for one in requests if "struck" in one.messages[-1].content}

    found = {one.request_hash: one for one in ask(batch_lane(server, storage=storage), *requests)}
    bad = {("failure", one.failure, one.is_transient) if isinstance(one, Failure) else ("reply", one.finish, False)
           for key, one in found.items() if key in struck}  # fmt: skip

    name, is_transient = ROWS[fault]
    assert bad == {("failure" if name not in ("stop", "length") else "reply", name, is_transient)}
    assert {type(one) for key, one in found.items() if key not in struck} == {Reply}


def test_a_picture_that_changed_since_the_request_was_made_spoils_its_own_row_only(
    own: Proving, tmp_path: Path
) -> None:
    changed = StoredImage(tmp_path / "gone.jpg", "image/jpeg", "0" * 64)
    first, second = request("first", 100, changed), request("second")

    outcomes = {one.request_hash: one for one in ask(batch_lane(own), first, second)}

    assert isinstance(outcomes[second.hash], Reply)
    failure = outcomes[first.hash]
    assert isinstance(failure, Failure)
    assert (failure.failure, failure.is_transient) == ("permanent", False)


def test_a_doubled_row_is_read_once(own: Proving) -> None:
    tell(own, rows=(RowRule(fault="doubled"),))
    journal = Written(own)

    outcomes = ask(batch_lane(own, journal), *asked("doubled"))

    assert [type(one) for one in outcomes] == [Reply] * 4
    assert journal.told[-1].endswith("4 answered, 4 doubled")


def test_only_the_row_s_own_text_makes_it_an_answer(own: Proving) -> None:
    """A label that is one of ours on a row with another text is as wrong as a label that nobody knows."""
    tell(own, rows=(RowRule(fault="wrong_id", holds="struck"),))
    journal = Written(own)

    ask(batch_lane(own, journal), *asked("wrong"))

    assert journal.told[-1].endswith("2 answered, 2 strange, 2 missing")


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize(
    ("fault", "usd", "message"),
    [
        ("empty", None, "not answered by a batch job that succeeded"),
        ("failed", 0.0, "not answered by a batch job that failed (code 13)"),
        ("stuck", None, "not answered by a batch job that cancelled"),
    ],
)
def test_all_rows_of_a_job_that_goes_wrong_fail_transiently(
    server: Proving, storage: str, fault: Any, usd: float | None, message: str
) -> None:
    tell(server, fault)
    deadline = {"deadline_hours": 0.3 / 3600} if fault == "stuck" else {}

    outcomes = ask(batch_lane(server, storage=storage, **deadline), *asked(f"{storage} {fault}"))

    assert {(one.failure, one.message, one.is_transient, one.usd) for one in outcomes} == {
        ("transient", message, True, usd)
    }
    assert len(outcomes) == 4


def test_a_job_past_its_deadline_is_cancelled(own: Proving) -> None:
    tell(own, "stuck")

    ask(batch_lane(own, deadline_hours=0.3 / 3600), *asked("late"))

    assert len(own.lines("batch.cancel")) == 1


@pytest.mark.parametrize(("count", "failure"), [(19, "permanent"), (20, "misconfigured")])
def test_a_job_of_which_every_row_fails_is_wrong_itself(server: Proving, count: int, failure: str) -> None:
    """It said that it succeeded; a wrong schema must not send all posts to quarantine."""
    tell(server, "all_rows_failed")

    outcomes = ask(batch_lane(server), *asked(f"all {count}", count))

    assert Counter(one.failure for one in outcomes) == {failure: count}


def test_a_job_whose_creation_was_not_answered_is_found_by_its_display_name(own: Proving) -> None:
    tell(own, "create_lost")

    outcomes = ask(batch_lane(own), *asked("lost"))

    assert [type(one) for one in outcomes] == [Reply] * 4
    assert len(own.lines("batch.create")) == 1
    assert set(paid(own).values()) == {1}


def test_a_creation_that_is_refused_for_now_is_sent_again_once_nothing_was_made(own: Proving) -> None:
    tell(own, refusals=2)
    journal = Written(own)

    outcomes = ask(batch_lane(own, journal), *asked("refused for now"))
    created = [line["fault"] for line in own.lines("batch.create")]

    assert [type(one) for one in outcomes] == [Reply] * 4
    assert created == ["rate_limited", "rate_limited", ""]
    assert journal.told[0] == "not created yet: HTTP 429 (RESOURCE_EXHAUSTED 429)"
    assert len(own.lines("batch.list")) == 3


def test_everything_is_written_down_before_it_is_sent(own: Proving) -> None:
    journal = Written(own)

    ask(batch_lane(own, journal), *asked("order"))

    assert journal.steps == [
        ("begin", []),
        ("creating", ["storage.upload", "batch.list"]),
        ("created", ["storage.upload", "batch.list", "batch.create"]),
    ]
    assert journal.jobs[0].request_hashes == tuple(one.hash for one in asked("order"))


@pytest.mark.parametrize(("status", "where"), [(404, "location"), (400, "storage_url")])
def test_a_job_that_is_refused_ends_the_run_without_a_cost(
    own: Proving, server: Proving, status: int, where: str
) -> None:
    """Every request of it would be quarantined otherwise, for a setting that is wrong."""
    elsewhere = {"location": "nowhere/x", "storage_url": server.url}

    outcomes = ask(batch_lane(own, **{where: elsewhere[where]}), *asked("refused"))

    assert {(one.failure, one.is_transient, one.usd) for one in outcomes} == {("misconfigured", False, 0.0)}
    assert f"HTTP {status}" in outcomes[0].message
    assert not paid(own)


def test_a_job_that_cannot_be_looked_at_stays_written_down(own: Proving) -> None:
    tell(own, seconds=60)
    journal = Written(own)
    lane = batch_lane(own, journal, poll_seconds=0.02)

    async def sent() -> None:
        async with lane.open():
            async for _ in lane.send(pulled(asked("gone"))):
                raise AssertionError

    async def cut_off() -> None:
        running = asyncio.create_task(sent())
        while not own.lines("batch.get"):
            await asyncio.sleep(0.02)
        own.stop()
        await running

    with pytest.raises(ModelUnavailable, match=r"the job goes on, and is collected then"):
        asyncio.run(cut_off())

    assert journal.jobs[-1].name.startswith("projects/p/locations/us-central1/batchPredictionJobs/")


def test_another_process_goes_on_with_a_job_by_name_or_by_display_name(own: Proving) -> None:
    journal = Written(own)
    requests = asked("resumed")
    ask(batch_lane(own, journal), *requests)
    created = journal.jobs[-1]
    half = replace(created, request_hashes=created.request_hashes[:2])

    for job in (half, replace(half, name="")):
        assert {one.request_hash for one in resumed(batch_lane(own), job)} == set(half.request_hashes)

    assert len(own.lines("batch.create")) == 1


def test_a_job_that_was_never_made_is_made_by_whoever_goes_on(own: Proving) -> None:
    journal = Written(own)
    requests = asked("unmade")
    ask(batch_lane(own, journal), *requests)
    # Its rows lie where the first job found them.
    unmade = replace(journal.jobs[0], display_name="madang-unmade", may_exist=True)

    outcomes = resumed(batch_lane(own), unmade)

    assert [type(one) for one in outcomes] == [Reply] * 4
    assert len(own.lines("batch.create")) == 2
    assert [line["kind"] for line in own.lines(None)].count("batch.list") == 1 + 3


def test_rows_are_cut_into_jobs_and_no_more_are_pulled_than_may_be_under_way(own: Proving) -> None:
    tell(own, seconds=0.3)
    seen: list[int] = []

    async def counted() -> AsyncIterator[Request]:
        for one in asked("cut", 8):
            seen.append(len(own.lines("batch.create")))
            yield one

    async def sent() -> list[Outcome]:
        lane = batch_lane(own, rows=2, jobs=2)
        async with lane.open():
            return [outcome async for outcome in lane.send(counted())]

    outcomes = asyncio.run(sent())

    assert len(outcomes) == 8
    assert len(own.lines("batch.create")) == 4
    # The fifth request waits for a job's end: two of two rows each are under way.
    assert seen[4] == 2


def test_a_batch_is_full_when_nothing_more_comes() -> None:
    requests = asked("gathered", 5)

    async def slowly() -> AsyncIterator[Request]:
        for number, one in enumerate(requests):
            await asyncio.sleep(0.3 if number == 3 else 0)
            yield one

    async def batches() -> list[int]:
        return [len(batch) async for batch in gathered(slowly(), 2, 0.1, asyncio.Semaphore(9))]

    assert asyncio.run(batches()) == [2, 1, 2]


async def pulled(requests: list[Request]) -> AsyncIterator[Request]:
    for one in requests:
        yield one


def resumed(lane: Any, job: BatchJob) -> list[Outcome]:
    async def gone_on() -> list[Outcome]:
        async with lane.open():
            return [outcome async for outcome in lane.follow(job)]

    return asyncio.run(gone_on())
