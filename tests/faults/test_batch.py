"""What an operator sees of batch jobs that go wrong: where posts end, what the ledger says, how the command ends."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from proving import BatchScript, Proving, RowRule, proving
from proving.batching import Batching
from scenario import ALL_DAYS, Project, post

from madang.errors import CapReached, ModelUnavailable
from madang.extraction.checks import completeness
from madang.extraction.costs import spending
from madang.extraction.estimate import estimate
from madang.extraction.forecast import Forecast
from madang.extraction.plan import make_plan
from madang.extraction.spans import Span
from madang.models.catalogue import Catalogue
from madang.ops import QUARANTINE
from madang.recipe import recipe_of

ONLY_IN_BATCH = ("storage", "storage_url", "bigquery_url", "rows", "jobs", "gather_seconds", "poll_seconds")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Proving]:
    """A server of the test's own: what it counts is the test's."""
    with proving(tmp_path / "server") as running:
        yield running


@pytest.fixture
def batching(project: Project, server: Proving) -> Batching:
    made = Batching(project, server)
    made.configure()
    made.tell()
    return made


def test_one_command_extracts_all_posts_by_one_job_and_says_so(batching: Batching) -> None:
    batching.ingest(6)

    ended = batching.run()
    half_price = batching.project.rows("SELECT lane, count(*), sum(reserved_usd) > sum(usd) FROM ops.ledger GROUP BY 1")

    assert ended.code == 0, ended
    assert "6 extracted, 0 quarantined, 0 pending; 6 requests sent" in ended.out
    assert ": 6 rows, created as projects/p/locations/us-central1/batchPredictionJobs/1000001" in ended.out
    assert ": succeeded (projects/p/locations/us-central1/batchPredictionJobs/1000001): 6 answered" in ended.out
    assert half_price == [("batch", 6, True)]
    assert (batching.jobs(), set(batching.paid().values())) == (1, {1})
    assert batching.states() == {"extracted": 6}
    assert batching.is_complete


def test_rows_that_go_wrong_are_asked_again_in_the_next_job_or_quarantined(batching: Batching) -> None:
    """All faults of rows in one job, each on a post of its own."""
    faults: tuple[Any, ...] = ("missing", "wrong_id", "doubled", "error", "refusal", "truncated_json", "length")
    batching.project.ingest(*(post(fault, f"running 모집 {fault}") for fault in (*faults, "good")))
    batching.tell(
        BatchScript(seconds=0.05, rows=tuple(RowRule(fault=fault, holds=fault, jobs=(1,)) for fault in faults))
    )

    report = batching.project.run()
    given_up = batching.project.rows("SELECT post_id, failure, message FROM ops.quarantine ORDER BY post_id")

    # In the second job: the two without an answer, the one that broke off, the one that was cut, with twice the room.
    assert [len(batching.server.lines(kind)) for kind in ("batch.create", "batch.row")] == [2, 8 + 4]
    assert given_up == [
        ("error", "permanent", "HTTP 400"), ("refusal", "refused", "the provider refused to answer (SAFETY)")
    ]  # fmt: skip
    assert batching.states() == {"extracted": 6, "quarantined": 2}
    assert batching.outcomes() == {"ok": 8, "transient": 2, "permanent": 1, "refused": 1}
    assert (report.progress.retried, report.progress.failed, report.pending) == (2, 0, 0)
    assert batching.is_complete


@pytest.mark.parametrize("fault", ["empty", "failed", "stuck"])
def test_a_job_that_goes_wrong_is_followed_by_another(batching: Batching, fault: Any) -> None:
    batching.ingest(3)
    if fault == "stuck":
        batching.configure(deadline_hours=1 / 3600)
    batching.tell(BatchScript(seconds=0.05, fault=fault, jobs=(1,)))

    batching.project.run()
    reserved = batching.project.rows("SELECT sum(usd) = sum(reserved_usd) FROM ops.ledger WHERE outcome = 'transient'")

    assert batching.states() == {"extracted": 3}
    assert batching.outcomes() == {"transient": 3, "ok": 3}
    assert batching.jobs() == 2
    # What a failed job did not answer is not charged; of the others nobody knows, and it counts as reserved.
    assert reserved == [(fault != "failed",)]
    assert batching.is_complete


def test_after_so_many_jobs_posts_stay_pending(batching: Batching) -> None:
    batching.ingest(3)
    batching.configure(tries=2)
    batching.tell(BatchScript(seconds=0.02, fault="failed"))

    report = batching.project.run()

    assert (report.progress.failed, report.pending) == (3, 3)
    assert batching.states() == {"pending": 3}
    assert batching.jobs() == 2
    assert batching.is_complete


def test_an_operator_is_told_that_jobs_succeed_and_answer_nothing(batching: Batching) -> None:
    batching.ingest(3)
    batching.configure(tries=2)
    batching.tell(BatchScript(seconds=0.02, fault="empty"))

    ended = batching.run()

    assert ended.code == 2, ended
    assert [": succeeded (" in line and line.endswith(": 3 missing") for line in ended.out.splitlines()].count(
        True
    ) == 2
    assert "0 extracted, 0 quarantined, 3 pending; 6 requests sent" in ended.out
    assert re.fullmatch(
        r"madang: groups \S+: 3 calls failed transiently and stay pending\. Run again\n", ended.err
    ), ended  # fmt: skip
    assert batching.outcomes() == {"transient": 6}
    assert batching.is_complete


def test_a_gap_after_rows_went_wrong_turns_the_check_red(batching: Batching) -> None:
    project = batching.project
    batching.ingest(4)
    batching.tell(
        BatchScript(seconds=0.05, rows=(RowRule(fault="missing", every=2, jobs=(1,)), RowRule(fault="error", every=3)))
    )
    project.run()
    whole = batching.is_complete
    given_up = batching.quarantine()

    taken = project.take_away(QUARANTINE, "true") + project.take_away(project.task().table, "post_id = 'p02'")
    red = completeness(project.warehouse, project.task(), ALL_DAYS)

    assert (whole, given_up, taken) == (True, {"permanent": 1}, 2)
    assert (red.passed, red.summary) == (False, "4 planned ≠ 2 extracted + 0 quarantined + 0 pending on 1 days")


def test_a_job_of_which_every_row_fails_ends_the_run_and_quarantines_nothing(batching: Batching) -> None:
    batching.ingest(20)
    batching.tell(BatchScript(seconds=0.02, fault="all_rows_failed"))

    with pytest.raises(ModelUnavailable, match=r"every row of projects/.* failed: HTTP 400"):
        batching.project.run()

    assert batching.states() == {"pending": 20}
    assert batching.project.rows("SELECT outcome, count(*), sum(usd) FROM ops.ledger GROUP BY 1") == [
        ("misconfigured", 20, 0.0)
    ]
    assert batching.is_complete


def test_a_row_costs_half_of_what_a_call_does(batching: Batching) -> None:
    batching.ingest(3)
    batching.configure(input_usd_per_million=None, output_usd_per_million=None)

    batching.project.run()
    spent = "SELECT sum(usd), sum(input_tokens), sum(output_tokens) FROM ops.ledger"
    usd, tokens_in, tokens_out = batching.project.rows(spent)[0]
    (lane,) = spending(batching.project.warehouse, batching.project.settings, "lane")

    assert usd == pytest.approx((tokens_in * 0.30 + tokens_out * 2.50) / 2 / 1e6)
    assert (lane.group, lane.calls, lane.ok, lane.usd) == ("batch", 3, 3, pytest.approx(usd))


def test_what_was_answered_online_is_not_asked_in_a_job(batching: Batching) -> None:
    batching.ingest(3)
    batching.configure(lane="online", **dict.fromkeys(ONLY_IN_BATCH))
    first = batching.project.run()
    batching.configure()
    batching.project.ingest(post("again", "running 모집 1번"), post("new", "hiking 모집"))

    second = batching.project.run()

    assert (first.progress.sent, second.progress.sent, second.progress.reused) == (3, 1, 1)
    assert [len(batching.server.lines(kind)) for kind in ("model", "batch.row")] == [3, 1]


def test_a_cap_stops_before_the_row_that_could_pass_it(batching: Batching) -> None:
    """A row reserves 0.00034 and costs 0.00015: the second waits for the first, the third could pass the cap."""
    batching.ingest(6)

    with pytest.raises(CapReached):
        batching.project.run(cap_usd=0.0006)
    done = batching.states()
    batching.project.run()

    assert done == {"extracted": 2, "pending": 4}
    assert batching.states() == {"extracted": 6}
    assert set(batching.paid().values()) == {1}
    assert batching.jobs() == 3


def test_a_plan_foretells_half_the_money_and_the_hours_of_a_job_whatever_calls_took(batching: Batching) -> None:
    batching.configure(lane="online", **dict.fromkeys(ONLY_IN_BATCH))
    batching.ingest(30)
    batching.project.run()
    batching.project.ingest(*(post(f"later{number}", f"hiking 모집 {number}번") for number in range(10)))
    (online,) = forecasts(batching)
    batching.configure(input_usd_per_million=0.05, output_usd_per_million=0.2)
    (batch,) = forecasts(batching)

    assert (online.amount.lane, batch.amount.lane) == ("online", "batch")
    assert batch.usd.expected == pytest.approx(online.usd.expected / 2)
    assert online.minutes.high < 1
    assert batch.minutes == Span(5.0, 60.0, 1440.0)


def forecasts(batching: Batching) -> tuple[Forecast, ...]:
    """What `madang plan` says of each model."""
    project, catalogue = batching.project, Catalogue(batching.project.settings)
    task = project.task()
    plan = make_plan(project.warehouse, task, recipe_of(task, catalogue.identity), ALL_DAYS)
    return estimate(project.warehouse, task, catalogue, plan).lanes
