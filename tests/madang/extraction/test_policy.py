"""Failed calls: tried again with patience, never for ever; a model that only fails rests, a wrong key ends the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import Project, make_project, post

from madang.errors import CapReached, ModelUnavailable
from madang.extraction.policy import Breaker, Policy, Tries

LEDGER = "SELECT outcome, count(*) FROM ops.ledger GROUP BY outcome ORDER BY outcome"
QUICK = {"tries": 3, "first_delay_seconds": 0.01}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with the task `meetups`."""
    made = make_project(tmp_path / "project", ("meetups",))
    yield made
    made.close()


def test_what_the_server_asks_for_is_waited_and_a_little_more() -> None:
    delays = [Policy().delay_seconds(1, 4.0) for _ in range(50)]

    assert all(4.0 <= delay <= 4.8 for delay in delays)


def test_own_delays_double_up_to_the_longest() -> None:
    policy = Policy(first_delay_seconds=1.0, most_delay_seconds=10.0)

    assert 0.5 <= policy.delay_seconds(1, None) <= 1.5
    assert 2.0 <= policy.delay_seconds(3, None) <= 6.0
    assert 5.0 <= policy.delay_seconds(30, None) <= 15.0


def test_a_request_has_so_many_tries() -> None:
    tries = Tries(Policy(tries=3), Clock())

    assert [tries.next_delay_seconds(0.0) is None for _ in range(3)] == [False, False, True]


def test_a_request_is_not_tried_past_its_deadline() -> None:
    clock = Clock()
    tries = Tries(Policy(tries=9, deadline_seconds=10.0), clock)
    clock.now += 9.0

    assert tries.next_delay_seconds(5.0) is None


def test_a_model_rests_after_many_failures_over_a_while_and_not_after_a_burst() -> None:
    clock = Clock()
    breaker = Breaker(Policy(breaks_after=3, breaks_after_seconds=30.0, rest_seconds=60.0), clock)
    for _ in range(5):
        breaker.failed()

    assert not breaker.is_open

    clock.now += 30.0
    breaker.failed()

    assert breaker.is_open

    clock.now += 60.0

    assert not breaker.is_open


def test_a_transient_failure_is_tried_again_and_each_try_is_a_call_in_the_ledger(project: Project) -> None:
    project.set_model(fault="flaky", policy=QUICK)
    project.ingest(post("p1", "running fault"), post("p2", "running"))
    report = project.run()

    assert (report.progress.extracted, report.progress.retried, report.pending) == (2, 1, 0)
    assert project.rows(LEDGER) == [("ok", 2), ("transient", 1)]
    assert len(project.sent()) == 3


def test_a_request_that_only_fails_stays_pending_after_its_tries(project: Project) -> None:
    project.set_model(fault="transient", policy=QUICK)
    project.ingest(post("p1", "running fault"), post("p2", "running"))
    report = project.run()

    assert (report.progress.extracted, report.progress.failed, report.pending) == (1, 1, 1)
    assert project.rows(LEDGER) == [("ok", 1), ("transient", 3)]


def test_an_invalid_reply_is_asked_again_with_what_is_wrong(project: Project) -> None:
    project.set_model(fault="sloppy")
    project.ingest(post("p1", "running fault"))
    report = project.run()

    assert (report.progress.extracted, report.progress.reasked) == (1, 1)
    assert project.rows("SELECT topics, status FROM attributes.meetups") == [(["running"], "ok")]
    assert len(project.sent()) == 2


def test_a_wrong_key_ends_the_run_and_quarantines_nothing(project: Project) -> None:
    project.set_model(fault="misconfigured")
    project.ingest(*(post(f"p{number}", f"running fault {number}") for number in range(20)))

    with pytest.raises(ModelUnavailable, match="the key was refused") as stopped:
        project.run()

    assert stopped.value.exit_code == 5
    assert project.rows("SELECT count(*) FROM ops.quarantine") == [(0,)]
    assert project.rows("SELECT state, count(*) FROM ops.plans GROUP BY state") == [("pending", 20)]
    assert len(project.sent()) <= 8


def test_a_model_that_only_fails_ends_the_run_when_it_has_no_fallback(project: Project) -> None:
    project.set_model(fault="transient", policy={"tries": 50, "first_delay_seconds": 0.01, "breaks_after": 4,
                                                 "breaks_after_seconds": 0.0})  # fmt: skip
    project.ingest(post("p1", "running fault"))

    with pytest.raises(ModelUnavailable, match="only fails"):
        project.run()

    assert project.rows(LEDGER) == [("transient", 4)]


def test_a_model_that_only_fails_is_left_for_its_fallback(project: Project) -> None:
    project.edit("meetups", lambda task: task["models"][0].update(use="transient", fallback=["local"]))
    project.set_model(policy={"tries": 50, "first_delay_seconds": 0.01, "breaks_after": 4, "breaks_after_seconds": 0.0})
    project.ingest(post("p1", "running fault"))
    report = project.run()

    assert (report.progress.extracted, report.pending) == (1, 0)
    assert project.rows("SELECT model FROM attributes.meetups") == [("online:scripted-local",)]


def test_a_call_waits_for_those_in_flight_where_they_hold_what_is_left_of_the_cap(project: Project) -> None:
    """Reservations of eight calls would pass the cap; what they really cost does not."""
    project.set_model(usd=0.01, reserve=0.3, seconds=0.05)
    project.ingest(*(post(f"p{number}", f"running {number}") for number in range(8)))
    report = project.run(cap_usd=0.65)

    assert (report.progress.extracted, round(report.progress.usd, 2)) == (8, 0.08)


def test_a_capped_run_stops_short_of_its_cap_and_goes_on_without_a_repeat(project: Project) -> None:
    """Three dollars of calls under a cap of one; a call may cost three cents and costs one."""
    project.set_model(usd=0.01, reserve=0.03)
    project.ingest(*(post(f"p{number:03}", f"running {number}") for number in range(300)))
    with pytest.raises(CapReached):
        project.run(cap_usd=1.0)
    spent = project.rows("SELECT sum(usd) FROM ops.ledger")[0][0]
    rest = project.run()

    assert 0.95 <= spent <= 1.0
    assert (rest.progress.extracted, rest.pending) == (300 - round(spent / 0.01), 0)
    assert len(project.sent()) == len(set(project.sent())) == 300
