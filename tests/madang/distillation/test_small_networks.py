import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'madang[student]'")

from madang.distillation.small_networks import fit_networks  # noqa: E402


def rows(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States of which one axis decides, scores that say nothing, and what is right."""
    generator = np.random.default_rng(11)
    read = generator.normal(size=(count, 6)).astype(np.float32)
    return read, generator.normal(size=(count, 1)).astype(np.float32), read[:, 2] > 0.5


def test_networks_learn_what_scores_do_not_say():
    read, scored, right = rows(2000)
    found = fit_networks(read, scored, right, np.ones(2000), seed=7)
    said = found.scores(read, np.zeros((2000, 1), np.float32))[:, 0] > 0

    assert (said == right).mean() > 0.95


def test_one_seed_gives_one_result():
    read, scored, right = rows(200)
    one, same, other = (fit_networks(read, scored, right, np.ones(200), seed) for seed in (7, 7, 8))

    np.testing.assert_array_equal(one.inner, same.inner)
    assert not np.array_equal(one.inner, other.inner)


def test_a_row_that_was_not_reached_counts_as_the_mean():
    read, scored, right = rows(200)
    found = fit_networks(read, scored, right, np.ones(200), seed=7)
    unreached = np.full((1, 6), np.nan, np.float32)
    score = np.array([[2.0]], np.float32)

    np.testing.assert_allclose(found.scores(unreached, score), found.scores(found.mean[None], score), rtol=1e-5)


def test_training_leaves_the_chance_of_others_alone():
    read, scored, right = rows(100)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    fit_networks(read, scored, right, np.ones(100), seed=7)

    assert torch.equal(before, torch.get_rng_state())
