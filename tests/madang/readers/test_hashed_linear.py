"""Classifiers over hashed features: stored small, read back alike."""

import numpy as np
import pytest

from madang.readers import hashed_linear
from madang.readers.hashed_linear import BITS, HashedLinear, pack, place_of

RED, ROUND = place_of("red"), place_of("round")


def classifier() -> HashedLinear:
    weights = np.zeros((1, 1 << BITS), np.float32)
    weights[0, [RED, ROUND]] = [2.0, -1.0]
    return HashedLinear(weights, np.array([0.5], np.float32), threshold=1.0, slope=2.0, offset=-1.0)


def test_a_feature_counts_once() -> None:
    assert classifier().score([RED, RED]) == 1.5


def test_confidence_is_the_calibrated_share_of_right_answers() -> None:
    assert classifier().confidence(0.5) == 0.5


def test_a_stored_classifier_scores_as_before(tmp_path, monkeypatch) -> None:
    (tmp_path / "data").mkdir()
    np.savez_compressed(tmp_path / "data" / "fruit.npz", **pack(classifier()))
    monkeypatch.setattr(hashed_linear, "files", lambda package: tmp_path)
    stored = hashed_linear.load("fruit")

    assert stored.score([RED, ROUND]) == pytest.approx(classifier().score([RED, ROUND]), abs=0.02)
    assert (stored.threshold, stored.slope, stored.offset) == (1.0, 2.0, -1.0)


@pytest.mark.parametrize("name", ["places_ko", "places_en", "place_reviews", "place_directions", "post_kind"])
def test_weights_that_come_with_the_package_are_small(name: str) -> None:
    weights = hashed_linear.load(name).weights

    assert np.isfinite(weights).all()
    assert (weights != 0).any()
