"""Scores of mentions: by distinct strings where gold has no places, else by place; the empty answer is the baseline."""

from typing import Any

import pytest

from madang.evaluation.answers import UnreadableError, answer_of
from madang.evaluation.mention_metrics import mention_scores, side_by_side
from madang.evaluation.metrics import Judged
from madang.evaluation.score import Score

BODY = "Oak Cafe, Elm Hall and Oak Cafe again"


def mention(text: str, start: int | None = None, **flags: bool) -> dict[str, Any]:
    place = {} if start is None else {"start": start, "end": start + len(text)}
    return {"text": text} | place | flags


def at(text: str, **flags: bool) -> dict[str, Any]:
    """What a task predicts: the first occurrence."""
    return mention(text, BODY.index(text), **flags) | {"field": "body"}


def score(*posts: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> dict[str, Score]:
    judged = []
    for gold, predicted in posts:
        right, given = side_by_side(
            answer_of("mentions", gold), answer_of("mentions", predicted), {"title": "", "body": BODY}
        )
        judged.append(Judged(right, True, given))
    return mention_scores(judged)


def values(found: dict[str, Score]) -> dict[str, float | None]:
    return {name: None if one.value is None else round(one.value, 3) for name, one in found.items()}


def test_without_places_distinct_strings_are_compared() -> None:
    found = score(([mention("oak cafe"), mention("Elm  Hall")], [at("Oak Cafe"), at("again")]), ([], []))

    assert values(found) == {
        "span_f1": 0.5, "overlap_f1": 0.5, "precision": 0.5, "recall_stated": 0.5, "abstention": 1.0,
    }  # fmt: skip
    assert found["span_f1"].n == 2


def test_with_places_the_place_counts_and_not_the_string() -> None:
    gold = [mention("Oak Cafe", 0), mention("Oak Cafe", 23)]

    assert values(score((gold, [at("Oak Cafe")])))["recall_stated"] == 0.5


def test_gold_beside_its_place_is_moved_to_it() -> None:
    assert values(score(([mention("Oak Cafe", 24)], [mention("Oak Cafe", 23) | {"field": "body"}])))["span_f1"] == 1.0


@pytest.mark.parametrize("gold", [mention("Oak", 0), mention("Oak")])
def test_a_part_of_a_mention_overlaps_with_it(gold: dict[str, Any]) -> None:
    found = values(score(([gold], [at("Oak Cafe")])))

    assert (found["span_f1"], found["overlap_f1"]) == (0.0, 1.0)


def test_a_mention_that_swallows_several_has_found_one() -> None:
    gold = [mention("Oak Cafe"), mention("Elm Hall")]

    assert values(score((gold, [at(BODY)])))["overlap_f1"] == pytest.approx(0.667)


def test_kept_and_reviewed_mentions_are_those_of_golds_own_questions() -> None:
    gold = [
        mention("Oak Cafe", is_review=True, direction_only=False),
        mention("Elm Hall", is_review=False, direction_only=True),
    ]
    predicted = [at("Oak Cafe", is_review=True), at("Elm Hall", is_review=True, direction_only=True)]

    found = values(score((gold, predicted)))

    assert (found["kept_f1"], found["review_f1"]) == (1.0, pytest.approx(0.667))


def test_gold_that_does_not_ask_has_no_such_metric() -> None:
    assert {"kept_f1", "review_f1"} & score(([mention("Oak Cafe")], [at("Oak Cafe")])).keys() == set()


def test_posts_that_mention_nothing_cost_precision_and_abstention() -> None:
    found = score(([], [at("Oak Cafe"), at("Elm Hall")]), ([], []), ([mention("Oak Cafe", 0)], [at("Oak Cafe")]))

    assert values(found) == {
        "span_f1": 0.5, "overlap_f1": 0.5, "precision": 0.333, "recall_stated": 1.0, "abstention": 0.5,
    }  # fmt: skip


def test_the_baseline_is_the_empty_answer() -> None:
    found = score(([mention("Oak Cafe")], [at("Oak Cafe")]), ([], []))

    assert {name: one.baseline for name, one in found.items()} == {
        "span_f1": 0.0, "overlap_f1": 0.0, "precision": None, "recall_stated": 0.0, "abstention": 1.0,
    }  # fmt: skip


def test_every_interval_holds_its_value() -> None:
    posts = [([mention("Oak Cafe", 0)], [at("Oak Cafe")]), ([mention("Elm Hall", 10)], [at("again")]), ([], [])] * 9

    for one in score(*posts).values():
        assert one.value is not None
        assert one.low is not None
        assert one.high is not None
        assert one.low <= one.value <= one.high


@pytest.mark.parametrize("value", ["Oak Cafe", [{"name": "Oak Cafe"}], [3], [{"text": "Oak", "is_review": "perhaps"}]])
def test_what_is_no_list_of_mentions_is_refused(value: object) -> None:
    with pytest.raises(UnreadableError):
        answer_of("mentions", value)
