"""The promise, on posts made as real ones are, and at its edges."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed: pip install 'madang[student]'")

from threadpoolctl import threadpool_limits

from madang.distillation.calibration import Calibration, calibrate
from madang.distillation.heads import Guess
from madang.distillation.promise import Records, lower_bound, make_promise, trade_off

TARGET = 0.95
POSTS, LEARNT, SPLITS = 10_000, 600, 200


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A thousand small fits: on a busy machine threads wait for each other, a hundred times longer than they work."""
    with threadpool_limits(1):
        yield


@dataclass(frozen=True)
class Heads:
    """What heads said of posts. Shapes `(n_posts, n_fields)`; the log-odds are the heads' own, before calibration."""

    odds: np.ndarray
    is_said: np.ndarray
    right: np.ndarray

    def of(self, chosen: np.ndarray) -> "Heads":
        return Heads(self.odds[chosen], self.is_said[chosen], self.right[chosen])


def heads(fields: int, boast: float, seed: int) -> Heads:
    """Posts as they are: some hard in every field, heads that boast, ties, values left out, labels wrong or missing."""
    chance = np.random.default_rng(seed)
    shape = (POSTS, fields)
    ease = 4.5 + 1.8 * chance.standard_normal((POSTS, 1)) + 0.8 * chance.standard_normal(shape)
    is_right = chance.random(shape) < 1 / (1 + np.exp(-ease))
    is_right ^= chance.random(shape) < 0.005  # the teacher errs too
    right = np.where(chance.random(shape) < 0.15, np.nan, is_right.astype(float))
    told = boast * (ease + 0.7 * chance.standard_normal(shape)) + 1.0
    return Heads(np.clip(np.round(told * 2) / 2, -12, 12), chance.random(shape) < 0.6, right)


def calibrations(learnt: Heads) -> list[Calibration]:
    """Each field's, as a student gets it."""
    found = []
    for field in range(learnt.odds.shape[1]):
        known = np.flatnonzero(~np.isnan(learnt.right[:, field]))
        guesses = [
            Guess("value" if learnt.is_said[at, field] else None, None, float(learnt.odds[at, field])) for at in known
        ]
        found.append(calibrate(guesses, [bool(learnt.right[at, field]) for at in known]))
    return found


def records(told: Heads, lines: list[Calibration]) -> Records:
    columns = []
    for field, line in enumerate(lines):
        said, unsaid = (one.slope * told.odds[:, field] + one.offset for one in (line.said, line.unsaid))
        columns.append(1 / (1 + np.exp(-np.where(told.is_said[:, field], said, unsaid))))
    return Records(tuple(f"f{field}" for field in range(len(lines))), np.column_stack(columns), told.right)


def as_measured(learnt: Records) -> float | None:
    """The threshold that nobody should take: the laxest at which every share as measured is what is promised."""
    for threshold in np.unique(learnt.sureness):
        if (np.nanmean(learnt.right[learnt.sureness >= threshold], axis=0) >= TARGET).all():
            return float(threshold)
    return None


def broken_share(everything: Heads, threshold_of: Callable[[Records], float | None]) -> tuple[int, int]:
    """Of resampled splits: those in which something was promised, and those in which it did not hold."""
    chance = np.random.default_rng(7)
    promised = broken = 0
    for _ in range(SPLITS):
        order = chance.permutation(POSTS)
        learnt, rest = everything.of(order[:LEARNT]), everything.of(order[LEARNT:])
        lines = calibrations(learnt)
        threshold = threshold_of(records(learnt, lines))
        if threshold is not None:
            measured = records(rest, lines)
            right = measured.right[measured.sureness >= threshold]
            promised += 1
            broken += bool((np.nanmean(right, axis=0) < TARGET).any())
    return promised, broken


@pytest.mark.parametrize(("fields", "boast"), [(1, 1.0), (2, 2.5)])
def test_the_promise_holds_in_at_least_93_of_100_resampled_splits(fields, boast):
    """Calibration and threshold come of 600 posts; what holds is measured on the other 9,400."""
    everything = heads(fields, boast, seed=fields)

    promised, broken = broken_share(everything, lambda learnt: make_promise(learnt, TARGET).threshold)

    assert promised > 0.7 * SPLITS
    assert broken <= 0.07 * promised


def test_a_promise_without_a_bound_would_break_its_word():
    promised, broken = broken_share(heads(1, 1.0, seed=1), as_measured)

    assert broken > 0.2 * promised


def test_no_threshold_is_promised_where_no_post_is_right_often_enough():
    chance = np.random.default_rng(1)
    records = Records(("f",), chance.random((500, 1)), (chance.random((500, 1)) < 0.8).astype(float))

    assert make_promise(records, TARGET).threshold is None


def test_too_few_posts_promise_nothing_however_right_they_are():
    records = Records(("f",), np.full((50, 1), 0.99), np.ones((50, 1)))

    assert make_promise(records, TARGET).threshold is None


def test_all_posts_are_kept_where_all_are_right():
    records = Records(("f",), np.linspace(0.5, 1, 300)[:, None], np.ones((300, 1)))
    promise = make_promise(records, TARGET)

    assert (promise.share, promise.threshold) == (1.0, 0.5)


def test_a_field_without_labels_breaks_no_promise():
    right = np.column_stack([np.ones(300), np.full(300, np.nan)])
    promise = make_promise(Records(("f", "g"), np.full((300, 2), 0.9), right), TARGET)

    assert (promise.share, list(promise.bounds)) == (1.0, ["f"])


def test_the_bound_is_that_of_clopper_and_pearson():
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert lower_bound(0, 10) == 0.0


def test_the_trade_off_ends_with_every_post():
    told = heads(2, 1.0, seed=3).of(np.arange(500))
    last = trade_off(records(told, calibrations(told)))[-1]

    assert last.share == 1.0
    assert last.low < last.right < last.high
