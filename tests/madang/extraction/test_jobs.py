"""Batch jobs beside the claims: a job and its claims change hands together, and go together."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from madang.extraction.claims import Claim, Claims
from madang.extraction.jobs import Jobs, TakenJob, take_over
from madang.extraction.policy import Breaker, Policy, Tries
from madang.models.batch_journal import BatchJob

CLAIM = Claim(
    request_hash="r1", call_id="c1", owner="run1/7.log", run="run1", task="groups", recipe="groups@1", model="gemini:a",
    lane="batch", day="2024-11-27", reserved_usd=0.25, sent_at="2024-11-27T00:00:00+00:00",
    account_day="2024-11-27",
)  # fmt: skip
JOB = BatchJob("madang-1", "gs://b/rows", "gs://b/answers", 5.0, ("r1", "r2"))


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    """Two claims of one owner, and one of a job of its."""
    opened = Claims(tmp_path / "home" / "claims.sqlite")
    for number in (1, 2, 3):
        opened.take(replace(CLAIM, request_hash=f"r{number}", call_id=f"c{number}"))
    yield opened
    opened.close()


@pytest.fixture
def jobs(claims: Claims) -> Jobs:
    return Jobs(claims, "run1/7.log", "groups", "bulk", lambda name, text: None)


def taken(claims: Claims, task: str = "groups", *, is_free: bool = True) -> list[TakenJob]:
    return take_over(claims, task, "run2/8.log", lambda owner: is_free)


def test_a_job_that_may_exist_is_taken_over_with_its_claims(claims: Claims, jobs: Jobs) -> None:
    jobs.begin(JOB)
    jobs.creating(JOB)

    found = taken(claims)

    assert [(one.model, one.job) for one in found] == [("bulk", replace(JOB, may_exist=True))]
    assert {claim.owner for claim in found[0].claims.values()} == {"run2/8.log"}
    assert [claim.request_hash for claim, _ in claims.of_owner("run1/7.log")] == ["r3"]


def test_its_name_goes_with_it(claims: Claims, jobs: Jobs) -> None:
    jobs.begin(JOB)
    jobs.creating(JOB)
    jobs.created(JOB, "projects/p/1")

    assert [one.job.name for one in taken(claims)] == ["projects/p/1"]


def test_a_job_is_taken_over_once_and_not_from_the_living(claims: Claims, jobs: Jobs) -> None:
    jobs.begin(JOB)
    jobs.creating(JOB)

    assert taken(claims, is_free=False) == []
    assert taken(claims, "rentals") == []
    assert len(taken(claims)) == 1
    assert take_over(claims, "groups", "run3/9.log", lambda owner: owner != "run2/8.log") == []


def test_a_job_that_was_never_created_is_left_to_adoption(claims: Claims, jobs: Jobs) -> None:
    jobs.begin(JOB)

    assert taken(claims) == []
    assert claims.in_jobs("run1/7.log") == set()
    assert claims.owners() == ["run1/7.log"]


def test_an_owner_whose_claims_all_wait_for_jobs_is_not_adopted(claims: Claims, jobs: Jobs) -> None:
    claims.release(["r3"])
    jobs.begin(JOB)
    jobs.creating(JOB)

    assert claims.in_jobs("run1/7.log") == {"r1", "r2"}
    assert claims.owners() == []


def test_a_job_goes_with_its_last_claim(claims: Claims, jobs: Jobs) -> None:
    jobs.begin(JOB)
    jobs.creating(JOB)
    claims.finish(replace(CLAIM, request_hash="r1"), 0.1, is_answered=True)
    left = [one.job.request_hashes for one in taken(claims)]

    claims.release(["r2"])

    assert left == [("r2",)]
    assert claims.read("SELECT * FROM jobs", []) == []


def test_what_jobs_have_reserved_counts_when_nobody_else_lives(claims: Claims, jobs: Jobs) -> None:
    """Three calls reserved 0.25 each; two of them are rows of a job that may exist."""
    jobs.begin(JOB)
    jobs.creating(JOB)
    for _ in range(3):
        claims.reserve("2024-11-27", 0.25, 9.0)

    claims.open_day("2024-11-27", 0.0, is_alone=True)

    assert not claims.reserve("2024-11-27", 0.51, 1.0)
    assert claims.reserve("2024-11-27", 0.5, 1.0)


def test_a_request_goes_through_so_many_jobs_however_long_they_take() -> None:
    now = [0.0]
    tries = Tries(Policy(tries=8, deadline_seconds=600).of_jobs(3), lambda: now[0])
    delays = []
    for _ in range(3):
        now[0] += 86_400
        delays.append(tries.next_delay_seconds(None))

    assert delays == [0.0, 0.0, None]


def test_a_job_that_fails_gives_its_model_no_rest() -> None:
    now = [0.0]
    breaker = Breaker(Policy().of_jobs(3), lambda: now[0])
    now[0] = 3600.0
    for _ in range(10_000):
        breaker.failed()

    assert not breaker.is_open
