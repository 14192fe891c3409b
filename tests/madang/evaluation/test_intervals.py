import numpy as np
import pytest

from madang.evaluation.intervals import bootstrap, f1_interval, value_of, wilson


def share(sums):
    return sums[..., 0] / sums[..., 1]


def undefined(sums):
    return np.full(len(sums), np.nan)


def counts(right, n):
    return np.array([[1.0, 1.0]] * right + [[0.0, 1.0]] * (n - right))


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilson_gives_the_textbook_interval(right, n, low, high):
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_contains_the_proportion():
    for n in (1, 3, 7, 200):
        for right in range(n + 1):
            low, high = wilson(right, n)

            assert 0 <= low <= right / n <= high <= 1


def test_the_bootstrap_of_a_proportion_is_close_to_the_normal_interval():
    low, high = bootstrap(counts(120, 200), share)
    spread = 1.96 * (0.6 * 0.4 / 200) ** 0.5

    assert (low, high) == pytest.approx((0.6 - spread, 0.6 + spread), abs=0.01)


def test_the_bootstrap_says_the_same_twice():
    assert bootstrap(counts(7, 20), share) == bootstrap(counts(7, 20), share)


def test_the_bootstrap_is_the_same_in_one_chunk_and_in_many(monkeypatch):
    whole = bootstrap(counts(7, 20), share)
    monkeypatch.setattr("madang.evaluation.intervals._CHUNK_CELLS", 60)

    assert bootstrap(counts(7, 20), share) == whole


def test_the_bootstrap_never_excludes_a_statistic_that_resampling_shifts():
    def distance(sums):  # from one half: resampling only moves it away
        return np.abs(sums[..., 0] / sums[..., 1] - 0.5)

    low, high = bootstrap(counts(10, 20), distance)

    assert low == 0.0
    assert high > 0.1


def f1(sums):
    return 2 * sums[..., 0] / (2 * sums[..., 0] + sums[..., 1] + sums[..., 2])


def test_three_right_posts_are_not_called_certain():
    # Wilson of 3 of 3 begins at 0.4385, and 2 x 0.4385 / 1.4385 = 0.6096; the post without an item adds nothing
    rows = np.array([[2.0, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]])

    assert f1_interval(rows, f1) == pytest.approx((0.6096, 1), abs=1e-4)


def test_three_wrong_posts_are_not_called_hopeless():
    # Wilson of 0 of 3 ends at 0.5615
    rows = np.array([[0.0, 1, 1], [0, 0, 1], [0, 2, 0]])

    assert f1_interval(rows, f1) == pytest.approx((0, 0.7192), abs=1e-4)


def test_an_f1_between_is_resampled():
    rows = np.array([[1.0, 0, 0], [0, 1, 1]] * 10)

    assert f1_interval(rows, f1) == bootstrap(rows, f1)


def test_what_is_not_defined_has_neither_value_nor_interval():
    assert value_of(counts(1, 2), undefined) is None
    assert bootstrap(counts(1, 2), undefined) is None
