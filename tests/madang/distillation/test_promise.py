import numpy as np
import pytest

pytest.importorskip("scipy", reason="scipy is not installed: pip install 'madang[student]'")

from madang.distillation.promise import Records, lower_bound, make_promise, trade_off

TARGET = 0.95


def population(posts: int, fields: int, flattery: float, seed: int) -> Records:
    """Posts whose confidence says how likely they are right, raised by some flattery."""
    chance = np.random.default_rng(seed)
    likely = chance.beta(6, 0.3, size=(posts, fields))
    right = (chance.random((posts, fields)) < likely).astype(float)
    told = 1 / (1 + np.exp(-(np.log(likely / (1 - likely + 1e-12)) + flattery)))
    return Records(tuple(f"f{number}" for number in range(fields)), told, right)


def part(records: Records, chosen: np.ndarray) -> Records:
    return Records(records.fields, records.confidences[chosen], records.right[chosen])


@pytest.mark.parametrize("flattery", [0.0, 2.0])
@pytest.mark.parametrize("fields", [1, 3])
def test_the_promise_holds_in_at_least_93_of_100_resampled_splits(fields, flattery):
    everything = population(40_000, fields, flattery, seed=fields)
    chance = np.random.default_rng(7)
    kept = broken = 0
    for _ in range(200):
        order = chance.permutation(40_000)
        promise = make_promise(part(everything, order[:600]), TARGET)
        if promise.threshold is None:
            continue
        rest = part(everything, order[600:])
        members = rest.sureness >= promise.threshold
        kept += 1
        broken += bool((rest.right[members].mean(axis=0) < TARGET).any())

    assert kept > 150
    assert broken <= 0.07 * 200


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
    last = trade_off(population(500, 2, 0.0, seed=3))[-1]

    assert last.share == 1.0
    assert last.low < last.right
