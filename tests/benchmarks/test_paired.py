import numpy as np
import pytest
from paired import difference, mean_of, measure

from madang.evaluation.answers import MentionAnswer
from madang.evaluation.metrics import Judged, scores

_POSTS = [("town", str(number)) for number in range(40)]


def judged(gold, predicted):
    return {
        post: Judged(right, right is not None, said) for post, right, said in zip(_POSTS, gold, predicted, strict=True)
    }


_LABELS = [("a", "b", "c", None)[number % 4] for number in range(40)]
_SAID = [("a", "b", "b", None, "a")[number % 5] for number in range(40)]
_SETS = [frozenset("ab"[: number % 3]) for number in range(40)]
_OTHER_SETS = [frozenset("bca"[: number % 4]) for number in range(40)]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "value_f1"])
def test_metrics_of_labels_are_those_of_the_evaluation(metric):
    own = judged(_LABELS, _SAID)
    expected = scores("label", list(own.values()), is_nullable=True, is_form=False)[metric].value

    assert measure(metric, _POSTS, own).figure.value == pytest.approx(expected)


def test_f1_of_sets_is_that_of_the_evaluation():
    own = judged(_SETS, _OTHER_SETS)
    expected = scores("labels", list(own.values()), is_nullable=False, is_form=False)["f1"].value

    assert measure("f1", _POSTS, own).figure.value == pytest.approx(expected)


def test_mentions_are_counted_by_what_a_metric_asks_for():
    def mentions(*named):
        return frozenset(MentionAnswer(text, text, None, review, direction) for text, review, direction in named)

    gold = mentions(("a", True, False), ("b", False, True), ("c", False, False))
    said = mentions(("a", False, False), ("b", False, False), ("c", False, False))
    own = {_POSTS[0]: Judged(gold, True, said)}
    span, kept, review = (
        measure(metric, _POSTS[:1], own).figure.value for metric in ("span_f1", "kept_f1", "review_f1")
    )

    assert (span, kept, review) == (1.0, pytest.approx(0.8), 0.0)


def test_a_system_is_no_better_than_itself():
    own = measure("macro_f1", _POSTS, judged(_LABELS, _SAID))
    found = difference(own, own)

    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_the_gain_of_a_system_that_is_never_wrong_excludes_zero():
    right, other = (measure("accuracy", _POSTS, judged(_LABELS, said)) for said in (_LABELS, _SAID))
    found = difference(right, other)

    assert found.value == pytest.approx(1.0 - other.figure.value)
    assert 0 < found.low <= found.value <= found.high


def test_the_mean_is_over_fields_and_not_over_their_posts():
    every, few = judged(_LABELS, _LABELS), dict(list(judged(_LABELS, ["b"] * 40).items())[:1])
    parts = [measure("accuracy", _POSTS, own) for own in (every, few)]

    assert mean_of(parts).figure.value == pytest.approx(np.mean([1.0, 0.0]))
