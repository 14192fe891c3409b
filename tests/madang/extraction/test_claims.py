"""Claims: each request has one owner, and its state says how far it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from madang.extraction.claims import Claim, Claims, Held

CLAIM = Claim(
    request_hash="r1", call_id="c1", owner="run1/7.log", run="run1", task="groups", recipe="groups@1", model="local:a",
    lane="local", day="2024-11-27", reserved_usd=0.25, sent_at="2024-11-27T00:00:00+00:00",
    account_day="2024-11-27",
)  # fmt: skip
OTHER = replace(CLAIM, call_id="c2", owner="run2/8.log")


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    opened = Claims(tmp_path / "home" / "claims.sqlite")
    yield opened
    opened.close()


def test_a_request_is_taken_once(claims: Claims, tmp_path: Path) -> None:
    elsewhere = Claims(tmp_path / "home" / "claims.sqlite")

    assert claims.take(CLAIM) is None
    assert elsewhere.take(OTHER) == Held("run1/7.log", "sent")
    assert claims.take(CLAIM) == Held("run1/7.log", "sent")
    elsewhere.close()


def test_a_request_that_nobody_has_is_not_held(claims: Claims) -> None:
    assert claims.held("r1") is None


def test_states_are_seen_by_others(claims: Claims) -> None:
    claims.take(CLAIM)
    states = []
    for state in ("received", "committed"):
        claims.mark(["r1", "unknown"], state)
        states.append(claims.take(OTHER))

    assert states == [Held("run1/7.log", "received"), Held("run1/7.log", "committed")]


def test_a_released_request_is_free(claims: Claims) -> None:
    claims.take(CLAIM)
    claims.release(["r1", "unknown"])

    assert claims.take(OTHER) is None
    assert claims.held("r1") == Held("run2/8.log", "sent")


def test_an_owner_s_open_claims_come_back_whole(claims: Claims) -> None:
    second, third = replace(CLAIM, request_hash="r2"), replace(CLAIM, request_hash="r3")
    for claim in (CLAIM, second, third, replace(OTHER, request_hash="r4")):
        claims.take(claim)
    claims.mark(["r2"], "received")
    claims.mark(["r3"], "committed")

    assert claims.of_owner("run1/7.log") == [(CLAIM, "sent"), (second, "received")]
    assert claims.owners() == ["run1/7.log", "run2/8.log"]


def test_only_committed_claims_are_listed_to_be_forgotten(claims: Claims) -> None:
    for name, state in (("r1", "sent"), ("r2", "received"), ("r3", "committed")):
        claims.take(replace(CLAIM, request_hash=name))
        claims.mark([name], state)

    assert claims.committed() == ["r3"]
    assert (claims.answered("groups"), claims.answered("rentals")) == (2, 0)


def test_a_claim_that_moved_on_since_it_was_seen_is_not_given_back(claims: Claims) -> None:
    claims.take(CLAIM)
    seen = Held("run1/7.log", "sent")
    claims.mark(["r1"], "received")
    claims.release_if("r1", seen)
    kept = claims.held("r1")
    claims.release_if("r1", Held("run1/7.log", "received"))

    assert kept == Held("run1/7.log", "received")
    assert claims.held("r1") is None


def test_money_of_a_day_is_reserved_once_among_all_processes(claims: Claims, tmp_path: Path) -> None:
    """Two runs that each took what was left at their start spent a cap twice."""
    claims.open_day("2024-11-27", 0.3, is_alone=True)
    other = Claims(tmp_path / "home" / "claims.sqlite")
    taken = [claims.reserve("2024-11-27", 0.25, 1.0), other.reserve("2024-11-27", 0.25, 1.0),
             claims.reserve("2024-11-27", 0.25, 1.0)]  # fmt: skip
    other.close()

    assert taken == [True, True, False]


def test_an_ended_call_is_settled_with_its_claim(claims: Claims) -> None:
    claims.open_day("2024-11-27", 0.0, is_alone=True)
    claims.reserve("2024-11-27", 0.25, 1.0)
    claims.take(CLAIM)
    claims.finish(CLAIM, 0.1, is_answered=True)

    assert claims.held("r1") == Held("run1/7.log", "received")
    assert claims.spent_usd("2024-11-27") == 0.1
    assert claims.reserve("2024-11-27", 0.9, 1.0)


def test_a_failed_call_gives_its_claim_back(claims: Claims) -> None:
    claims.take(CLAIM)
    claims.finish(CLAIM, 0.0, is_answered=False)

    assert claims.held("r1") is None


def test_what_dead_processes_had_reserved_is_free_again_when_nobody_runs(claims: Claims) -> None:
    claims.reserve("2024-11-27", 0.9, 1.0)
    claims.open_day("2024-11-27", 0.0, is_alone=True)

    assert claims.reserve("2024-11-27", 0.9, 1.0)


def test_claims_survive_their_process(claims: Claims, tmp_path: Path) -> None:
    claims.take(CLAIM)
    claims.close()
    again = Claims(tmp_path / "home" / "claims.sqlite")

    assert again.of_owner("run1/7.log") == [(CLAIM, "sent")]
    again.close()


def test_of_many_requests_those_are_told_that_another_has(claims: Claims) -> None:
    claims.take(OTHER)
    wanted = [replace(CLAIM, request_hash=f"r{number}", call_id=f"call{number}") for number in (1, 2, 3)]
    held = claims.take_all(wanted)

    assert held == {"r1": Held("run2/8.log", "sent")}
    assert [claims.held(f"r{number}") for number in (2, 3)] == [Held("run1/7.log", "sent")] * 2


def test_many_calls_end_in_one_step_each_in_its_own_way(claims: Claims) -> None:
    claims.open_day("2024-11-27", 0.0, is_alone=True)
    wanted = [replace(CLAIM, request_hash=f"r{number}", call_id=f"call{number}") for number in (1, 2)]
    assert claims.reserve("2024-11-27", 0.5, 1.0)
    claims.take_all(wanted)
    claims.finish_all([(wanted[0], 0.2, True), (wanted[1], 0.1, False)])

    assert [claims.held(f"r{number}") for number in (1, 2)] == [Held("run1/7.log", "received"), None]
    assert claims.spent_usd("2024-11-27") == pytest.approx(0.3)
    assert claims.reserve("2024-11-27", 0.7, 1.0)
