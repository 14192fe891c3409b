"""Every metric on cases small enough to count by hand."""

from time import process_time

import pytest

from madang.evaluation.metrics import Judged, scores


def judged(*pairs):
    """Annotated gold: what is not null is stated."""
    return [Judged(gold, gold is not None, predicted) for gold, predicted in pairs]


def values(found):
    return {metric: score.value for metric, score in found.items()}


def baselines(found):
    return {metric: score.baseline for metric, score in found.items()}


NUMBERS = judged((5.0, 5.0), (5.0, 7.0), (5.0, None), (None, 3.0), (None, None))


def test_a_wrong_value_is_a_false_positive_and_also_a_miss():
    found = scores("number", NUMBERS, is_nullable=True, is_form=False)

    # right 1; false positives 7 and 3; misses: the 5 answered 7, the 5 not answered
    assert values(found) == {
        "accuracy": 2 / 5, "value_f1": 2 / (2 + 2 + 2), "precision": 1 / 3, "recall_stated": 1 / 3, "abstention": 1 / 2,
    }  # fmt: skip
    assert {metric: score.n for metric, score in found.items()} == {
        "accuracy": 5, "value_f1": 5, "precision": 3, "recall_stated": 3, "abstention": 2,
    }  # fmt: skip


def test_the_baseline_is_the_same_metric_of_the_most_frequent_answer():
    found = scores("number", NUMBERS, is_nullable=True, is_form=False)

    assert baselines(found) == {
        "accuracy": 3 / 5, "value_f1": 6 / 8, "precision": 3 / 5, "recall_stated": 1.0, "abstention": 0.0,
    }  # fmt: skip


def test_the_most_frequent_answer_may_be_none():
    found = scores("text", judged(("a", "a"), (None, "b"), (None, None)), is_nullable=True, is_form=False)

    assert baselines(found) == {
        "accuracy": 2 / 3, "value_f1": 0.0, "precision": None, "recall_stated": 0.0, "abstention": 1.0,
    }  # fmt: skip


def test_precision_of_no_answer_is_not_defined():
    found = scores("text", judged(("a", None), (None, None)), is_nullable=True, is_form=False)

    assert (found["precision"].value, found["precision"].low, found["precision"].n) == (None, None, 0)
    assert found["value_f1"].value == 0.0


def test_value_f1_is_not_defined_where_neither_side_says_anything():
    found = scores("number", judged((None, None), (None, None)), is_nullable=True, is_form=False)

    assert found["value_f1"].value is None
    assert found["accuracy"].value == 1.0


def test_macro_f1_is_the_mean_over_the_classes_of_gold_and_predictions():
    found = scores("label", judged(("a", "a"), ("a", "b"), ("b", "b"), ("c", "a")), is_nullable=False, is_form=False)

    # a: 1 right, 1 wrong, 1 missed; b: 1 right, 1 wrong; c: 1 missed
    assert values(found) == {"accuracy": 1 / 2, "macro_f1": pytest.approx((1 / 2 + 2 / 3 + 0) / 3)}
    # always a: 2 right, 2 wrong
    assert baselines(found) == {"accuracy": 1 / 2, "macro_f1": pytest.approx((4 / 6 + 0 + 0) / 3)}


def test_null_is_a_class_of_a_nullable_label():
    found = scores("label", judged(("a", "a"), (None, None), (None, "a")), is_nullable=True, is_form=False)

    # a: 1 right, 1 wrong; null: 1 right, 1 missed
    assert values(found) == {
        "accuracy": 2 / 3, "macro_f1": pytest.approx((2 / 3 + 2 / 3) / 2), "value_f1": pytest.approx(2 / 3),
    }  # fmt: skip


def test_f1_of_sets_counts_labels_and_exact_counts_posts():
    sets = [
        Judged(frozenset(gold), True, frozenset(predicted))
        for gold, predicted in [(["x", "y"], ["x"]), (["z"], ["z", "x"]), ([], [])]
    ]
    found = scores("labels", sets, is_nullable=False, is_form=False)

    assert values(found) == {"f1": 4 / 6, "exact": 1 / 3}
    assert baselines(found) == {"f1": 0.0, "exact": 1 / 3}


def test_f1_of_a_flag_is_that_of_true():
    flags = judged((True, True), (True, False), (False, True), (None, True), (False, False))
    found = scores("flag", flags, is_nullable=True, is_form=False)

    # true: 1 right, 2 wrong, 1 missed; any value: 2 right, 3 wrong, 2 missed
    assert values(found) == {"accuracy": 2 / 5, "f1": 2 / 5, "value_f1": pytest.approx(4 / 9)}
    # always false: no true is found; 2 right, 3 wrong, 2 missed
    assert baselines(found) == {"accuracy": 2 / 5, "f1": 0.0, "value_f1": pytest.approx(4 / 9)}


def test_a_flag_that_is_never_null_has_no_value_f1():
    assert list(scores("flag", judged((True, True)), is_nullable=False, is_form=False)) == ["accuracy", "f1"]


def test_a_form_is_scored_by_precision_recall_where_stated_and_abstention():
    rooms = [
        Judged(2.0, True, 2.0),
        Judged(3.0, True, None),
        Judged(1.0, False, 1.0),  # not found in the text by our pattern, and right all the same
        Judged(1.0, False, 4.0),
        Judged(1.0, False, None),
    ]
    found = scores("number", rooms, is_nullable=True, is_form=True)

    assert values(found) == {
        "accuracy": 3 / 5, "value_f1": pytest.approx(4 / (4 + 1 + 1)), "precision": 2 / 3, "recall_stated": 1 / 2,
        "abstention": 1 / 3,
    }  # fmt: skip


def test_a_flag_of_a_form_is_scored_like_a_stated_value_too():
    found = scores("flag", judged((True, True), (True, None)), is_nullable=True, is_form=True)

    assert list(found) == ["accuracy", "f1", "value_f1", "precision", "recall_stated", "abstention"]


def test_calibration_error_is_the_mean_distance_of_confidence_and_accuracy_in_ten_bins():
    sure = [
        Judged("a", True, "a", 0.95), Judged("a", True, "b", 0.95), Judged("b", True, "b", 0.55),
        Judged("b", True, "b", None), Judged("b", True, None, 0.1),
    ]  # fmt: skip
    ece = scores("label", sure, is_nullable=False, is_form=False)["ece"]

    # bin 0.9: |1.90 - 1|; bin 0.5: |0.55 - 1|; three posts with an answer and a confidence
    assert (ece.value, ece.n) == (pytest.approx((0.90 + 0.45) / 3), 3)
    # always a, and quite sure of it: right for two of three
    assert ece.baseline == pytest.approx(1 / 3)


def test_a_confidence_of_one_is_in_the_last_bin():
    assert scores("label", [Judged("a", True, "a", 1.0)], is_nullable=False, is_form=False)["ece"].value == 0.0


@pytest.mark.parametrize("kind", ["label", "number", "text"])
def test_every_interval_contains_its_value(kind):
    pairs = [(str(i % 4), str(i % 3)) for i in range(30)] + [(None, "1"), ("2", None), (None, None)]
    rows = [Judged(gold, gold is not None, predicted, (i % 10) / 10) for i, (gold, predicted) in enumerate(pairs)]

    for score in scores(kind, rows, is_nullable=True, is_form=False).values():
        assert 0 <= score.low <= score.value <= score.high <= 1


def test_scores_of_thousands_of_posts_take_seconds():
    """The baseline's answer was looked for anew at every post: 5,000 rentals took two minutes."""
    started = process_time()
    scores("number", NUMBERS * 1_200, is_nullable=True, is_form=False)

    assert process_time() - started < 4
