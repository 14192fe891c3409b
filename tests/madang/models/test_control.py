"""Limits of a lane: fewer calls when the server says so, more while they succeed, never more than allowed."""

from madang.models.control import Control, Rates


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def succeed(control: Control, clock: Clock, times: int, seconds: float = 1.0) -> None:
    for _ in range(times):
        started_at = control.started()
        clock.now += seconds
        control.succeeded(started_at)


def test_a_burst_of_refusals_shrinks_the_limit_once() -> None:
    clock = Clock()
    control = Control(Rates(100), clock)
    starts = [control.started() for _ in range(100)]
    clock.now += 0.1
    for started_at in starts:
        control.overloaded(started_at, None)

    assert control.limit == 70


def test_a_refusal_of_a_call_that_started_later_shrinks_it_again() -> None:
    clock = Clock()
    control = Control(Rates(100), clock)
    for _ in range(2):
        clock.now += 1.0
        started_at = control.started()
        clock.now += 0.1
        control.overloaded(started_at, None)

    assert control.limit == 49


def test_the_limit_comes_back_by_one_a_success_and_stops_at_what_is_allowed() -> None:
    clock = Clock()
    control = Control(Rates(100), clock)
    control.overloaded(control.started(), None)
    succeed(control, clock, 20)

    assert control.limit == 90

    succeed(control, clock, 1000)

    assert control.limit == 100


def test_nothing_starts_before_the_server_says_so() -> None:
    clock = Clock()
    control = Control(Rates(10), clock)
    control.overloaded(control.started(), 7.0)

    assert control.wait_seconds() == 7.0

    clock.now += 7.0

    assert control.wait_seconds() == 0.0


def test_calls_that_take_three_times_as_long_shrink_the_limit() -> None:
    clock = Clock()
    control = Control(Rates(100), clock)
    succeed(control, clock, 60, seconds=1.0)
    succeed(control, clock, 60, seconds=4.0)

    assert control.limit < 100


def test_a_failure_of_its_own_leaves_the_limit_alone() -> None:
    control = Control(Rates(10), Clock())
    control.started()
    control.failed()

    assert (control.limit, control.has_room) == (10, True)


def test_requests_are_spread_over_the_minute() -> None:
    clock = Clock()
    control = Control(Rates(100, requests_per_minute=120), clock)
    control.started()
    control.started()

    assert control.wait_seconds() == 0.5

    clock.now += 0.5

    assert control.wait_seconds() == 0.0


def test_a_call_larger_than_the_bucket_makes_later_ones_wait_for_it() -> None:
    clock = Clock()
    control = Control(Rates(100, tokens_per_minute=6000), clock)
    control.started(1100)

    assert control.wait_seconds() == 10.0


def test_the_limit_never_falls_below_one() -> None:
    clock = Clock()
    control = Control(Rates(1), clock)
    for _ in range(5):
        clock.now += 1.0
        control.overloaded(control.started(), None)

    assert (control.limit, control.has_room) == (1, True)
