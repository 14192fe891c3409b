"""Forecasts of sums: exact values of the line and the mean, and that their range holds what is drawn alike."""

import random

import pytest

from madang.extraction.spans import InputFit, Mean, Span

LINE = [(100 + chars // 2, chars) for chars in range(20, 80, 2)]


def test_too_few_calls_say_nothing() -> None:
    assert Mean.of([1.0] * 19) is None
    assert InputFit.of(LINE[:19], 50.0) is None


def test_calls_that_never_differed_leave_a_tenth_of_doubt() -> None:
    mean = Mean.of([4.0] * 20)

    assert mean is not None
    assert mean.sum_of(10) == Span(36.0, 40.0, pytest.approx(44.0))


def test_calls_that_lie_on_a_line_give_its_ends() -> None:
    fit = InputFit.of(LINE, 50.0)

    assert fit is not None
    assert (fit.prefix, fit.a_char, fit.calls) == (pytest.approx(100), pytest.approx(0.5), 30)
    assert fit.sum_of(10, 1000, 50.0).expected == pytest.approx(10 * 100 + 500)


def test_another_prompt_scales_the_prefix_and_not_the_posts() -> None:
    fit = InputFit.of(LINE, 50.0)

    assert fit is not None
    assert fit.sum_of(10, 1000, 100.0).expected == pytest.approx(10 * 200 + 500)


def test_posts_of_one_length_give_a_prefix_alone() -> None:
    fit = InputFit.of([(130, 60)] * 20, 50.0)

    assert fit is not None
    assert (fit.prefix, fit.a_char, fit.spread) == (130, 0.0, 0.0)


def test_no_character_takes_less_than_nothing() -> None:
    falling = InputFit.of([(200 - chars, chars) for chars in range(20, 80, 2)], 50.0)
    steep = InputFit.of([(10 * chars - 150, chars) for chars in range(20, 80, 2)], 50.0)

    assert falling is not None
    assert steep is not None
    assert (falling.a_char, falling.prefix) == (0.0, 151.0)
    assert (steep.a_char, steep.prefix) == (pytest.approx(340 / 49), pytest.approx(0))


def test_the_range_of_a_sum_holds_it_nineteen_times_of_twenty() -> None:
    draw = random.Random(7)
    held = 0
    for _ in range(200):
        mean = Mean.of([draw.lognormvariate(3, 1) for _ in range(100)])
        assert mean is not None
        span = mean.sum_of(200)
        held += span.low <= sum(draw.lognormvariate(3, 1) for _ in range(200)) <= span.high

    assert held >= 190
