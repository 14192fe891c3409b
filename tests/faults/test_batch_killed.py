"""A run killed with -9 at each step of a batch job: the next one goes on with the job, and nothing is paid twice."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from faults.shipped import MADANG, Life, Shipped, until, write_locked
from proving import BatchScript, proving
from proving.batching import Batching
from scenario import Project

from madang.errors import DeclarationError
from madang.extraction.run import run_task
from madang.extraction.running import Progress

POSTS = 6
TWO_DAYS_LATER = date(2024, 11, 29)
# Where the server ends the run. Before the creation is sent nothing exists; after that the job does.
FEW = (("storage.upload", 1, "before"), ("batch.create", 1, "before"), ("storage.read", 2, "before"))
MANY = (
    ("batch.list", 1, "before"), ("batch.list", 1, "after"), ("batch.create", 1, "after"), ("batch.get", 1, "before"),
    ("batch.get", 1, "after"), ("batch.get", 2, "before"), ("batch.get", 3, "after"), ("storage.read", 1, "before"),
)  # fmt: skip
IN_BIGQUERY = (
    ("bigquery.load", 1, "before"), ("bigquery.read", 1, "before"), ("batch.create", 1, "before"),
    ("batch.get", 2, "before"), ("bigquery.read", 2, "before"), ("bigquery.read", 3, "before"),
)  # fmt: skip


@pytest.fixture
def batching(project: Project, tmp_path: Path) -> Iterator[Batching]:
    """The project, its posts landed, and a server of its own: what it counts is this test's."""
    with proving(tmp_path / "server") as server:
        made = Batching(project, server)
        made.configure()
        made.ingest(POSTS)
        yield made


def check(batching: Batching) -> None:
    """All posts have a row, each was paid for once, by one job, and the ledger says the same."""
    assert batching.jobs() == 1
    assert list(batching.paid().values()) == [1] * POSTS
    assert batching.outcomes() == {"ok": POSTS}
    assert batching.states() == {"extracted": POSTS}
    assert Shipped(batching.project).claims("sent") == []
    assert batching.is_complete


@pytest.mark.parametrize(("on", "at", "moment"), FEW)
def test_the_next_run_goes_on(batching: Batching, on: Any, at: int, moment: Any) -> None:
    code = batching.run_killed(on, at, moment, BatchScript(seconds=0.3))
    batching.project.run()

    assert code == -9
    check(batching)


@pytest.mark.soak
@pytest.mark.parametrize(("on", "at", "moment"), MANY)
def test_the_next_run_goes_on_wherever_it_was(batching: Batching, on: Any, at: int, moment: Any) -> None:
    code = batching.run_killed(on, at, moment, BatchScript(seconds=1.5))
    ended = batching.run()

    assert (code, ended.code) == (-9, 0), ended
    check(batching)


@pytest.mark.soak
@pytest.mark.parametrize(("on", "at", "moment"), IN_BIGQUERY)
def test_the_next_run_goes_on_over_bigquery(batching: Batching, on: Any, at: int, moment: Any) -> None:
    batching.configure(storage="bq://p.rows")

    code = batching.run_killed(on, at, moment, BatchScript(seconds=1.5))
    ended = batching.run()

    assert (code, ended.code) == (-9, 0), ended
    check(batching)


def test_answers_that_were_read_and_not_committed_are_not_read_again(batching: Batching) -> None:
    """The warehouse is held while the run reads, so that it dies with all answers in its spool."""
    shipped = Shipped(batching.project)
    batching.tell()
    with Life([str(MADANG), "run", "groups"], batching.project.environment) as life:
        until(lambda: batching.server.lines("batch.create"), life)
        with write_locked(batching.project.home / "warehouse" / "catalog.sqlite"):
            until(lambda: len(shipped.spooled()) == POSTS, life)
            life.kill()
    reads = len(batching.server.lines("storage.read"))

    batching.project.run()

    assert len(batching.server.lines("storage.read")) == reads
    check(batching)


def test_a_job_outlives_two_deaths_and_is_collected_by_a_run_that_has_nothing_to_do(batching: Batching) -> None:
    """The last run is about other days: what it collects waits in ops.replies for the run that plans these."""
    project = batching.project
    batching.tell(BatchScript(seconds=1.0))
    die(batching, at="created as")
    die(batching, at="left by another run")
    held = Shipped(project).claims("sent")

    other = run_task(project.task(), project.settings, project.warehouse, (TWO_DAYS_LATER, TWO_DAYS_LATER))
    replies = project.rows("SELECT count(*), count(DISTINCT request_hash) FROM ops.replies")
    last = project.run()

    assert len(held) == POSTS
    assert len({owner for owner, _ in held}) == 1
    assert other.plan.posts.height == 0
    assert replies == [(POSTS, POSTS)]
    assert (last.progress.sent, last.progress.reused) == (0, POSTS)
    check(batching)


def test_a_job_that_failed_meanwhile_is_followed_by_another(batching: Batching) -> None:
    batching.tell(BatchScript(seconds=0.3, fault="failed", jobs=(1,)))
    die(batching, at="created as")

    batching.project.run()

    assert batching.jobs() == 2
    assert batching.outcomes() == {"transient": POSTS, "ok": POSTS}
    assert batching.states() == {"extracted": POSTS}
    assert set(batching.paid().values()) == {1}


def test_the_second_job_of_a_request_outlives_the_first_one_s_failure(batching: Batching) -> None:
    """Adopting the failure gave back the claim by its request, and with it the job that was to answer it."""
    batching.tell(BatchScript(seconds=0.3, fault="failed", jobs=(1,)))
    die(batching, at="created as", times=2)

    batching.project.run()

    assert batching.jobs() == 2
    assert batching.outcomes() == {"transient": POSTS, "ok": POSTS}
    assert batching.states() == {"extracted": POSTS}
    assert set(batching.paid().values()) == {1}


def test_a_job_that_nobody_knows_any_more_is_followed_by_another(batching: Batching, tmp_path: Path) -> None:
    die(batching, at="created as")
    with proving(tmp_path / "another") as server:
        another = Batching(batching.project, server)
        another.configure()
        another.tell()
        another.project.run()

        assert another.jobs() == 1
        assert another.outcomes() == {"transient": POSTS, "ok": POSTS}
        assert another.states() == {"extracted": POSTS}


def test_a_job_s_model_must_stay_in_the_settings_until_it_is_collected(batching: Batching) -> None:
    die(batching, at="created as")
    batching.project.set_model()

    with pytest.raises(DeclarationError, match="a batch job of the model 'local' is open"):
        batching.project.run()
    batching.configure()
    batching.project.run()

    assert batching.jobs() == 1
    assert batching.project.rows("SELECT outcome, count(*) FROM ops.ledger WHERE lane = 'batch' GROUP BY 1") == [
        ("ok", POSTS)
    ]


@pytest.mark.soak
def test_two_runs_at_once_go_on_with_one_job(batching: Batching) -> None:
    batching.run_killed("batch.get", batch=BatchScript(seconds=2.0))
    environment = batching.project.environment
    with (
        Life([str(MADANG), "run", "groups"], environment) as first,
        Life([str(MADANG), "run", "groups"], environment) as second,
    ):
        ended = [life.end() for life in (first, second)]

    assert [end.code for end in ended] == [0, 0], ended
    assert sum("left by another run" in end.out for end in ended) == 1
    check(batching)


class Died(Exception):
    """What ends a run of this process where a test wants it, as suddenly as may be without a process of its own."""


def die(batching: Batching, at: str, times: int = 1) -> None:
    """A run that ends when it says something of its jobs for the so manieth time."""
    left = [None] * times

    def listen(done: Progress) -> None:
        if at in done.line:
            left.pop()
            if not left:
                raise Died

    with pytest.raises(Died):
        batching.project.run(on_progress=listen)
