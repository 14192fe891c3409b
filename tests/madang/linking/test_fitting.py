"""Fitting: places held out stay out, and what an absent place leaves behind."""

from pathlib import Path

import numpy as np
import pytest
from places import ABOUT_POND, place_index
from scenario import write_posts

from madang.errors import InputError
from madang.evaluation.sampling import part_of
from madang.linking.fitting import Examples, examples_of, fit, held_out, leads, without_right

# Two posts of three candidates each; the candidate with the larger value is right.
EXAMPLES = Examples(
    values=np.array([[3.0], [1.0], [0.0], [2.5], [0.5], [0.0]]),
    is_right=np.array([True, False, False, True, False, False]),
    post=np.array([0, 0, 0, 1, 1, 1]),
    fold=np.array([0, 1]),
    weight=np.array([1.0, 1.0]),
)


def test_a_weight_is_of_the_feature_as_it_is() -> None:
    fitted = fit(EXAMPLES)

    assert fitted.weights[0] > 0
    assert fitted.probabilities(np.array([[3.0]]))[0] > fitted.probabilities(np.array([[0.0]]))[0]


def test_every_candidate_is_scored_by_a_model_of_other_posts() -> None:
    scores = held_out(EXAMPLES)

    assert [int(np.argmax(scores[EXAMPLES.post == post])) for post in (0, 1)] == [0, 0]


def test_the_lead_is_that_over_the_next_candidate_up_to_a_bound() -> None:
    found, is_right = leads(EXAMPLES, np.array([9.0, 1.0, 0.0, 1.0, 2.0, 0.0]))

    assert found.tolist() == [[9.0, 6.0], [2.0, 1.0]]
    assert is_right.tolist() == [True, False]


def test_without_the_right_place_the_next_one_leads() -> None:
    assert without_right(EXAMPLES, np.array([9.0, 1.0, 0.0, 1.0, 2.0, 0.5])).tolist() == [[1.0, 1.0], [2.0, 1.5]]


def test_only_the_part_tune_is_read(tmp_path: Path) -> None:
    card = {"name": "물빛천지", "address": "제주특별자치도 서귀포시 보목동 1400"}
    rows = [{"post_id": str(number), **ABOUT_POND, "places": [card]} for number in range(12)]
    tune = [row for row in rows if part_of(str(row["post_id"])) == "tune"]
    examples = examples_of(place_index(tmp_path), write_posts(tmp_path / "blog.jsonl", rows))

    assert 0 < len(tune) < len(rows)
    assert len(examples.fold) == len(tune)
    assert examples.weight.tolist() == pytest.approx([1 / len(tune)] * len(tune))


def test_posts_without_cards_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no post of the part `tune`"):
        examples_of(place_index(tmp_path), write_posts(tmp_path / "blog.jsonl", [{"post_id": "1", "body": "글"}]))
